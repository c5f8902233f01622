using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace EsPipeline.Core.Records;

/// <summary>
/// The rules of <c>--fields</c>, <c>--exclude-fields</c>, <c>--rename</c> and <c>--set</c> as a tree of field names. A dotted path goes into
/// objects, and into every object of an array.
/// </summary>
public sealed class TransformRules
{
    private readonly Node _root = new();
    private readonly List<(byte[] Name, byte[] Json)> _set = [];

    /// <param name="keep">Paths to keep; none to keep everything.</param>
    /// <param name="exclude">Paths to leave out.</param>
    /// <param name="rename"><c>path=new-name</c>, the new name in the same object.</param>
    /// <param name="set"><c>field=value</c> at the top of the document; the value as JSON, or as text where it is not JSON.</param>
    /// <exception cref="FormatException">A rule can't be read; the message says which.</exception>
    public TransformRules(IReadOnlyList<string> keep, IReadOnlyList<string> exclude, IReadOnlyList<string> rename, IReadOnlyList<string> set)
    {
        foreach (var path in keep) At(path, keeping: true);
        foreach (var path in exclude) At(path, keeping: false).Excluded = true;
        foreach (var rule in rename)
        {
            var (path, name) = Split(rule, "--rename");
            At(path, keeping: false).RenameTo = Quoted(name);
        }

        foreach (var rule in set)
        {
            var (name, value) = Split(rule, "--set");
            At(name, keeping: false).Excluded = true;
            _set.Add((Quoted(name), IsJson(value) ? Encoding.UTF8.GetBytes(value) : Quoted(value)));
        }
    }

    /// <summary>True where there is any rule.</summary>
    public bool Any => _root.Children.Count > 0 || _set.Count > 0;

    /// <summary>Writes a document with the rules applied; values that no rule touches keep their bytes.</summary>
    /// <returns>False where it is not a JSON object.</returns>
    public bool Apply(ReadOnlySpan<byte> document, RecordBatchBuilder output)
    {
        var reader = new Utf8JsonReader(document, DocumentJson.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) return false;
        var first = CopyObject(ref reader, document, _root, output);
        foreach (var (name, json) in _set)
        {
            output.Write(first ? ""u8 : ","u8);
            output.Write(name);
            output.Write(":"u8);
            output.Write(json);
            first = false;
        }

        output.Write("}"u8);
        return true;
    }

    // Writes the object without its closing brace; the reader ends on it. True where nothing was written but the opening brace.
    private static bool CopyObject(ref Utf8JsonReader reader, ReadOnlySpan<byte> document, Node node, RecordBatchBuilder output)
    {
        output.Write("{"u8);
        var first = true;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var nameStart = (int)reader.TokenStartIndex;
            var name = document[nameStart..(nameStart + reader.ValueSpan.Length + 2)];
            var rule = node.Find(ref reader);
            reader.Read();
            if (rule is null ? node.KeepsOnly : rule.Excluded || (node.KeepsOnly && !rule.Kept))
            {
                reader.Skip();
                continue;
            }

            if (!first) output.Write(","u8);
            first = false;
            output.Write(rule?.RenameTo ?? name);
            output.Write(":"u8);
            CopyValue(ref reader, document, rule, output);
        }

        return first;
    }

    private static void CopyValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> document, Node? rule, RecordBatchBuilder output)
    {
        if (rule is { Children.Count: > 0 } && reader.TokenType == JsonTokenType.StartObject)
        {
            CopyObject(ref reader, document, rule, output);
            output.Write("}"u8);
        }
        else if (rule is { Children.Count: > 0 } && reader.TokenType == JsonTokenType.StartArray)
        {
            output.Write("["u8);
            for (var first = true; reader.Read() && reader.TokenType != JsonTokenType.EndArray; first = false)
            {
                if (!first) output.Write(","u8);
                CopyValue(ref reader, document, rule, output);
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

    private static byte[] Quoted(string text) =>
        [(byte)'"', .. JsonEncodedText.Encode(text, JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];

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

    private Node At(string path, bool keeping)
    {
        var node = _root;
        foreach (var part in path.Split('.'))
        {
            if (part.Length == 0) throw new FormatException($"'{path}' is not a field's path.");
            if (keeping) node.KeepsOnly = true;
            var name = Encoding.UTF8.GetBytes(part);
            if (!node.Children.TryGetValue(name, out var child)) node.Children[name] = child = new Node();
            if (keeping) child.Kept = true;
            node = child;
        }

        return node;
    }

    private sealed class Node
    {
        public Dictionary<byte[], Node> Children { get; } = new(KeyComparer.Instance);

        public bool KeepsOnly { get; set; }

        public bool Kept { get; set; }

        public bool Excluded { get; set; }

        public byte[]? RenameTo { get; set; }

        public Node? Find(ref Utf8JsonReader property)
        {
            if (Children.Count == 0) return null;
            if (property.ValueIsEscaped) return DocumentJson.TextOf(ref property) is { } name ? Children.GetValueOrDefault(Encoding.UTF8.GetBytes(name)) : null;
            return Children.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(property.ValueSpan, out var node) ? node : null;
        }
    }
}
