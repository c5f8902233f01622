using System.Collections.Concurrent;
using System.Text.Json;
using EsPipeline.Api.Search;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Api.Indices;

/// <summary>One index, alias or data stream that a caller may search.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Fields">Its fields that exist for callers.</param>
internal sealed record ServedIndex(string Name, IndexFields Fields)
{
    /// <summary>The name as a part of a path.</summary>
    public string Path => Uri.EscapeDataString(Name);
}

/// <summary>
/// The indices that are served: allowed by name, and neither the server's own nor hidden, whichever alias they are asked by. What is learnt
/// of one is kept for a few seconds. Safe for many threads.
/// </summary>
internal sealed class ServedIndices(SearchCluster cluster, ApiOptions options, FieldRules rules, TimeProvider time, ILogger log)
{
    private static readonly TimeSpan Kept = TimeSpan.FromSeconds(3);
    private const int MostKept = 1000;

    private readonly ConcurrentDictionary<string, Recent<ServedIndex>> _known = new();

    /// <summary>Finds an index by the name that a caller gave.</summary>
    /// <exception cref="PipelineException"><see cref="ApiErrors.BadIndexName"/> or <see cref="ApiErrors.NoSuchIndex"/>.</exception>
    public async ValueTask<ServedIndex> FindAsync(string name, CancellationToken ct)
    {
        if (_known.TryGetValue(name, out var known)) return await known.FindAsync(token => LearnAsync(name, token), ct).ConfigureAwait(false);
        IndexName.Check(name);
        if (!IndexName.IsServed(name, options.Indices)) throw NotServed(name);
        var recent = new Recent<ServedIndex>(Kept, time);
        var index = await recent.FindAsync(token => LearnAsync(name, token), ct).ConfigureAwait(false);

        // Only what is there is kept: names that are not may be any number.
        if (_known.Count >= MostKept) _known.Clear();
        _known[name] = recent;
        return index;
    }

    private async Task<ServedIndex> LearnAsync(string name, CancellationToken ct)
    {
        await RefuseHiddenAsync(name, ct).ConfigureAwait(false);
        using var answer = await AskAsync(name, $"{Uri.EscapeDataString(name)}/_mapping", ct).ConfigureAwait(false);
        using var mappings = JsonDocument.Parse(answer.Json);
        return new ServedIndex(name, IndexFields.Of(mappings.RootElement, rules));
    }

    // An alias or a data stream is served for its name, but never shows what is the server's own or hidden.
    private async Task RefuseHiddenAsync(string name, CancellationToken ct)
    {
        var (indices, behind) = await ResolveAsync(name, ct).ConfigureAwait(false);
        if (indices.Count == 0 && behind.Count == 0) throw NotServed(name);
        foreach (var chunk in behind.Chunk(50))
        {
            if (chunk.Any(n => n.StartsWith('.') && !n.StartsWith(".ds-", StringComparison.Ordinal))) throw NotServed(name);
            var (more, _) = await ResolveAsync(string.Join(',', chunk), ct).ConfigureAwait(false);
            indices.AddRange(more);
        }

        foreach (var index in indices)
        {
            var isBacking = index.Name.StartsWith(".ds-", StringComparison.Ordinal);
            if (index.IsSystem || (index.IsHidden && !isBacking)) throw NotServed(name);
        }
    }

    // The indices of a name itself, and the names of those behind an alias.
    private async Task<(List<Resolved> Indices, List<string> Behind)> ResolveAsync(string names, CancellationToken ct)
    {
        var path = string.Join(',', names.Split(',').Select(Uri.EscapeDataString));
        using var answer = await AskAsync(names, $"_resolve/index/{path}?expand_wildcards=all", ct).ConfigureAwait(false);
        using var document = JsonDocument.Parse(answer.Json);
        var indices = Items(document, "indices").Select(i => new Resolved(i.GetProperty("name").GetString()!, Texts(i, "attributes"))).ToList();
        var behind = Items(document, "aliases").SelectMany(a => Texts(a, "indices")).ToList();
        if (indices.Count == 0 && behind.Count == 0 && Items(document, "data_streams").Any()) indices.AddRange(Items(document, "data_streams").Select(d => new Resolved(d.GetProperty("name").GetString()!, Texts(d, "attributes"))));
        return (indices, behind);
    }

    private async Task<ClusterAnswer> AskAsync(string name, string path, CancellationToken ct)
    {
        try
        {
            return await cluster.AskAsync(HttpMethod.Get, path, null, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.IndexNotFound || e.Error == ElasticsearchErrors.IndexClosed || e.Error == ElasticsearchErrors.Forbidden)
        {
            // The caller hears that there is no such index; only the log can tell why one that is there is not found.
            if (e.Error == ElasticsearchErrors.Forbidden) Log.IndexForbidden(log, name, e.Message, e.Remedy);
            throw NotServed(name, e);
        }
    }

    private static JsonElement.ArrayEnumerator Items(JsonDocument answer, string name) =>
        answer.RootElement.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : default;

    private static IReadOnlyList<string> Texts(JsonElement item, string name) =>
        !item.TryGetProperty(name, out var texts) ? []
        : texts.ValueKind == JsonValueKind.Array ? [.. texts.EnumerateArray().Select(t => t.GetString()!)]
        : [texts.GetString()!];

    // The same words whether it is not there or not for callers: which of the two is nobody's business.
    private static PipelineException NotServed(string name, Exception? inner = null) => ApiErrors.NoSuchIndex.Error($"There is no index '{name}' that is served.", inner: inner);

    private sealed record Resolved(string Name, IReadOnlyList<string> Attributes)
    {
        public bool IsHidden => Attributes.Contains("hidden");

        public bool IsSystem => Attributes.Contains("system");
    }
}
