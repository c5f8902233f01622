using EsPipeline.Connectors.Tests.Elasticsearch;

[assembly: AssemblyFixture(typeof(SharedServers))]

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>One server of each kind for all tests, started when the first asks for it. Tests share servers, never indices.</summary>
public sealed class SharedServers : IAsyncDisposable
{
    private readonly Dictionary<ServerKind, Task<ElasticsearchServer>> _servers = [];

    internal Task<ElasticsearchServer> OfAsync(ServerKind kind, CancellationToken ct)
    {
        lock (_servers)
        {
            if (!_servers.TryGetValue(kind, out var server)) _servers[kind] = server = ElasticsearchServer.FindAsync(kind, ct);
            return server;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var server in _servers.Values.Where(s => s.IsCompletedSuccessfully)) await (await server).DisposeAsync();
    }
}
