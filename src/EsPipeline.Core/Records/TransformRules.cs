using System.Text;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Records;

/// <summary>
/// The rules of <c>--fields</c>, <c>--exclude-fields</c>, <c>--rename</c> and <c>--set</c> as a tree of field names. A dotted path goes into
/// objects, and into every object of an array; a name with dots is such a path as well.
/// </summary>
public sealed class TransformRules
{
    private readonly FieldRule _root = new();
    private readonly List<(byte[] Name, byte[] Json)> _set = [];

    /// <param name="keep">Paths to keep; none to keep everything.</param>
    /// <param name="exclude">Paths to leave out.</param>
    /// <param name="rename"><c>path=new-name</c>, the new name in the same object.</param>
    /// <param name="set"><c>field=value</c> at the top of the document; the value as JSON, or as text where it is not JSON.</param>
    /// <exception cref="FormatException">A rule can't be read, or two of them give one field two values; the message says which.</exception>
    public TransformRules(IReadOnlyList<string> keep, IReadOnlyList<string> exclude, IReadOnlyList<string> rename, IReadOnlyList<string> set)
    {
        foreach (var path in keep) _root.At(path, keeping: true);
        foreach (var path in exclude) _root.At(path).Excluded = true;
        var given = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var rule in rename)
        {
            var (path, name) = Split(rule, "--rename");
            if (!_root.At(path, renaming: true).TryRename(name)) throw new FormatException($"--rename: '{path}' is given two new names, one of them in '{rule}'.");
            Give(given, path[..(path.LastIndexOf('.') + 1)] + name, $"--rename {rule}");
        }

        foreach (var rule in set)
        {
            var (name, value) = Split(rule, "--set");
            _root.At(name).Excluded = true;
            _set.Add((FieldRule.Quoted(name), IsJson(value) ? Encoding.UTF8.GetBytes(value) : FieldRule.Quoted(value)));
            Give(given, name, $"--set {rule}");
        }
    }

    /// <summary>True where there is any rule.</summary>
    public bool Any => _root.HasBelow || _set.Count > 0;

    /// <summary>Writes a document with the rules applied; values that no rule touches keep their bytes.</summary>
    /// <returns>Null, or why it can't be done.</returns>
    /// <exception cref="JsonException">It is not JSON.</exception>
    public (ErrorCode Error, string Reason)? Apply(ReadOnlySpan<byte> document, RecordBatchBuilder output)
    {
        var reader = new Utf8JsonReader(document, DocumentJson.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return (TransformErrors.NotAnObject, "The document is not a JSON object.");
        string? taken = null;
        var first = CopyObject(ref reader, document, _root, output, ref taken);
        if (taken is not null) return (TransformErrors.NameTaken, $"A field that --rename names is to be called '{taken}', and another field of the same object has that name.");
        foreach (var (name, json) in _set)
        {
            output.Write(first ? ""u8 : ","u8);
            output.Write(name);
            output.Write(":"u8);
            output.Write(json);
            first = false;
        }

        output.Write("}"u8);
        return null;
    }

    // Writes the object without its closing brace; the reader ends on it. True where nothing was written but the opening brace.
    private static bool CopyObject(ref Utf8JsonReader reader, ReadOnlySpan<byte> document, FieldRule rules, RecordBatchBuilder output, ref string? taken)
    {
        output.Write("{"u8);
        var first = true;
        var names = rules.Renames ? new MemberNames() : null;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var nameStart = (int)reader.TokenStartIndex;
            var name = document[nameStart..(nameStart + reader.ValueSpan.Length + 2)];
            var keeps = rules.Keeps(ref reader, out var rule, out var newName);
            reader.Read();
            if (!keeps)
            {
                reader.Skip();
                continue;
            }

            names?.Add(nameStart, name, newName);
            if (!first) output.Write(","u8);
            first = false;
            output.Write(newName ?? name);
            output.Write(":"u8);
            CopyValue(ref reader, document, rule, output, ref taken);
        }

        taken ??= names?.Taken(document);
        return first;
    }

    private static void CopyValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> document, FieldRule? rule, RecordBatchBuilder output, ref string? taken)
    {
        if (rule is { HasBelow: true } && reader.TokenType == JsonTokenType.StartObject)
        {
            CopyObject(ref reader, document, rule, output, ref taken);
            output.Write("}"u8);
        }
        else if (rule is { HasBelow: true } && reader.TokenType == JsonTokenType.StartArray)
        {
            output.Write("["u8);
            for (var first = true; reader.Read() && reader.TokenType != JsonTokenType.EndArray; first = false)
            {
                if (!first) output.Write(","u8);
                CopyValue(ref reader, document, rule, output, ref taken);
            }

            output.Write("]"u8);
        }
        else
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            output.Write(document[start..(int)reader.BytesConsumed]);
        }
    }

    private static (string Path, string Value) Split(string rule, string option)
    {
        var at = rule.IndexOf('=', StringComparison.Ordinal);
        if (at <= 0 || (option == "--rename" && at == rule.Length - 1)) throw new FormatException($"{option}: '{rule}' is not of the form name=value.");
        return (rule[..at], rule[(at + 1)..]);
    }

    private static void Give(Dictionary<string, string> given, string field, string rule)
    {
        if (!given.TryAdd(field, rule)) throw new FormatException($"{rule.Split(' ')[0]}: '{given[field]}' and '{rule}' both give the field '{field}' a value; one of the two would be lost.");
    }

    private static bool IsJson(string text)
    {
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text));
            return reader.Read() && reader.TrySkip() && !reader.Read();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
