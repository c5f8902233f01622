using EsPipeline.Connectors.Elasticsearch;

namespace EsPipeline.Api.Scroll;

/// <summary>Which search server it is, asked once. Safe for many threads.</summary>
internal sealed class ServerKind(SearchCluster cluster)
{
    private ServerInfo? _info;

    /// <summary>
    /// What decides between documents that sort alike. Elasticsearch has a field for it within a point in time; OpenSearch has none before
    /// 3.3, and compares by key there, which is dearer.
    /// </summary>
    public static IReadOnlyList<string> TieBreakerOf(ServerInfo server) => server.IsOpenSearch ? ["_id", "_index"] : ["_shard_doc"];

    /// <summary>Asks, unless it is known.</summary>
    public async ValueTask<ServerInfo> FindAsync(CancellationToken ct) => _info ??= await cluster.IdentifyAsync(ct).ConfigureAwait(false);
}
