using Npgsql;

namespace EsPipeline.Chaos;

/// <summary>The command <c>monitor</c> with a real sink: it leaves nothing behind.</summary>
public sealed class MonitorTests : IAsyncLifetime
{
    private readonly EspipeFolder _folder = new();
    private readonly string _table = $"monitored_{Guid.NewGuid():n}";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static Uri Server => new(TestServers.Address("ESPIPE_TEST_POSTGRES_URL", "Postgres"));

    public ValueTask InitializeAsync()
    {
        _folder.Write("in.csv", "id,name,price\n1,one,2.5\n2,two,3\n");
        return ValueTask.CompletedTask;
    }

    public async ValueTask DisposeAsync()
    {
        await ExecuteAsync($"DROP TABLE IF EXISTS {_table}");
        _folder.Dispose();
    }

    [Fact]
    public async Task Its_document_is_read_back_and_removed()
    {
        (await _folder.RunAsync(Arguments())).Ended(0);
        var run = (await _folder.RunAsync(["monitor", .. Arguments()])).Ended(0);
        Assert.Contains("test document: written, read back the same, removed", run.Output, StringComparison.Ordinal);
        Assert.Equal(2L, await ExecuteAsync($"SELECT count(*) FROM {_table}"));
    }

    [Fact]
    public async Task It_makes_no_table_out_of_its_document()
    {
        var run = (await _folder.RunAsync(["monitor", .. Arguments("--pg-shape", "columns")])).Ended(0);
        Assert.Contains("test document: not written", run.Output, StringComparison.Ordinal);
        Assert.Equal(DBNull.Value, await ExecuteAsync($"SELECT to_regclass('{_table}')::text"));
        (await _folder.RunAsync(Arguments("--pg-shape", "columns"))).Ended(0);
        Assert.Equal(2L, await ExecuteAsync($"SELECT count(name) FROM {_table}"));
    }

    private static async Task<object?> ExecuteAsync(string sql)
    {
        await using var source = NpgsqlDataSource.Create(new NpgsqlConnectionStringBuilder
        {
            Host = Server.Host, Port = Server.Port, Username = Server.UserInfo.Split(':')[0], Database = Server.AbsolutePath.Trim('/'),
        }.ConnectionString);
        await using var command = source.CreateCommand(sql);
        return await command.ExecuteScalarAsync(Ct);
    }

    private string[] Arguments(params IEnumerable<string> more) =>
        ["--source", "csv", "--csv-file", "in.csv", "--sink", "postgres", "--pg-url", Server.ToString(), "--pg-table", _table, .. more];
}
