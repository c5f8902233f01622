using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Plain JSON of Firestore's by the plainest means, and what Firestore makes of a document: what the connector is compared with.</summary>
internal static class PlainDecoding
{
    /// <summary>The document of these fields.</summary>
    public static string Of(JsonObject fields) => Map(fields).ToJsonString(new JsonSerializerOptions { MaxDepth = 1000 });

    /// <summary>
    /// The document as Firestore holds it: arrays within arrays are flat, a fraction is a double, an integer beyond 64 bits is a text.
    /// </summary>
    public static string Held(string json) =>
        Held(JsonNode.Parse(json, null, new JsonDocumentOptions { MaxDepth = 1000 }))!.ToJsonString(new JsonSerializerOptions { MaxDepth = 1000 });

    private static JsonObject Map(JsonObject fields) => new(fields.Select(f => KeyValuePair.Create(f.Key, Value(f.Value!.AsObject()))));

    private static JsonNode? Value(JsonObject value)
    {
        var (type, content) = value.Single();
        return type switch
        {
            "nullValue" => null,
            "integerValue" => JsonNode.Parse(content!.GetValue<string>()),
            "mapValue" => Map(content!["fields"]?.AsObject() ?? []),
            "arrayValue" => new JsonArray([.. (content!["values"]?.AsArray() ?? []).Select(v => Value(v!.AsObject()))]),
            _ => content!.DeepClone(),
        };
    }

    private static JsonNode? Held(JsonNode? node) => node switch
    {
        JsonObject map => new JsonObject(map.Select(f => KeyValuePair.Create(f.Key, Held(f.Value)))),
        JsonArray array => new JsonArray([.. Flat(array).Select(Held)]),
        JsonValue value when value.GetValueKind() == JsonValueKind.Number => Number(value.ToJsonString()),
        _ => node?.DeepClone(),
    };

    private static IEnumerable<JsonNode?> Flat(JsonArray array) => array.SelectMany(item => item is JsonArray inner ? Flat(inner) : [item]);

    private static JsonNode? Number(string text)
    {
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole)) return JsonValue.Create(whole);
        if (text.AsSpan().IndexOfAny(".eE") < 0) return JsonValue.Create(text);
        var number = double.Parse(text, CultureInfo.InvariantCulture);
        // Java, which the emulator is written in, writes the smallest double with two digits.
        return JsonNode.Parse(number == double.Epsilon ? "4.9E-324" : number.ToString("R", CultureInfo.InvariantCulture));
    }
}
