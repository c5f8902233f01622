using System.Diagnostics;
using EsPipeline.Connectors.Tests.Postgres;

namespace EsPipeline.Chaos;

/// <summary>Either end goes away and comes back, at the start, in the middle, both at once, and a password is changed and changed back.</summary>
public sealed class PostgresOutageTests
{
    private const int MostConnections = 30;

    private static readonly TimeSpan Watched = TimeSpan.FromSeconds(4);

    private const string User = "copier";

    [Theory]
    [InlineData("changes")]
    [InlineData("updated-column")]
    public async Task Both_ends_may_be_down_at_any_time_and_are_waited_for_without_haste(string way)
    {
        await using var server = await PostgresServer.StartSecuredAsync("right", User);
        await server.ExecuteAsync($"GRANT CREATE ON DATABASE postgres TO {User}");
        await server.ExecuteAsync("CREATE TABLE things (id int PRIMARY KEY, word text, updated timestamptz NOT NULL DEFAULT now())");
        await server.ExecuteAsync($"ALTER TABLE things OWNER TO {User}");
        await server.ExecuteAsync($"GRANT pg_read_all_stats TO {User}");
        await PutAsync(server, 0, 500, "first");
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        await using var source = new TcpProxy(server.EndPoint);
        await using var sink = TcpProxy.InFrontOf(TestServers.Elasticsearch);

        // Counts connections that the other one refuses.
        await using var counted = new TcpProxy(sink.EndPoint);
        using var folder = new EspipeFolder { Environment = { ["PG_USER"] = User, ["PG_PASSWORD"] = "right", ["PG_TABLE"] = "things" } };
        string[] arguments =
        [
            "--source", "postgres", "--pg-host", "127.0.0.1", "--pg-port", $"{source.EndPoint.Port}", "--pg-follow", way, "--pg-updated-column", "updated",
            .. copy.Arguments(counted.Of(TestServers.Elasticsearch)), "--mode", "continuous", "--interval", "200ms", "--retry-delay", "100ms",
        ];

        // At the start.
        await server.DownAsync("fast");
        await sink.DownAsync();
        using var espipe = folder.Start(new EspipeStart { Interruptible = true }, arguments);
        var said = new Said(espipe);
        await said.NextAsync("The source postgres is down");
        await IsUnhurriedAsync(espipe, source);
        await server.UpAsync();
        server.Pool.Clear();
        await said.NextAsync("The source postgres is back");
        await said.NextAsync("The sink elasticsearch is down");
        sink.Up();
        await said.NextAsync("The sink elasticsearch is back");
        await UntilSameAsync(espipe, server, copy);

        // In the middle: the source, crashed.
        await server.DownAsync("immediate");
        await said.NextAsync("The source postgres is down");
        await server.UpAsync();
        server.Pool.Clear();
        await said.NextAsync("The source postgres is back");
        await PutAsync(server, 490, 100, "second");
        await UntilSameAsync(espipe, server, copy);

        // The sink; and then both.
        await sink.DownAsync();
        await PutAsync(server, 0, 10, "third");
        await said.NextAsync("The sink elasticsearch is down");
        await IsUnhurriedAsync(espipe, counted);

        // A stop in good order would wait for the changes under way to be safe in the sink, as logical replication has it.
        await server.DownAsync("immediate");
        sink.Up();
        await said.NextAsync("The sink elasticsearch is back", "The source postgres is down");
        await server.UpAsync();
        server.Pool.Clear();
        await said.NextAsync("The source postgres is back");
        await UntilSameAsync(espipe, server, copy);

        // A password that is changed, and changed back.
        await server.ExecuteAsync($"ALTER ROLE {User} PASSWORD 'other'");
        await server.ExecuteAsync($"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '{User}'");
        await PutAsync(server, 20, 10, "fourth");
        await said.NextAsync("The source postgres is down");
        await server.ExecuteAsync($"ALTER ROLE {User} PASSWORD 'right'");
        await said.NextAsync("The source postgres is back");
        await UntilSameAsync(espipe, server, copy);

        espipe.Signal(PosixSignalNumber.Terminate);
        var run = (await espipe.EndAsync()).Ended(143);
        Assert.Contains("(balances)", run.Output, StringComparison.Ordinal);
        Outages.AreToldOnce(run.Error, "source postgres");
        Outages.AreToldOnce(run.Error, "sink elasticsearch");
    }

    [Fact]
    public async Task A_lost_state_and_a_lost_index_are_told_with_what_mends_them()
    {
        await using var server = await PostgresServer.FindAsync();
        var table = "lost_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY, word text, updated timestamptz NOT NULL DEFAULT now())");
        await PutAsync(server, 0, 100, "first", table);
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        using var folder = new EspipeFolder();
        string[] arguments =
        [
            "--source", "postgres", "--pg-url", server.Url, "--pg-table", table, "--pg-updated-column", "updated",
            .. copy.Arguments(TestServers.Elasticsearch), "--job", "lost", "--mode", "full-sync",
        ];
        (await folder.RunAsync(arguments)).Ended(0);
        ContentAssert.Same(await ReadAsync(server, table), await copy.ReadAllAsync());

        // The state: everything is copied again, and what is left over is not passed over in silence.
        Directory.Delete(folder.File(".espipe"), recursive: true);
        await server.ExecuteAsync($"DELETE FROM {table} WHERE id < 5");
        var again = (await folder.RunAsync(arguments)).Ended(0);
        Assert.Contains("holds 100 documents already", again.Error, StringComparison.Ordinal);
        Assert.Contains("espipe verify --prune", again.Error, StringComparison.Ordinal);
        Assert.Equal(100, (await copy.ReadAllAsync()).Count);

        // The index: nothing is copied into a new one as though the first 100 were there.
        await copy.DeleteAsync();
        await PutAsync(server, 200, 5, "second", table);
        var refused = (await folder.RunAsync(arguments)).Ended(1);
        Assert.Contains("(checkpoint.job_changed)", refused.Error, StringComparison.Ordinal);
        Assert.Contains($"there is no index {copy.Name}", refused.Error, StringComparison.Ordinal);
        Assert.Contains("espipe checkpoint reset", refused.Error, StringComparison.Ordinal);
        Assert.Empty(await copy.ReadAllAsync());
        (await folder.RunAsync(["checkpoint", "reset", .. arguments])).Ended(0);
        var mended = (await folder.RunAsync(arguments)).Ended(0);
        Assert.DoesNotContain("documents already", mended.Error, StringComparison.Ordinal);
        ContentAssert.Same(await ReadAsync(server, table), await copy.ReadAllAsync());
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    private static Task PutAsync(PostgresServer server, int from, int count, string word, string table = "things") => server.ExecuteAsync(
        $"INSERT INTO {table} SELECT i, '{word} ' || i FROM generate_series({from}, {from + count - 1}) i ON CONFLICT (id) DO UPDATE SET word = excluded.word, updated = now()");

    private static async Task<Document[]> ReadAsync(PostgresServer server, string table = "things") =>
        [.. (await server.RowsAsync($"SELECT id::text, row_to_json(t)::text FROM {table} t")).Select(r => new Document(r[0], r[1]))];

    // The pauses double from a tenth of a second on: within four seconds some five tries are made, and by then two thirds of a second and more
    // lie between two. One try makes two connections at most, and a sink's two writers try on their own.
    private static async Task IsUnhurriedAsync(EspipeProcess espipe, TcpProxy proxy)
    {
        var started = Stopwatch.GetTimestamp();
        await espipe.UntilAsync(() => Stopwatch.GetElapsedTime(started) > Watched && proxy.AcceptedAt.Any(at => at > started), "it was watched for a while, and has tried");
        var tries = proxy.AcceptedAt.Where(at => at > started).ToArray();
        var pauses = tries.Append(Stopwatch.GetTimestamp()).Zip(tries.Prepend(started), (next, at) => Stopwatch.GetElapsedTime(at, next)).ToArray();
        var said = $"{tries.Length} connections were tried within {Stopwatch.GetElapsedTime(started).TotalSeconds:0.0} s, with pauses of {string.Join(", ", pauses.Select(p => $"{p.TotalSeconds:0.00}"))} s.";
        Assert.True(tries.Length is > 0 and < MostConnections, said);
        Assert.True(pauses.Max() > TimeSpan.FromSeconds(0.6), said);
    }

    private static async Task UntilSameAsync(EspipeProcess espipe, PostgresServer server, ElasticsearchCopy copy) =>
        await SameEnds.UntilAsync(espipe, await ReadAsync(server), copy.ReadAllAsync);

    // Waits for one line after the other, each of them behind the last.
    private sealed class Said(EspipeProcess espipe)
    {
        private int _read;

        public async Task NextAsync(params string[] texts)
        {
            await espipe.UntilAsync(() => texts.All(t => At(t) >= 0), $"it said '{string.Join("' and '", texts)}'");
            _read = texts.Max(t => At(t) + t.Length);
        }

        private int At(string text) => espipe.ErrorSoFar.IndexOf(text, _read, StringComparison.Ordinal);
    }
}
