using System.Text.Json;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Documents that were indexed with a routing of their own. It decides the shard that a document is in, and <c>_id</c> is unique within a shard
/// only: one index may hold several documents of one <c>_id</c>, each under another routing.
/// </summary>
internal static class CustomRouting
{
    private static readonly byte[] Query = SearchBody.Of(
        """{"size":1,"track_total_hits":false,"_source":false,"query":{"bool":{"filter":[{"exists":{"field":"_routing"}}]}}}""");

    /// <summary>An index that holds such a document; null where none does.</summary>
    /// <exception cref="Core.Errors.PipelineException">Not everything could be searched, or the user may not.</exception>
    public static async Task<string?> FindAsync(ElasticsearchClient client, ServerInfo server, string expression, CancellationToken ct)
    {
        var path = $"{IndexExpression.Encode(expression)}/_search?allow_partial_search_results=false{server.Reach()}";
        using var answer = await client.FetchAsync(HttpMethod.Post, path, Query, 4096, Array.MaxLength, ct).ConfigureAwait(false);
        using var page = SearchPage.Open(answer, expression);
        using var document = JsonDocument.Parse(answer.Written);
        var hits = document.RootElement.GetProperty("hits").GetProperty("hits");
        return hits.GetArrayLength() > 0 ? hits[0].GetProperty("_index").GetString() : null;
    }
}
