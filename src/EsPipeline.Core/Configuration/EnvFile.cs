using System.Text;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Configuration;

/// <summary>
/// Reads a <c>.env</c> file as python-dotenv and docker compose do: <c>NAME=value</c>, optional <c>export</c>, <c>#</c> comments, single
/// quotes as they are, double quotes with <c>\n \r \t \" \\ \$</c>, <c>${NAME}</c> and <c>${NAME:-default}</c> outside single quotes. A bare
/// <c>$</c> is a dollar sign: passwords have them. A name that stands alone gives no value.
/// </summary>
public static class EnvFile
{
    /// <summary>Reads a file; one that is not there has no names.</summary>
    /// <exception cref="PipelineException"><see cref="ConfigurationErrors.BadEnvFile"/> with the line; its value is never shown.</exception>
    public static IReadOnlyDictionary<string, string> Read(string path, IReadOnlyDictionary<string, string> environment)
    {
        if (!File.Exists(path)) return new Dictionary<string, string>();
        try
        {
            return Parse(File.ReadAllText(path), environment, path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ConfigurationErrors.BadEnvFile.Error($"{path} can't be read: {e.Message}", inner: e);
        }
    }

    /// <summary>Parses the text of a file.</summary>
    /// <param name="text">The text.</param>
    /// <param name="environment">What <c>${NAME}</c> finds before the file's own names.</param>
    /// <param name="path">The file's name, for errors.</param>
    public static IReadOnlyDictionary<string, string> Parse(string text, IReadOnlyDictionary<string, string> environment, string path)
    {
        var values = new Dictionary<string, string>(StringComparer.Ordinal);
        var reader = new Cursor(text.TrimStart('\uFEFF'), path);
        while (reader.SkipToEntry())
        {
            if (reader.Name() is { } name) values[name] = reader.Value(Lookup);
        }

        return values;

        string? Lookup(string name) => environment.GetValueOrDefault(name) ?? values.GetValueOrDefault(name);
    }

    private ref struct Cursor(string text, string path)
    {
        private int _at;
        private int _line = 1;

        private readonly bool AtEnd => _at >= text.Length;

        private readonly char Here => text[_at];

        public bool SkipToEntry()
        {
            while (!AtEnd)
            {
                if (Here == '#') SkipLine();
                else if (char.IsWhiteSpace(Here)) Next();
                else return true;
            }

            return false;
        }

        // Null for a name alone, behind which the cursor then stands.
        public string? Name()
        {
            if (text.AsSpan(_at).StartsWith("export ") || text.AsSpan(_at).StartsWith("export\t"))
            {
                _at += 7;
                SkipBlanks();
            }

            var start = _at;
            while (!AtEnd && (char.IsAsciiLetterOrDigit(Here) || Here is '_' or '.' or '-')) _at++;
            var name = text[start.._at];
            SkipBlanks();
            var isName = name.Length > 0 && !char.IsAsciiDigit(name[0]);
            if (isName && (AtEnd || Here is '\n' or '\r' or '#')) return null;
            if (!isName || Here != '=') throw Error("a line must be NAME=value, a comment or empty");
            _at++;
            SkipBlanks();
            return name;
        }

        public string Value(Func<string, string?> lookup)
        {
            if (AtEnd || Here is '\n' or '\r') return "";
            var value = Here is '"' or '\'' ? Quoted(lookup) : Bare(lookup);
            SkipBlanks();
            if (!AtEnd && Here == '#') SkipLine();
            if (!AtEnd && Here is not ('\n' or '\r')) throw Error("something follows the closing quote");
            return value;
        }

        private string Bare(Func<string, string?> lookup)
        {
            var start = _at;
            while (!AtEnd && Here is not ('\n' or '\r') && !(Here == '#' && _at > start && text[_at - 1] is ' ' or '\t')) _at++;
            return Expand(text[start.._at].TrimEnd(), lookup);
        }

        private string Quoted(Func<string, string?> lookup)
        {
            var quote = Here;
            var opened = _line;
            var value = new StringBuilder();
            Next();
            while (!AtEnd && Here != quote)
            {
                if (quote == '"' && Here == '\\' && _at + 1 < text.Length)
                {
                    var escaped = text[_at + 1];
                    value.Append(escaped switch { 'n' => "\n", 'r' => "\r", 't' => "\t", '"' => "\"", '\\' => "\\", '$' => "\0", _ => "\\" + escaped });
                    Next();
                    Next();
                }
                else
                {
                    value.Append(Here);
                    Next();
                }
            }

            if (AtEnd)
            {
                _line = opened;
                throw Error($"the {quote} that opens here is never closed");
            }

            Next();
            return quote == '"' ? Expand(value.ToString(), lookup).Replace('\0', '$') : value.ToString();
        }

        private static string Expand(string value, Func<string, string?> lookup)
        {
            var start = value.IndexOf("${", StringComparison.Ordinal);
            if (start < 0) return value;
            var end = value.IndexOf('}', start);
            if (end < 0) return value;
            var inner = value[(start + 2)..end];
            var split = inner.IndexOf(":-", StringComparison.Ordinal);
            var (name, fallback) = split < 0 ? (inner, "") : (inner[..split], inner[(split + 2)..]);
            var found = lookup(name);
            return value[..start] + (string.IsNullOrEmpty(found) ? fallback : found) + Expand(value[(end + 1)..], lookup);
        }

        private void SkipBlanks()
        {
            while (!AtEnd && Here is ' ' or '\t') _at++;
        }

        private void SkipLine()
        {
            while (!AtEnd && Here != '\n') _at++;
        }

        private void Next()
        {
            if (text[_at++] == '\n') _line++;
        }

        private readonly PipelineException Error(string what) =>
            ConfigurationErrors.BadEnvFile.Error($"{path} line {_line}: {what}.");
    }
}
