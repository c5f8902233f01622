using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Replicas that are sent segments instead of documents, where a search can't be kept away from them.</summary>
internal static class SegmentReplicas
{
    private const string Replication = "index.replication.type";
    private const string Replicas = "index.number_of_replicas";

    /// <summary>A sentence about indices of which a search may show less than was written; null where there are none, or the user may not see it.</summary>
    public static async Task<string?> RemarkAsync(ElasticsearchClient client, ServerInfo server, string expression, CancellationToken ct)
    {
        if (!server.MayShowLess) return null;
        try
        {
            var path = $"{IndexExpression.Encode(expression)}/_settings/{Replication},{Replicas}?flat_settings=true";
            var answer = await client.SendAsync(HttpMethod.Get, path, default, ct).ConfigureAwait(false);
            var indices = answer.EnumerateObject().Where(i => i.Value.TryGetProperty("settings", out var settings)
                && TargetIndex.Setting(settings, Replication) == "SEGMENT" && TargetIndex.Setting(settings, Replicas) is not (null or "0")).Select(i => i.Name).ToArray();
            return indices.Length == 0
                ? null
                : $"replicas of {string.Join(", ", indices)} may be behind (segment replication), and {server.Name} can't be asked to search primaries alone: what was written last may be missed; copy from 2.8 or later, or with number_of_replicas 0";
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            // As with how documents are kept: it is not told to everybody.
            return null;
        }
    }
}
