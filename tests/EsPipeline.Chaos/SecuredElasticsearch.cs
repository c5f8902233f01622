using EsPipeline.Connectors.Tests.Elasticsearch;

namespace EsPipeline.Chaos;

/// <summary>A real Elasticsearch that asks for a password, started once for the tests that share it.</summary>
[CollectionDefinition(Name)]
public sealed class SecuredElasticsearch : IAsyncLifetime, ICollectionFixture<SecuredElasticsearch>
{
    public const string Name = "Elasticsearch with a password";

    /// <summary>The password of the user <c>elastic</c>; it breaks whatever does not encode it.</summary>
    public const string Password = "S3cr3t!%40/:?#";

    private ElasticsearchServer? _server;

    /// <summary>The server.</summary>
    internal ElasticsearchServer Server => _server!;

    public async ValueTask InitializeAsync() =>
        _server = await ElasticsearchServer.StartAsync(ServerKind.Elasticsearch, CancellationToken.None, new ServerStart { Password = Password });

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
    }
}
