using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Which of the two systems answers, and how the few requests that differ are written for it. From <c>GET /</c>.</summary>
/// <param name="IsOpenSearch">True for OpenSearch.</param>
/// <param name="Version">Its version.</param>
/// <param name="ClusterUuid">The cluster's own identity.</param>
/// <param name="IsServerless">True where somebody else runs it as a service without nodes, which says a version that is not what it can do.</param>
internal sealed record ServerInfo(bool IsOpenSearch, Version Version, string ClusterUuid, bool IsServerless = false)
{
    /// <summary>What a person calls it.</summary>
    public string Name => $"{(IsOpenSearch ? "OpenSearch" : "Elasticsearch")} {Version}";

    /// <summary>True where it has points in time: Elasticsearch since 7.10, OpenSearch since 2.4.</summary>
    public bool HasPointInTime => IsOpenSearch ? Version >= new Version(2, 4) : Version >= new Version(7, 10);

    /// <summary>
    /// True where a search has to ask for the vectors of a document: since 9.2 a new index leaves them out of it
    /// (<c>index.mapping.exclude_source_vectors</c>). Elasticsearch 8.19, 9.1 and later know how to be asked; others answer with all of it.
    /// </summary>
    public bool AsksForVectors =>
        !IsOpenSearch && (IsServerless || Version >= new Version(9, 1) || (Version.Major == 8 && Version >= new Version(8, 19)));

    /// <summary>
    /// True where a search can be kept to the primaries: OpenSearch since 2.8 (Elasticsearch 7 had given that up, and OpenSearch 1 began as it); others
    /// answer 400.
    /// </summary>
    public bool SearchesPrimaries => IsOpenSearch && Version >= new Version(2, 8);

    /// <summary>
    /// True where replicas may be sent segments, of which a search can't be kept away: OpenSearch 2.3 to 2.7. Such a replica shows what it has been
    /// sent, however far the checkpoint is.
    /// </summary>
    public bool MayShowLess => IsOpenSearch && Version >= new Version(2, 3) && !SearchesPrimaries;

    /// <summary>
    /// What stands in the query of a search, or of the opening of a view, so that it reaches all that was written: in OpenSearch the primary alone,
    /// where that can be asked for, since with segment replication a replica shows what it has been sent, however far the checkpoint is; in
    /// Elasticsearch before 8 frozen indices, too, which are else left out.
    /// </summary>
    /// <param name="shard">The one shard to search; null for all.</param>
    public string Reach(int? shard = null)
    {
        var copies = (shard, SearchesPrimaries) switch
        {
            ({ } one, true) => $"&preference=_shards:{one}%7C_primary",
            ({ } one, false) => $"&preference=_shards:{one}",
            (null, true) => "&preference=_primary",
            (null, false) => "",
        };
        return !IsOpenSearch && Version.Major < 8 ? copies + "&ignore_throttled=false" : copies;
    }

    /// <summary>Where a point in time is opened: below the index.</summary>
    public string OpenPointInTime => IsOpenSearch ? "_search/point_in_time" : "_pit";

    /// <summary>Where a point in time is closed.</summary>
    public string ClosePointInTime => IsOpenSearch ? "_search/point_in_time" : "_pit";

    /// <summary>The field of the answer to opening one that holds its id.</summary>
    public string PointInTimeField => IsOpenSearch ? "pit_id" : "id";

    /// <summary>Asks a server who it is.</summary>
    /// <exception cref="PipelineException">It can't be reached, does not let us in, or is something else.</exception>
    public static async Task<ServerInfo> AskAsync(ElasticsearchClient client, CancellationToken ct)
    {
        JsonElement answer;
        try
        {
            answer = await client.SendAsync(HttpMethod.Get, "", default, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.BadAnswer && e.InnerException is JsonException)
        {
            throw ElasticsearchErrors.NotElasticsearch.Error($"What answers at {client.Name} is neither Elasticsearch nor OpenSearch.", inner: e);
        }
        if (answer.ValueKind != JsonValueKind.Object || !answer.TryGetProperty("version", out var version) || version.ValueKind != JsonValueKind.Object
            || !version.TryGetProperty("number", out var number) || !Version.TryParse(number.ToString().Split('-')[0], out var parsed)
            || !answer.TryGetProperty("cluster_uuid", out var uuid))
        {
            throw ElasticsearchErrors.NotElasticsearch.Error($"What answers at {client.Name} is neither Elasticsearch nor OpenSearch.");
        }

        if (uuid.GetString() is not { } cluster || cluster == "_na_")
        {
            throw ElasticsearchErrors.Unavailable.Error($"{client.Name} has not joined a cluster yet.");
        }

        var distribution = version.TryGetProperty("distribution", out var name) ? name.GetString() : null;
        var isServerless = version.TryGetProperty("build_flavor", out var flavor) && flavor.GetString() == "serverless";
        return new ServerInfo(distribution == "opensearch", parsed, cluster, isServerless);
    }
}
