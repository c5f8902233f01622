using System.Text.Json;
using Npgsql;

namespace EsPipeline.Chaos;

/// <summary>A job whose state lies in PostgreSQL: killed, resumed, looked at with every command, and never run twice at once.</summary>
public sealed class PostgresStateTests : IAsyncLifetime, IDisposable
{
    private const int Rows = 60_000;
    private const string Password = "S3cr3t!%40/:?#";

    private readonly EspipeFolder _folder = new();
    private readonly EspipeFolder _elsewhere = new();
    private readonly string _database = $"state_{Guid.NewGuid():n}";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private static Uri Server => new(TestServers.Address("ESPIPE_TEST_POSTGRES_URL", "Postgres"));

    public async ValueTask InitializeAsync()
    {
        await ExecuteAsync($"CREATE DATABASE {_database}");
        foreach (var folder in new[] { _folder, _elsewhere })
        {
            // The server trusts everybody: the password is there to be looked for.
            folder.Environment["ESPIPE_STATE"] = $"postgres://{Server.UserInfo.Split(':')[0]}:{Uri.EscapeDataString(Password)}@{Server.Host}:{Server.Port}/{_database}";
        }

        _folder.Write("in.csv", "id,n\n" + string.Concat(Enumerable.Range(0, Rows).Select(i => $"k{i},{i:D150}\n")));
    }

    public async ValueTask DisposeAsync()
    {
        await ExecuteAsync($"DROP DATABASE IF EXISTS {_database} WITH (FORCE)");
        Dispose();
    }

    [Fact]
    public async Task A_killed_job_is_resumed_by_a_copy_elsewhere_that_waits_for_the_lease_and_no_second_copy_runs()
    {
        using (var killed = _folder.Start(Arguments("--rate-limit", "1000", "--checkpoint-interval", "50ms")))
        {
            await killed.UntilAsync(() => SavedAsync().GetAwaiter().GetResult(), "a position was saved");
            var second = (await _elsewhere.RunAsync(Arguments())).Ended(1);
            Assert.Contains($"The job 'moving' is already being run by process {killed.Id} on ", second.Error, StringComparison.Ordinal);
            killed.Signal(PosixSignalNumber.Kill);
            await killed.EndAsync();
        }

        // The output's file is where it was; only the state is elsewhere.
        var resumed = (await _folder.RunAsync(Arguments())).Ended(0);
        Assert.Contains("The job moving is held by process ", resumed.Error, StringComparison.Ordinal);
        Assert.Contains("(balances)", resumed.Output, StringComparison.Ordinal);
        Assert.DoesNotContain($"read {Rows} ", resumed.Output, StringComparison.Ordinal);
        Assert.Equal(Rows, File.ReadAllLines(_folder.File("out.jsonl")).Distinct().Count());

        var status = JsonSerializer.Deserialize<JsonElement>((await _elsewhere.RunAsync("status", "--job", "moving", "--format", "json")).Ended(0).Output);
        Assert.Equal(["Done", "Killed"], status.GetProperty("runs").EnumerateArray().Select(r => r.GetProperty("outcome").GetString()));
        Assert.Contains("moving", (await _elsewhere.RunAsync("checkpoint", "list")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("in.csv", (await _elsewhere.RunAsync("checkpoint", "show", "--job", "moving")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("No dead letters", (await _folder.RunAsync("dead-letters", "show", "--job", "moving")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("state in PostgreSQL", (await _folder.RunAsync(Arguments("--mode", "health-check"))).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("moving", (await _folder.RunAsync(["monitor", .. Arguments()])).Output, StringComparison.Ordinal);
        await _elsewhere.RunAsync(Arguments("--config-check"));
        (await _elsewhere.RunAsync("checkpoint", "reset", "--job", "moving")).Ended(0);
        foreach (var (path, text) in _folder.AllFiles().Concat(_elsewhere.AllFiles())) Assert.False(text.Contains("S3cr3t", StringComparison.Ordinal), path);
    }

    [Fact]
    public async Task A_copy_that_hears_nothing_from_the_server_stops_before_another_can_begin()
    {
        await using var proxy = TcpProxy.InFrontOf(Server);
        _folder.Environment["ESPIPE_STATE"] = $"postgres://{Server.UserInfo.Split(':')[0]}@{proxy.EndPoint}/{_database}";
        using var cutOff = _folder.Start(Arguments("--rate-limit", "500", "--checkpoint-interval", "50ms"));
        await cutOff.UntilAsync(() => SavedAsync().GetAwaiter().GetResult(), "a position was saved");

        // The server says when it gives the lease away, and the file system when the first copy has written last.
        await ExecuteAsync(
            """
            CREATE TABLE given (at timestamptz);
            CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO given VALUES (clock_timestamp()); RETURN NULL; END';
            CREATE TRIGGER noted AFTER UPDATE ON espipe_job FOR EACH ROW WHEN (old.token <> new.token) EXECUTE FUNCTION note()
            """,
            _database);
        proxy.Stall();
        var next = _elsewhere.RunAsync("checkpoint", "reset", "--job", "moving");
        var stopped = (await cutOff.EndAsync()).Ended(1);
        Assert.Contains("(state.job_lost)", stopped.Said, StringComparison.Ordinal);
        (await next).Ended(0);
        var given = DateTime.UnixEpoch.AddMicroseconds(await ScalarAsync("SELECT (extract(epoch FROM min(at)) * 1000000)::bigint FROM given"));

        // Of a file that is not there, it would be a time long ago.
        var path = _folder.File("out.jsonl.part");
        Assert.True(File.Exists(path), $"There is no {path}.");
        var written = File.GetLastWriteTimeUtc(path);
        Assert.True(written < given, $"The lease was given away at {given:HH:mm:ss.fff}, and the first copy wrote until {written:HH:mm:ss.fff}.");
    }

    [Fact]
    public async Task The_pipeline_page_reads_it_and_says_when_it_can_not()
    {
        (await _folder.RunAsync(Arguments())).Ended(0);
        await using var proxy = TcpProxy.InFrontOf(Server);
        _folder.Environment["ESPIPE_STATE"] = $"postgres://{Server.UserInfo.Split(':')[0]}@{proxy.EndPoint}/{_database}";
        _folder.Environment["ESPIPE_API_PORT"] = "0";
        using var served = _folder.Start("serve");
        var address = await served.AddressAsync();
        using var http = new HttpClient();
        Assert.Contains("\"job\":\"moving\"", await http.GetStringAsync(new Uri(address, "api/pipeline"), Ct), StringComparison.Ordinal);
        Assert.Contains("\"outcome\":\"done\"", await http.GetStringAsync(new Uri(address, "api/pipeline/moving"), Ct), StringComparison.Ordinal);
        await proxy.DownAsync();
        using (var down = await http.GetAsync(new Uri(address, "api/pipeline"), Ct))
        {
            Assert.Equal(System.Net.HttpStatusCode.ServiceUnavailable, down.StatusCode);
            Assert.Contains("api.state_unavailable", await down.Content.ReadAsStringAsync(Ct), StringComparison.Ordinal);
        }

        proxy.Up();
        Assert.Contains("\"job\":\"moving\"", await http.GetStringAsync(new Uri(address, "api/pipeline"), Ct), StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _folder.Dispose();
        _elsewhere.Dispose();
    }

    private string[] Arguments(params string[] more) =>
        ["--source", "csv", "--sink", "jsonl", "--csv-file", _folder.File("in.csv"), "--output-file", _folder.File("out.jsonl"), "--job", "moving", .. more];

    private async Task<bool> SavedAsync()
    {
        try
        {
            return await ScalarAsync("""SELECT count(*) FROM espipe_job WHERE checkpoint ~ '"records": ?[1-9]'""") > 0;
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.UndefinedTable)
        {
            return false;
        }
    }

    private static NpgsqlDataSource Pool(string database) =>
        NpgsqlDataSource.Create($"Host={Server.Host};Port={Server.Port};Username={Server.UserInfo.Split(':')[0]};Database={database};Pooling=false");

    private async Task<long> ScalarAsync(string sql)
    {
        await using var pool = Pool(_database);
        await using var command = pool.CreateCommand(sql);
        return (long)(await command.ExecuteScalarAsync())!;
    }

    private static async Task ExecuteAsync(string sql, string database = "postgres")
    {
        await using var pool = Pool(database);
        await using var command = pool.CreateCommand(sql);
        await command.ExecuteNonQueryAsync();
    }
}
