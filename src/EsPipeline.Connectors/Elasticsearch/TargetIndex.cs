using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>The index that documents are written to, as it is just now.</summary>
/// <param name="Name">What it was asked for by: the index's own name, or an alias.</param>
/// <param name="Concrete">The index's own name.</param>
/// <param name="Uuid">The index's own identity, new whenever it is made again; null where the user may not see it.</param>
/// <param name="Behind">The indices that the alias means, and the UUID of each; for an index itself, only that.</param>
/// <param name="Mappings">Its mappings; undefined where the user may not see them.</param>
/// <param name="Settings">Its settings below <c>index</c>; undefined where the user may not see them.</param>
internal sealed record TargetIndex(string Name, string Concrete, string? Uuid, IReadOnlyDictionary<string, string> Behind, JsonElement Mappings, JsonElement Settings)
{
    /// <summary>True for an alias.</summary>
    public bool IsAlias => Name != Concrete;

    /// <summary>True where the user may see what the index is like (index privilege view_index_metadata).</summary>
    public bool IsSeen => Uuid is not null;

    /// <summary>Looks for it.</summary>
    /// <returns>Null where there is nothing of this name.</returns>
    /// <exception cref="PipelineException">It is closed, or nothing that can be written to by key.</exception>
    public static async Task<TargetIndex?> FindAsync(ElasticsearchClient client, string name, CancellationToken ct)
    {
        JsonElement answer;
        try
        {
            answer = await client.SendAsync(HttpMethod.Get, IndexExpression.Encode(name), default, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.IndexNotFound)
        {
            return null;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            return new TargetIndex(name, name, null, new Dictionary<string, string>(), default, default);
        }

        JsonProperty[] indices = [.. answer.EnumerateObject()];
        if (indices.Any(i => i.Value.TryGetProperty("data_stream", out _)))
        {
            throw ElasticsearchErrors.NotWritable.Error(
                $"'{name}' is a data stream, which only takes new documents: none of them could be replaced or deleted by its key.",
                "Name an index that is not a data stream, or an alias of one.");
        }

        var found = indices.Length == 1 && indices[0].Name == name ? indices[0] : WriteIndexOf(name, indices);
        if (found.Name != name) RefuseNarrow(name, found);
        var target = Of(name, indices, found);
        if (Setting(target.Settings, "verified_before_close") == "true") throw ElasticsearchErrors.IndexClosed.Error($"The index '{target.Concrete}' is closed.");
        if (target.Mappings.TryGetProperty("_routing", out var routing) && routing.TryGetProperty("required", out var required) && required.ToString() is "true" or "True")
        {
            throw ElasticsearchErrors.NotWritable.Error(
                $"The index '{target.Concrete}' wants a routing value with every document (_routing.required), which records do not have.",
                "Name an index that does not.");
        }

        return target;
    }

    /// <summary>Looks for what was there before.</summary>
    /// <exception cref="PipelineException">It is not there any more, or as in <see cref="FindAsync"/>.</exception>
    public static async Task<TargetIndex> GetAsync(ElasticsearchClient client, string name, CancellationToken ct) =>
        await FindAsync(client, name, ct).ConfigureAwait(false)
        ?? throw ElasticsearchErrors.IndexReplaced.Error($"The index '{name}' is not there any more: it was deleted while it was written to.");

    /// <summary>One of the settings as text; null where it is not set.</summary>
    public static string? Setting(JsonElement settings, params ReadOnlySpan<string> path)
    {
        foreach (var name in path)
        {
            if (settings.ValueKind != JsonValueKind.Object || !settings.TryGetProperty(name, out settings)) return null;
        }

        return settings.ValueKind == JsonValueKind.Null ? null : settings.ToString();
    }

    private static TargetIndex Of(string name, JsonProperty[] behind, JsonProperty index)
    {
        var settings = index.Value.GetProperty("settings").GetProperty("index");
        var uuids = behind.ToDictionary(i => i.Name, i => i.Value.GetProperty("settings").GetProperty("index").GetProperty("uuid").GetString()!);
        return new TargetIndex(name, index.Name, uuids[index.Name], uuids, index.Value.GetProperty("mappings"), settings);
    }

    private static JsonProperty WriteIndexOf(string alias, JsonProperty[] indices)
    {
        JsonProperty[] marked = [.. indices.Where(i => IsWriteIndex(i, alias) == true)];
        if (marked.Length == 1) return marked[0];
        if (indices.Length == 1 && IsWriteIndex(indices[0], alias) is null) return indices[0];
        throw ElasticsearchErrors.NotWritable.Error(
            $"The alias '{alias}' has {(indices.Length == 1 ? "an index that is not to be written to" : $"{indices.Length} indices and none of them is its write index")}.",
            "Make one of them the alias's write index (POST _aliases with is_write_index), or name an index.");
    }

    // What is written through it gets its routing, and what its filter leaves out is not there when it is read through it.
    private static void RefuseNarrow(string alias, JsonProperty index)
    {
        if (!index.Value.TryGetProperty("aliases", out var aliases) || !aliases.TryGetProperty(alias, out var settings)) return;
        foreach (var what in (string[])["filter", "index_routing"])
        {
            if (!settings.TryGetProperty(what, out _)) continue;
            throw ElasticsearchErrors.NotWritable.Error(
                $"The alias '{alias}' has {(what == "filter" ? "a filter" : "a routing")} ({what}), so that documents written through it could not be found again by their keys alone.",
                $"Name the index '{index.Name}', or an alias without it.");
        }
    }

    private static bool? IsWriteIndex(JsonProperty index, string alias) =>
        index.Value.GetProperty("aliases").TryGetProperty(alias, out var settings) && settings.TryGetProperty("is_write_index", out var marked)
            ? marked.GetBoolean()
            : null;
}
