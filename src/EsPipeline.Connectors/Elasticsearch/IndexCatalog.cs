using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>What an index expression means just now: from <c>_resolve/index</c>, which every user who may read may ask.</summary>
/// <param name="Open">Indices that the expression names or matches themselves.</param>
/// <param name="Closed">Those among them that are closed.</param>
/// <param name="Aliases">Aliases that it names or matches, and the indices and data streams behind each.</param>
/// <param name="BackingIndices">Indices of the data streams that it names or matches.</param>
internal sealed record IndexCatalog(
    IReadOnlyList<string> Open,
    IReadOnlyList<string> Closed,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Aliases,
    IReadOnlyList<string> BackingIndices)
{
    /// <summary>The data streams that the expression names or matches.</summary>
    public IReadOnlyList<string> DataStreams { get; init; } = [];

    /// <summary>The names by which the user is let in: an index's own, or those of the data stream or the alias that it is asked for by.</summary>
    public IEnumerable<string> Asked => Open.Concat(DataStreams).Concat(Aliases.Keys);

    /// <summary>Every open index, as far as it can be told without looking behind aliases of data streams.</summary>
    public IEnumerable<string> Names => Open.Concat(BackingIndices).Concat(Aliases.Values.SelectMany(i => i)).Except(Closed).Distinct();

    /// <summary>True where nothing matches.</summary>
    public bool IsEmpty => Open.Count == 0 && Closed.Count == 0 && Aliases.Count == 0 && BackingIndices.Count == 0;

    /// <summary>Asks what an expression means.</summary>
    /// <exception cref="PipelineException">There is no such index, or the user may not read it.</exception>
    public static async Task<IndexCatalog> ResolveAsync(ElasticsearchClient client, string expression, CancellationToken ct)
    {
        var path = $"_resolve/index/{IndexExpression.Encode(expression)}?expand_wildcards=open,closed";
        var answer = await client.SendAsync(HttpMethod.Get, path, default, ct).ConfigureAwait(false);
        var indices = Items(answer, "indices").Select(i => (Name: Text(i, "name"), IsClosed: Texts(i, "attributes").Contains("closed"))).ToArray();
        var catalog = new IndexCatalog(
            [.. indices.Where(i => !i.IsClosed).Select(i => i.Name)],
            [.. indices.Where(i => i.IsClosed).Select(i => i.Name)],
            Items(answer, "aliases").ToDictionary(a => Text(a, "name"), a => Texts(a, "indices")),
            [.. Items(answer, "data_streams").SelectMany(d => Texts(d, "backing_indices"))])
        {
            DataStreams = [.. Items(answer, "data_streams").Select(d => Text(d, "name"))],
        };

        // A name that is not there is an error to Elasticsearch and nothing to OpenSearch.
        foreach (var name in IndexExpression.Names(expression).Where(n => !n.Contains('*', StringComparison.Ordinal)))
        {
            if (indices.Any(i => i.Name == name) || catalog.Aliases.ContainsKey(name) || catalog.DataStreams.Contains(name)) continue;
            throw ElasticsearchErrors.IndexNotFound.Error($"{client.Name} has no index, alias or data stream '{name}'.");
        }

        foreach (var name in IndexExpression.Names(expression))
        {
            if (catalog.Closed.Contains(name)) throw ElasticsearchErrors.IndexClosed.Error($"The index '{name}' is closed.");
        }

        return catalog;
    }

    /// <summary>How an index is searched: by its own name where the expression means it directly, else through the aliases that do.</summary>
    /// <param name="name">The index.</param>
    /// <param name="uuid">Its identity.</param>
    /// <param name="measured">All indices that the server told figures of, so that another name behind an alias is a data stream's.</param>
    /// <exception cref="PipelineException"><see cref="ElasticsearchErrors.Unavailable"/>: it is not known yet.</exception>
    public ConcreteIndex AddressOf(string name, string uuid, IReadOnlySet<string>? measured = null)
    {
        if (Open.Contains(name) || BackingIndices.Contains(name)) return new ConcreteIndex(name, uuid, IndexExpression.Encode(name), IsShared: false);
        string[] through = [.. Aliases.Where(a => a.Value.Contains(name)).Select(a => a.Key)];

        // An alias of a data stream names the stream, not its indices, whose names may be any. What is behind no such alias was made after it was
        // asked what there is.
        if (through.Length == 0 && name.Contains(".ds-", StringComparison.Ordinal)) through = [.. Aliases.Keys];
        else if (through.Length == 0 && measured is not null) through = [.. Aliases.Where(a => a.Value.Any(t => !measured.Contains(t) && !Closed.Contains(t))).Select(a => a.Key)];
        if (through.Length == 0) throw ElasticsearchErrors.Unavailable.Error($"The index '{name}' was made just now; what the cluster means by each name has to be asked again.");
        return new ConcreteIndex(name, uuid, IndexExpression.Encode(string.Join(',', through.Order(StringComparer.Ordinal))), IsShared: true);
    }

    /// <summary>
    /// True where a search at the address of an index that is read through aliases still reaches it. Asked after a page without any hit: what
    /// was searched by then may have been another index, to which the alias has been moved.
    /// </summary>
    public static async Task<bool> ReachesAsync(ElasticsearchClient client, ConcreteIndex index, CancellationToken ct)
    {
        if (!index.IsShared) return true;
        try
        {
            // Needs no more than the privilege read, and names the indices behind aliases of data streams too.
            var path = $"{index.Address}/_field_caps?fields=_index&filter_path=indices";
            return Texts(await client.SendAsync(HttpMethod.Get, path, default, ct).ConfigureAwait(false), "indices").Contains(index.Name);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.IndexNotFound)
        {
            return false;
        }
    }

    private static JsonElement.ArrayEnumerator Items(JsonElement answer, string name) =>
        answer.TryGetProperty(name, out var items) && items.ValueKind == JsonValueKind.Array ? items.EnumerateArray() : default;

    private static string Text(JsonElement item, string name) => item.GetProperty(name).GetString()!;

    // One alias of one index is a text in some versions, a list in others.
    private static IReadOnlyList<string> Texts(JsonElement item, string name) =>
        !item.TryGetProperty(name, out var texts) ? []
        : texts.ValueKind == JsonValueKind.Array ? [.. texts.EnumerateArray().Select(t => t.GetString()!)]
        : [texts.GetString()!];
}
