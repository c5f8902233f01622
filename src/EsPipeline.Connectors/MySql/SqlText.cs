using System.Buffers;
using System.Text;

namespace EsPipeline.Connectors.MySql;

/// <summary>Writes names and values into SQL (invariant 6). Everything assumes the session's own <c>sql_mode</c>, in which a backslash escapes.</summary>
internal static class SqlText
{
    /// <summary>The most characters of a name of a database, a table or a column.</summary>
    public const int MaxName = 64;

    private static readonly SearchValues<byte> MustEscape = SearchValues.Create("'\\\0"u8);

    /// <summary>What is wrong with a name, as a sentence; null where the server would take it.</summary>
    public static string? MistakeIn(string name)
    {
        if (name.Length == 0) return "a name is empty.";
        if (name.Length > MaxName) return $"'{name[..20]}…' has {name.Length} characters; a name has at most {MaxName}.";
        if (name.Any(c => c == 0 || char.IsSurrogate(c))) return "a name holds a character that MySQL allows in no name (NUL, or one beyond U+FFFF).";
        return name[^1] == ' ' ? $"'{name}' ends with a blank, which MySQL allows in no name." : null;
    }

    /// <summary>A name between backticks.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="TableErrors.NoColumn"/>: no server would take it.</exception>
    public static string Name(string name) =>
        MistakeIn(name) is { } mistake ? throw TableErrors.NoColumn.Error(mistake) : $"`{name.Replace("`", "``", StringComparison.Ordinal)}`";

    /// <summary>Names between backticks, with commas between them.</summary>
    public static string Names(IEnumerable<string> names) => string.Join(',', names.Select(Name));

    /// <summary>A text as a literal.</summary>
    public static string Literal(string text) =>
        "'" + text.Replace("\\", @"\\", StringComparison.Ordinal).Replace("'", @"\'", StringComparison.Ordinal).Replace("\0", @"\0", StringComparison.Ordinal) + "'";

    /// <summary>Writes UTF-8 text as a literal.</summary>
    public static void WriteLiteral(ReadOnlySpan<byte> text, IBufferWriter<byte> output)
    {
        output.Write("'"u8);
        for (int at; (at = text.IndexOfAny(MustEscape)) >= 0; text = text[(at + 1)..])
        {
            output.Write(text[..at]);
            output.Write(text[at] switch { 0 => "\\0"u8, (byte)'\'' => "\\'"u8, _ => @"\\"u8 });
        }

        output.Write(text);
        output.Write("'"u8);
    }

    /// <summary>Writes bytes as a hexadecimal literal, which is binary whatever the connection's character set is.</summary>
    public static void WriteBytes(ReadOnlySpan<byte> bytes, IBufferWriter<byte> output)
    {
        output.Write("X'"u8);
        Convert.TryToHexString(bytes, output.GetSpan(bytes.Length * 2), out var written);
        output.Advance(written);
        output.Write("'"u8);
    }

    /// <summary>Writes text that needs no escaping.</summary>
    public static void Write(string text, IBufferWriter<byte> output) => output.Advance(Encoding.UTF8.GetBytes(text, output.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
}
