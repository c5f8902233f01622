using System.Text.Json;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>What the mappings of several indices say about their documents' fields together.</summary>
internal static class MappingSchema
{
    /// <summary>Reads the answer to <c>GET /INDEX/_mapping</c>.</summary>
    public static SourceSchema Of(JsonElement mappings)
    {
        var fields = new List<SourceField>();
        var index = new Dictionary<string, int>();
        foreach (var mapping in mappings.EnumerateObject())
        {
            if (mapping.Value.TryGetProperty("mappings", out var root)) Collect(root, "", fields, index);
        }

        return new SourceSchema(fields);
    }

    /// <summary>True where an index's mapping has a field of this type.</summary>
    public static bool HasType(JsonElement mapping, string type)
    {
        var fields = new List<SourceField>();
        Collect(mapping, "", fields, []);
        return fields.Any(f => f.NativeType == type);
    }

    private static void Collect(JsonElement mapping, string prefix, List<SourceField> fields, Dictionary<string, int> index)
    {
        if (!mapping.TryGetProperty("properties", out var properties)) return;
        foreach (var property in properties.EnumerateObject())
        {
            var path = prefix + property.Name;
            var native = property.Value.TryGetProperty("type", out var type) ? type.GetString()! : "object";

            // An alias is another name for a field, and in no document.
            if (native == "alias") continue;
            var format = property.Value.TryGetProperty("format", out var text) ? text.GetString() : DefaultFormat(native);
            Add(new SourceField(path, KindOf(native), native, format), fields, index);
            Collect(property.Value, path + ".", fields, index);
        }
    }

    // Where two indices do not agree, the JSON value itself has to decide.
    private static void Add(SourceField field, List<SourceField> fields, Dictionary<string, int> index)
    {
        if (!index.TryGetValue(field.Path, out var at))
        {
            index[field.Path] = fields.Count;
            fields.Add(field);
            return;
        }

        var known = fields[at];
        if (known.Kind == field.Kind && known.Format == field.Format) return;
        var natives = known.NativeType.Split('|').Contains(field.NativeType) ? known.NativeType : $"{known.NativeType}|{field.NativeType}";

        // The formats of one index may read the other's values as other times: 1700000000 is November 2023 in seconds, and January 1970 in milliseconds.
        fields[at] = known.Kind == field.Kind && field.Kind == FieldKind.Timestamp && IsUsual(known.Format) && IsUsual(field.Format)
            ? known with { NativeType = natives, Format = string.Join("||", known.Format!.Split("||").Union(field.Format!.Split("||"))) }
            : new SourceField(field.Path, FieldKind.Unknown, natives);
    }

    // Of the formats that dates have by themselves, with which both kinds read the same times.
    private static bool IsUsual(string? format) =>
        format?.Split("||").All(f => f is "strict_date_optional_time" or "strict_date_optional_time_nanos" or "epoch_millis") == true;

    private static string? DefaultFormat(string native) => native switch
    {
        "date" => "strict_date_optional_time||epoch_millis",
        "date_nanos" => "strict_date_optional_time_nanos||epoch_millis",
        _ => null,
    };

    private static FieldKind KindOf(string native) => native switch
    {
        "keyword" or "constant_keyword" or "wildcard" or "ip" or "version" or "icu_collation_keyword" => FieldKind.Keyword,
        "text" or "match_only_text" or "search_as_you_type" or "annotated_text" => FieldKind.Text,
        "boolean" => FieldKind.Boolean,
        "long" or "integer" or "short" or "byte" or "token_count" => FieldKind.Integer,
        "unsigned_long" => FieldKind.Decimal,
        "double" or "float" or "half_float" or "scaled_float" => FieldKind.Double,
        "date" or "date_nanos" => FieldKind.Timestamp,
        "geo_point" => FieldKind.GeoPoint,
        "binary" => FieldKind.Binary,
        "object" or "passthrough" => FieldKind.Object,
        "nested" => FieldKind.Nested,
        _ => FieldKind.Json,
    };
}
