using System.Text.Json;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>What a new index is made like: what <c>--es-mapping</c> says, or what the source knows of its fields.</summary>
/// <param name="Body">The body of the request that makes it.</param>
/// <param name="Mappings">The mappings in it; undefined where it has none.</param>
internal sealed record IndexDefinition(byte[] Body, JsonElement Mappings)
{
    // Fields that a mapping may have by default (index.mapping.total_fields.limit); a text counts twice.
    private const int UsualFields = 1000;

    private static readonly string[] Parts = ["settings", "mappings", "aliases"];

    /// <summary>What is wrong with a file, as a sentence that can stand alone; null where nothing is.</summary>
    public static string? MistakeInFile(string path)
    {
        try
        {
            return OfFile(path) is null ? $"{path} holds neither 'mappings' nor 'settings' nor 'properties'." : null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return e.Message;
        }
        catch (JsonException e)
        {
            return $"{path} is not JSON: {e.Message}";
        }
    }

    /// <summary>Reads a file: settings and mappings as for making an index, or the mappings alone; null where it holds neither.</summary>
    public static IndexDefinition? OfFile(string path)
    {
        using var document = JsonDocument.Parse(File.ReadAllBytes(path), new JsonDocumentOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true });
        var root = document.RootElement.Clone();
        if (root.ValueKind != JsonValueKind.Object) return null;
        var isWhole = root.EnumerateObject().Any() && root.EnumerateObject().All(p => Parts.Contains(p.Name));
        if (!isWhole && !root.TryGetProperty("properties", out _)) return null;
        var mappings = !isWhole ? root : root.TryGetProperty("mappings", out var inner) ? inner : default;
        return new IndexDefinition(
            SearchBody.Write(w =>
            {
                if (!isWhole)
                {
                    w.WriteStartObject();
                    w.WritePropertyName("mappings");
                }

                root.WriteTo(w);
                if (!isWhole) w.WriteEndObject();
            }),
            mappings);
    }

    /// <summary>
    /// Maps every field whose type the source knows. A value that does not fit its type is kept in the document and left out of the search
    /// (<c>ignore_malformed</c>), instead of the document being refused; the server lists such fields in <c>_ignored</c>. Where the schema is
    /// exact, the document is refused.
    /// </summary>
    public static IndexDefinition OfSchema(SourceSchema schema)
    {
        var body = SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteStartObject("settings");
            
            // For the index, not for a field: OpenSearch 2 does not let a field go back to false (its issue 16599).
            w.WriteBoolean("index.mapping.ignore_malformed", !schema.IsExact);
            if (schema.Fields.Count > UsualFields / 3) w.WriteNumber("index.mapping.total_fields.limit", (3 * schema.Fields.Count) + UsualFields);
            w.WriteEndObject();
            w.WriteStartObject("mappings");
            new FieldTree(schema).WriteTo(w);
            w.WriteEndObject();
            w.WriteEndObject();
        });
        using var document = JsonDocument.Parse(body);
        return new IndexDefinition(body, document.RootElement.GetProperty("mappings").Clone());
    }
}
