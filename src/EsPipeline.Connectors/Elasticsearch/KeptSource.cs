using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>How indices keep their documents. Their mappings say it, or their settings, or what follows from other settings.</summary>
internal static class KeptSource
{
    // The mode of _source of Elasticsearch, whose default follows from index.mode, and OpenSearch's derived source.
    private const string Mode = "index.mapping.source.mode";
    private const string Derived = "index.derived_source.enabled";

    /// <summary>Asks for what should be known about how documents are kept, a sentence each; nothing where the user may not see it.</summary>
    /// <exception cref="PipelineException"><see cref="ElasticsearchErrors.NoSource"/>: an index keeps none.</exception>
    public static async Task<IReadOnlyList<string>> RemarksAsync(ElasticsearchClient client, ServerInfo server, string expression, CancellationToken ct)
    {
        var remarks = new List<string>();
        try
        {
            var path = IndexExpression.Encode(expression);
            var mappings = await client.SendAsync(HttpMethod.Get, $"{path}/_mapping", default, ct).ConfigureAwait(false);
            var settings = await SettingsAsync(client, path, ct).ConfigureAwait(false);
            foreach (var index in mappings.EnumerateObject())
            {
                if (index.Value.TryGetProperty("mappings", out var mapping)) remarks.AddRange(RemarksAbout(index.Name, mapping, settings, server));
            }
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            // Then a document without its source says so when it is read.
        }

        return remarks;
    }

    /// <summary>True where an index's mapping says that it keeps no documents.</summary>
    public static bool IsDisabled(JsonElement mapping) =>
        Source(mapping, "enabled")?.ToString() is "false" or "False" || Source(mapping, "mode")?.ToString() == "disabled";

    // Whoever may see mappings alone still learns what these say.
    private static async Task<JsonElement> SettingsAsync(ElasticsearchClient client, string path, CancellationToken ct)
    {
        try
        {
            return await client.SendAsync(HttpMethod.Get, $"{path}/_settings/{Mode},{Derived}?include_defaults=true&flat_settings=true", default, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            return JsonElement.Parse("{}");
        }
    }

    private static IEnumerable<string> RemarksAbout(string index, JsonElement mapping, JsonElement settings, ServerInfo server)
    {
        var mode = Setting(settings, index, Mode);
        if (IsDisabled(mapping) || Is(mode, "disabled")) throw ElasticsearchErrors.NoSource.Error($"The index '{index}' has _source disabled.");
        string?[] modes = [Source(mapping, "mode")?.ToString(), mode, Is(Setting(settings, index, Derived), "true") ? "synthetic" : null];
        if (modes.FirstOrDefault(m => m is not null && !Is(m, "stored")) is { } kept)
        {
            yield return $"{index} does not keep its documents as they were ({kept.ToLowerInvariant()} _source): they come with their fields in another order, and arrays sorted";
        }

        if (Source(mapping, "excludes") is { } excludes && excludes.GetArrayLength() > 0)
        {
            yield return $"{index} does not keep all fields of its documents (_source excludes {string.Join(", ", excludes.EnumerateArray())}): these are not copied";
        }

        if (Source(mapping, "includes") is { } includes && includes.GetArrayLength() > 0)
        {
            yield return $"{index} keeps only some fields of its documents (_source includes {string.Join(", ", includes.EnumerateArray())}): the others are not copied";
        }

        if (server.AsksForVectors && MappingSchema.HasType(mapping, "semantic_text"))
        {
            yield return $"{index} has fields of type semantic_text, whose vectors come with each document as _inference_fields; --exclude-fields _inference_fields leaves them out";
        }
    }

    private static JsonElement? Source(JsonElement mapping, string name) =>
        mapping.TryGetProperty("_source", out var source) && source.TryGetProperty(name, out var value) ? value : null;

    // What is set, or else what holds without.
    private static string? Setting(JsonElement settings, string index, string name)
    {
        if (!settings.TryGetProperty(index, out var known)) return null;
        foreach (var kind in (string[])["settings", "defaults"])
        {
            if (known.TryGetProperty(kind, out var values) && values.TryGetProperty(name, out var value)) return value.ToString();
        }

        return null;
    }

    private static bool Is(string? setting, string value) => string.Equals(setting, value, StringComparison.OrdinalIgnoreCase);
}
