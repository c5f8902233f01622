using EsPipeline.Conformance;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>
/// The servers that the tests share: the one at <c>ESPIPE_TEST_MYSQL_URL</c> or one that is started for them, and one of their own that may be
/// killed. Each test has a database of its own.
/// </summary>
public sealed class MySqlServers : IAsyncLifetime
{
    private MariaDbServer? _shared;
    private MariaDbServer? _own;

    /// <summary>A server that stays up.</summary>
    public async Task<MariaDbServer> SharedAsync()
    {
        if (_shared is not null) return _shared;
        var address = Environment.GetEnvironmentVariable("ESPIPE_TEST_MYSQL_URL");
        if (address is not { Length: > 0 } && !MariaDbServer.IsInstalled) address = TestServers.Address("ESPIPE_TEST_MYSQL_URL", "MySQL or MariaDB server");
        return _shared = address is { Length: > 0 } ? MariaDbServer.At(new Uri(address)) : await OwnAsync();
    }

    /// <summary>A server that a test may kill and start again.</summary>
    public async Task<MariaDbServer> OwnAsync() => _own ??= await MariaDbServer.StartAsync(TestContext.Current.CancellationToken);

    /// <summary>A fresh database of one test.</summary>
    public async Task<MySqlDatabase> NewDatabaseAsync(bool mayBeKilled = false) => await MySqlDatabase.CreateAsync(mayBeKilled ? await OwnAsync() : await SharedAsync());

    public ValueTask InitializeAsync() => ValueTask.CompletedTask;

    public async ValueTask DisposeAsync()
    {
        if (_own is not null) await _own.DisposeAsync();
    }
}

/// <summary>All tests that share the servers.</summary>
[CollectionDefinition(Name)]
public sealed class MySqlCollectionDefinition : ICollectionFixture<MySqlServers>
{
    public const string Name = "MySQL";
}
