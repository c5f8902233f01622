using System.Text.Json;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Compares the mappings of an index that exists with what is to be written.</summary>
internal static class MappingFit
{
    // What of a field's mapping changes how its values are read or found.
    private static readonly string[] Compared = ["type", "format", "analyzer", "normalizer", "scaling_factor"];

    private static readonly string[] Numbers = ["long", "integer", "short", "byte", "unsigned_long", "double", "float", "half_float", "scaled_float"];

    /// <summary>What a mapping file asks for and the index does not have, a clause each.</summary>
    public static IReadOnlyList<string> Missing(JsonElement existing, JsonElement wanted)
    {
        var clauses = new List<string>();
        Compare(existing, wanted, "", "properties", clauses);
        if (wanted.ValueKind == JsonValueKind.Object && wanted.TryGetProperty("dynamic", out var dynamic) && Text(dynamic) != DynamicOf(existing))
        {
            clauses.Add($"'dynamic' is {DynamicOf(existing)}, not {Text(dynamic)}");
        }

        return clauses;
    }

    /// <summary>Which of a source's fields the index can take in no document, a clause each.</summary>
    public static IReadOnlyList<string> Misfits(JsonElement existing, SourceSchema schema)
    {
        var clauses = new List<string>();
        foreach (var field in schema.Fields)
        {
            var node = existing;
            var strict = DynamicOf(existing) == "strict";
            foreach (var name in field.Path.Split('.'))
            {
                strict = node.TryGetProperty("dynamic", out var dynamic) ? Text(dynamic) == "strict" : strict;
                if (node.TryGetProperty("properties", out var properties) && properties.TryGetProperty(name, out var child))
                {
                    node = child;
                    continue;
                }

                // A scalar on the way has been told with its own path.
                if (strict && (TypeOf(node) is "object" or "nested")) clauses.Add($"it has no '{field.Path}', and takes no new fields (dynamic is strict)");
                node = default;
                break;
            }

            if (node.ValueKind == JsonValueKind.Object && !Takes(TypeOf(node), field))
            {
                clauses.Add($"'{field.Path}' is {TypeOf(node)}, and the source's {field.NativeType} does not fit");
            }
        }

        return clauses;
    }

    // Only what can never fit: the servers read numbers out of texts, and texts out of anything.
    private static bool Takes(string type, SourceField field)
    {
        var isNumber = Numbers.Contains(type);
        return field.Kind switch
        {
            FieldKind.Keyword or FieldKind.Text => type is not ("object" or "nested"),
            FieldKind.Boolean => !isNumber && type is not ("object" or "nested" or "date" or "date_nanos" or "geo_point" or "ip"),
            FieldKind.Integer or FieldKind.Double or FieldKind.Decimal => type is not ("object" or "nested" or "boolean" or "geo_point" or "ip"),
            FieldKind.Timestamp => type is not ("object" or "nested" or "boolean" or "geo_point" or "ip") && (!isNumber || field.Format?.StartsWith("epoch", StringComparison.Ordinal) == true),
            FieldKind.Object or FieldKind.Nested => !isNumber && type is not ("keyword" or "text" or "boolean" or "date" or "date_nanos" or "binary" or "ip" or "match_only_text" or "wildcard"),
            _ => true,
        };
    }

    private static void Compare(JsonElement existing, JsonElement wanted, string prefix, string members, List<string> clauses)
    {
        if (wanted.ValueKind != JsonValueKind.Object || !wanted.TryGetProperty(members, out var fields)) return;
        foreach (var field in fields.EnumerateObject())
        {
            var path = prefix + field.Name;
            if (!existing.TryGetProperty(members, out var properties) || !properties.TryGetProperty(field.Name, out var has))
            {
                clauses.Add($"it has no '{path}' ({TypeOf(field.Value)})");
                continue;
            }

            foreach (var name in Compared)
            {
                var (is_, should) = name == "type"
                    ? (TypeOf(has), TypeOf(field.Value))
                    : (has.TryGetProperty(name, out var a) ? a.ToString() : "the default", field.Value.TryGetProperty(name, out var b) ? b.ToString() : null);
                if (should is not null && is_ != should) clauses.Add(name == "type" ? $"'{path}' is {is_}, not {should}" : $"'{path}' has the {name} {is_}, not {should}");
            }

            Compare(has, field.Value, path + ".", "properties", clauses);
            Compare(has, field.Value, path + ".", "fields", clauses);
        }
    }

    private static string TypeOf(JsonElement field) => field.TryGetProperty("type", out var type) ? type.ToString() : "object";

    private static string DynamicOf(JsonElement mappings) => mappings.TryGetProperty("dynamic", out var dynamic) ? Text(dynamic) : "true";

    // The servers answer "true" and true alike.
    private static string Text(JsonElement value) => value.ToString().ToLowerInvariant();
}
