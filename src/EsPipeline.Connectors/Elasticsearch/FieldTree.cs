using System.Text.Json;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>A source's fields as the properties of a mapping, one within the other.</summary>
internal sealed class FieldTree
{
    // What of a text is also kept as a whole, to sort and to group by; the servers' own choice for texts that they map themselves.
    private const int KeywordOfText = 256;

    // The longest term is 32,766 bytes (Lucene), and a character at most 4: a longer value is kept, but not searched for.
    private const int LongestKeyword = 32_766 / 4;

    private readonly SortedDictionary<string, FieldTree> _children = new(StringComparer.Ordinal);
    private SourceField? _field;

    /// <param name="schema">The fields.</param>
    public FieldTree(SourceSchema schema)
    {
        foreach (var field in schema.Fields)
        {
            var node = this;
            foreach (var name in field.Path.Split('.')) node = node.Child(name);
            node._field = field;
        }
    }

    private FieldTree()
    {
    }

    /// <summary>Writes <c>properties</c> into the object that is open; nothing where there are none.</summary>
    public void WriteTo(Utf8JsonWriter w)
    {
        if (!_children.Values.Any(c => c.IsKnown)) return;
        w.WriteStartObject("properties");
        foreach (var (name, child) in _children.Where(c => c.Value.IsKnown && c.Key.Length > 0))
        {
            w.WriteStartObject(name);
            if (child._children.Count > 0 || child._field?.Kind is FieldKind.Object or FieldKind.Nested)
            {
                if (child._field?.Kind == FieldKind.Nested) w.WriteString("type", "nested");
                else if (child._children.Count == 0) w.WriteString("type", "object");
                child.WriteTo(w);
            }
            else
            {
                WriteType(w, child._field!);
            }

            w.WriteEndObject();
        }

        w.WriteEndObject();
    }

    // What is not known, the server maps by the first value that it meets.
    private bool IsKnown => _field is { Kind: not (FieldKind.Unknown or FieldKind.Json) } || _children.Values.Any(c => c.IsKnown);

    private FieldTree Child(string name)
    {
        if (!_children.TryGetValue(name, out var child)) _children[name] = child = new FieldTree();
        return child;
    }

    private static void WriteType(Utf8JsonWriter w, SourceField field)
    {
        w.WriteString("type", field.Kind switch
        {
            FieldKind.Text => "text",
            FieldKind.Boolean => "boolean",
            FieldKind.Integer => field.NativeType == "integer" ? "integer" : "long",
            FieldKind.Double or FieldKind.Decimal => "double",
            FieldKind.Timestamp => field.NativeType == "date_nanos" ? "date_nanos" : "date",
            FieldKind.GeoPoint => "geo_point",
            FieldKind.Binary => "binary",
            _ => "keyword",
        });
        if (field.Kind == FieldKind.Keyword) w.WriteNumber("ignore_above", LongestKeyword);
        if (field.Kind == FieldKind.Timestamp && field.Format is { } format) w.WriteString("format", format);
        if (field.Kind != FieldKind.Text) return;
        w.WriteStartObject("fields");
        w.WriteStartObject("keyword");
        w.WriteString("type", "keyword");
        w.WriteNumber("ignore_above", KeywordOfText);
        w.WriteEndObject();
        w.WriteEndObject();
    }
}
