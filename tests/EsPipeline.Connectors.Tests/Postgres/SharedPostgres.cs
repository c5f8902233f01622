using EsPipeline.Connectors.Tests.Postgres;

[assembly: AssemblyFixture(typeof(SharedPostgres))]

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>One server for all tests, started when the first asks for it. Tests share the server, never tables.</summary>
public sealed class SharedPostgres : IAsyncDisposable
{
    private readonly Lock _lock = new();
    private Task<PostgresServer>? _server;

    public Task<PostgresServer> GetAsync()
    {
        lock (_lock) return _server ??= PostgresServer.FindAsync();
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is { IsCompletedSuccessfully: true }) await (await _server).DisposeAsync();
    }
}
