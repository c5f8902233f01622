using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Which of the two systems answers, and how the few requests that differ are written for it. From <c>GET /</c>.</summary>
/// <param name="IsOpenSearch">True for OpenSearch.</param>
/// <param name="Version">Its version.</param>
/// <param name="ClusterUuid">The cluster's own identity.</param>
internal sealed record ServerInfo(bool IsOpenSearch, Version Version, string ClusterUuid)
{
    /// <summary>What a person calls it.</summary>
    public string Name => $"{(IsOpenSearch ? "OpenSearch" : "Elasticsearch")} {Version}";

    /// <summary>True where it has points in time: Elasticsearch since 7.10, OpenSearch since 2.4.</summary>
    public bool HasPointInTime => IsOpenSearch ? Version >= new Version(2, 4) : Version >= new Version(7, 10);

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
        return new ServerInfo(distribution == "opensearch", parsed, cluster);
    }
}
