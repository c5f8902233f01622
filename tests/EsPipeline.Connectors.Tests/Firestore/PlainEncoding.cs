using System.Text.Json;
using System.Text.Json.Nodes;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Firestore's JSON of a document by the plainest means, without any check: what the encoder is compared with.</summary>
internal static class PlainEncoding
{
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = 1000 };

    /// <summary>The fields of a document.</summary>
    public static string Of(string json)
    {
        using var document = JsonDocument.Parse(json, Options);
        return Fields(document.RootElement).ToJsonString(new JsonSerializerOptions { MaxDepth = 1000 });
    }

    /// <summary>The same as the emulator gives it back: what is empty is left out, and Java writes the smallest double with two digits.</summary>
    public static string Served(string json) =>
        Of(json).Replace("{\"values\":[]}", "{}", StringComparison.Ordinal).Replace("{\"mapValue\":{\"fields\":{}}}", "{\"mapValue\":{}}", StringComparison.Ordinal)
            .Replace("{\"doubleValue\":5E-324}", "{\"doubleValue\":4.9E-324}", StringComparison.Ordinal);

    private static JsonObject Fields(JsonElement map) => new(map.EnumerateObject().Select(p => KeyValuePair.Create(p.Name, (JsonNode?)Value(p.Value))));

    private static JsonObject Value(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => new JsonObject { ["mapValue"] = new JsonObject { ["fields"] = Fields(value) } },
        JsonValueKind.Array => new JsonObject
        {
            ["arrayValue"] = new JsonObject { ["values"] = new JsonArray([.. value.EnumerateArray().Select(Value)]) },
        },
        JsonValueKind.String => new JsonObject { ["stringValue"] = value.GetString() },
        JsonValueKind.Number => value.TryGetInt64(out var whole)
            ? new JsonObject { ["integerValue"] = whole.ToString() }
            : new JsonObject { ["doubleValue"] = value.GetDouble() },
        JsonValueKind.Null => new JsonObject { ["nullValue"] = null },
        _ => new JsonObject { ["booleanValue"] = value.GetBoolean() },
    };
}
