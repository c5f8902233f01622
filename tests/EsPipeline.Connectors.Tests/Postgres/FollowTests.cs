using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Npgsql;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>What following has to see whatever the order of commits is, and what becomes of it when the server or its slot goes away.</summary>
public sealed class FollowTests(SharedPostgres shared)
{
    // Of each of eight writers, so that thousands are out of order on a slow machine, too.
    private const int LeastCommits = 300;
    private const int LeastPasses = 30;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FollowWay.UpdatedColumn, true)]
    [InlineData(FollowWay.UpdatedColumn, false)]
    [InlineData(FollowWay.Changes, true)]
    public async Task Commits_out_of_order_are_not_missed(FollowWay way, bool mayReadStatistics)
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(200)], way, Ct);
        var options = set.Options;
        if (!mayReadStatistics)
        {
            await server.ExecuteAsync("DO $$ BEGIN CREATE ROLE plain_reader LOGIN; EXCEPTION WHEN duplicate_object THEN NULL; END $$");
            await server.ExecuteAsync($"GRANT SELECT ON {set.Table} TO plain_reader");
            options = options with { User = "plain_reader" };
        }

        // Less than the longest that a transaction stays open, more than the machine lets one wait that has its time and has not shown it yet.
        await using var following = new Following(options, new SourceTuning { HorizonMargin = TimeSpan.FromMilliseconds(500), BatchRecords = 100 });
        await following.PassAsync(ReadKind.Snapshot, Ct);
        using var enough = new CancellationTokenSource();
        var commits = Task.WhenAll(Enumerable.Range(0, 8).Select(n => WriteAsync(server, set.Table, new Random(100 + n), enough.Token)));
        for (var passes = 0; !commits.IsCompleted; passes++)
        {
            await following.PassAsync(ReadKind.Changes, Ct);
            if (passes == LeastPasses) await enough.CancelAsync();
        }

        // What others have open holds everything back that came after it; once the last row has come, all have.
        await commits;
        await set.PutAsync([new Document("last", "{}")], Ct);
        await Eventually.IsAsync(
            async () =>
            {
                await following.PassAsync(ReadKind.Changes, Ct);
                return following.Held.ContainsKey("last");
            },
            "the last row has been read");
        var wanted = (await server.RowsAsync($"SELECT id, content::text FROM {set.Table}")).Select(r => new Document(r[0], r[1])).ToArray();
        var held = following.Held;
        if (way == FollowWay.UpdatedColumn) held = held.Where(h => wanted.Any(w => w.Key == h.Key)).ToDictionary();
        ContentAssert.Same(wanted, held);
    }

    [Fact]
    public async Task A_lost_slot_is_told_and_everything_is_read_anew()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(300)], FollowWay.Changes, Ct);
        var log = new ListLog<PostgresSource>();
        await using (var first = new Following(set.Options))
        {
            await first.PassAsync(ReadKind.Snapshot, Ct);
            await set.PutAsync([.. Corpus.Plain(10, seed: 2)], Ct);
            await first.PassAsync(ReadKind.Changes, Ct);
            var saved = first.Saved;
            await first.DisposeAsync();
            await server.LoseSlotAsync(set.Table);
            await set.PutAsync([.. Corpus.Plain(400, seed: 3).Skip(250)], Ct);
            await using var second = new Following(set.Options, log: log) { Saved = saved };
            await second.PassAsync(ReadKind.Changes, Ct);
            Assert.Contains(second.Partitions, p => p.StartsOverBecause?.Contains("missing", StringComparison.Ordinal) == true);
            Assert.Contains(log.Lines, l => l.Contains("everything is copied anew", StringComparison.Ordinal));
            await set.DeleteAsync([Corpus.PlainKey(0)], Ct);
            await second.PassAsync(ReadKind.Changes, Ct);
            ContentAssert.Same(
                Corpus.Plain(10, seed: 2).Skip(1).Concat(Corpus.Plain(250).Skip(10)).Concat(Corpus.Plain(400, seed: 3).Skip(250)), second.Held);
        }
    }

    [Theory]
    [InlineData("fast")]
    [InlineData("immediate")]
    public async Task A_server_that_is_stopped_and_started_again_is_followed_on(string mode)
    {
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(300)], FollowWay.Changes, Ct);
        await using var following = new Following(set.Options);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await set.PutAsync([.. Corpus.Plain(50, seed: 2)], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);

        // A fast stop waits for whoever follows: it has to be answered though no pass is under way.
        await server.DownAsync(mode);
        await server.UpAsync();
        server.Pool.Clear();
        await set.PutAsync([.. Corpus.Plain(100, seed: 3).Skip(50)], Ct);
        await set.DeleteAsync([Corpus.PlainKey(299)], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same(Corpus.Plain(50, seed: 2).Concat(Corpus.Plain(100, seed: 3).Skip(50)).Concat(Corpus.Plain(299).Skip(100)), following.Held);
    }

    [Theory]
    [InlineData(50)]
    [InlineData(5000)]
    public async Task A_server_can_be_stopped_while_the_sink_takes_nothing(int changes)
    {
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        await using var following = new Following(set.Options);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.DisposeAsync();
        await using var source = new PostgresSource(
            set.Options, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>(), new SourceTuning { BatchRecords = 10, CopyRecords = 10 });
        var log = (await source.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 1, following.Saved), Ct)).Single(p => p.Id.Value.EndsWith("!log", StringComparison.Ordinal));

        // A first change is confirmed, from which on the server waits for the others.
        await set.PutAsync([.. Corpus.Plain(1, seed: 3)], Ct);
        var after = log.Start;
        await foreach (var batch in source.ReadAsync(log, after, Ct))
        {
            after = batch.End;
            batch.Dispose();
        }

        await source.AcknowledgeAsync(log.Id, after, Ct);
        await set.PutAsync([.. Corpus.Plain(changes, seed: 2)], Ct);
        await using var batches = source.ReadAsync(log, after, Ct).GetAsyncEnumerator(Ct);
        Assert.True(await batches.MoveNextAsync());
        batches.Current.Dispose();

        // It would wait for this end to confirm the rest of its log until pg_ctl gives up.
        await server.DownAsync("fast");
        await server.UpAsync();
        server.Pool.Clear();
        await using var next = new Following(set.Options) { Saved = following.Saved };
        await next.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same(Corpus.Plain(changes, seed: 2), next.Held);
    }

    [Fact]
    public async Task Changed_keys_large_values_and_new_columns_are_followed()
    {
        var server = await shared.GetAsync();
        var table = "odd_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (a int, b text, big text, n int, PRIMARY KEY (a, b))");
        await server.ExecuteAsync($"ALTER TABLE {table} ALTER big SET STORAGE EXTERNAL");
        await server.ExecuteAsync($"INSERT INTO {table} SELECT i, 'x,%' || i, repeat('y', 20000), 0 FROM generate_series(1, 20) i");
        var options = new PostgresSourceOptions
        {
            Host = server.Host, Port = server.Port, User = server.User, Table = table, Follow = FollowWay.Changes, Slot = table, Publication = table,
        };
        await using (var following = new Following(options))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            Assert.Contains("3,x%2C%253", following.Held.Keys);
            await server.ExecuteAsync($"UPDATE {table} SET n = 1 WHERE a = 1");
            await server.ExecuteAsync($"UPDATE {table} SET a = 100 WHERE a = 2");
            await following.PassAsync(ReadKind.Changes, Ct);
            await server.ExecuteAsync($"ALTER TABLE {table} ADD COLUMN later text DEFAULT 'd'");
            await server.ExecuteAsync($"UPDATE {table} SET n = 3");
            await following.PassAsync(ReadKind.Changes, Ct);
            var wanted = await server.RowsAsync($"SELECT a || ',' || replace(replace(b, '%', '%25'), ',', '%2C'), row_to_json(t)::text FROM {table} t");
            ContentAssert.Same(wanted.Select(r => new Document(r[0], r[1])), following.Held);
        }

        await server.DropSlotAsync(table);
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Fact]
    public async Task A_table_written_anew_between_two_runs_is_read_from_its_beginning()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(300)], FollowWay.UpdatedColumn, Ct);
        var whole = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 20 }, 1, Ct);
        var saved = new Dictionary<Core.Records.PartitionId, Core.Records.Position> { [whole.Partitions[0].Id] = whole.Batches[3].End };
        await server.ExecuteAsync($"DELETE FROM {set.Table} WHERE id < '{Corpus.PlainKey(100)}'");
        await server.ExecuteAsync($"VACUUM FULL {set.Table}");
        var again = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct, saved);
        Assert.Contains("written anew", again.Partitions[0].StartsOverBecause, StringComparison.Ordinal);
        ContentAssert.Same(Corpus.Plain(300).Skip(100), again.Apply());
    }

    [Fact]
    public async Task A_column_that_is_dropped_and_one_that_is_added_between_two_runs_are_read_as_they_are_then()
    {
        var server = await shared.GetAsync();
        var table = "columns_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY, gone text, word text); INSERT INTO {table} SELECT i, 'gone', 'word ' || i FROM generate_series(1, 2000) i");
        var options = new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table };
        var plan = new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<Core.Records.PartitionId, Core.Records.Position>());
        await using var before = Open();
        var whole = await SourceReader.ReadAsync(before, plan, Ct);
        var half = whole.Batches.Take(10).ToArray();
        await server.ExecuteAsync($"ALTER TABLE {table} DROP COLUMN gone; ALTER TABLE {table} ADD COLUMN later int DEFAULT 7");
        await using var after = Open();
        var saved = new Dictionary<Core.Records.PartitionId, Core.Records.Position> { [whole.Partitions[0].Id] = half[^1].End };
        var rest = (await SourceReader.ReadAsync(after, plan with { Saved = saved }, Ct)).Apply();
        Assert.Equal(2000, half.Sum(b => b.Records.Count) + rest.Count);
        Assert.All(rest.Values, d => Assert.EndsWith(",\"later\":7}", d, StringComparison.Ordinal));
        Assert.All(rest.Values, d => Assert.DoesNotContain("gone", d, StringComparison.Ordinal));
        await server.ExecuteAsync($"DROP TABLE {table}");

        PostgresSource Open() => new(options, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>(), new SourceTuning { CopyRecords = 100 });
    }

    [Fact]
    public async Task A_snapshot_that_goes_on_later_catches_up_with_what_moved()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(300)], FollowWay.UpdatedColumn, Ct);
        var whole = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 20 }, 1, Ct);
        var before = whole.Batches.Take(10).SelectMany(b => b.Records).ToDictionary(r => r.Key, r => r.Json);

        // Rows that are updated move: some from what is not read yet into what is.
        await server.ExecuteAsync($"DELETE FROM {set.Table} WHERE id < '{Corpus.PlainKey(50)}'");
        await server.ExecuteAsync($"VACUUM {set.Table}");
        await set.PutAsync([.. Corpus.Plain(300, seed: 2).Skip(250)], Ct);
        await using var source = set.Open(new SourceKnobs());
        var saved = new Dictionary<Core.Records.PartitionId, Core.Records.Position> { [whole.Partitions[0].Id] = whole.Batches[9].End };
        var rest = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1, saved), Ct);
        Assert.True(source.SnapshotContinues);
        var last = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1, rest.Saved), Ct);
        Assert.False(source.SnapshotContinues);
        var held = last.Apply(rest.Apply(before));
        ContentAssert.Same(Corpus.Plain(50).Concat(Corpus.Plain(250).Skip(50)).Concat(Corpus.Plain(300, seed: 2).Skip(250)), held);
    }

    [Fact]
    public async Task The_password_is_in_no_message()
    {
        const string secret = "S3cr3t!%40/:?#";
        await using var server = await PostgresServer.StartSecuredAsync();
        PostgresSourceOptions[] all =
        [
            new() { Host = server.Host, Port = server.Port, Password = new Secret(secret), Table = "t" },
            new() { Url = new Secret($"postgres://postgres:{Uri.EscapeDataString(secret)}@{server.Host}:{server.Port}/postgres"), Table = "t" },
            new() { Url = new Secret($"postgres://postgres:{secret}@{server.Host}:{server.Port}/postgres?sslmode=nonsense"), Table = "t" },
        ];
        foreach (var options in all)
        {
            Assert.DoesNotContain(secret, string.Join(' ', options.Mistakes()), StringComparison.Ordinal);
            Assert.DoesNotContain(secret, options.ToString(), StringComparison.Ordinal);
            await using var source = new PostgresSource(options, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>());
            var problem = (await source.CheckAsync(Ct)).Problem;
            Assert.NotNull(problem);
            Assert.DoesNotContain(secret, problem.ToString(), StringComparison.Ordinal);
        }

        await using var wrong = new PostgresSource(all[1], new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>());
        Assert.Equal(PostgresErrors.Unauthorized, (await Health.OfAsync(wrong)).Problem!.Error);
    }

    // One connection's transactions: each takes its time, writes some rows, and commits or rolls back after a while of its own.
    private static async Task WriteAsync(PostgresServer server, string table, Random random, CancellationToken enough)
    {
        await using var connection = await server.Pool.OpenConnectionAsync(Ct);
        var commits = 0;
        while (commits < LeastCommits || !enough.IsCancellationRequested)
        {
            await using var transaction = await connection.BeginTransactionAsync(Ct);
            var ids = string.Join(",", Enumerable.Range(0, random.Next(1, 4)).Select(_ => $"('{Corpus.PlainKey(random.Next(600))}')").Distinct().Order());
            var sql = random.Next(8) == 0
                ? $"DELETE FROM {table} WHERE id IN ({ids.Replace("(", "", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal)})"
                : $"INSERT INTO {table} (id, content) SELECT v, json_build_object('n', {random.Next()}) FROM (VALUES {ids}) q(v) ORDER BY v ON CONFLICT (id) DO UPDATE SET content = excluded.content, updated = now()";
            await using (var command = new NpgsqlCommand(sql, connection, transaction)) await command.ExecuteNonQueryAsync(Ct);
            if (random.Next(100) == 0) await Task.Delay(random.Next(1500), Ct);
            if (random.Next(10) == 0)
            {
                await transaction.RollbackAsync(Ct);
                continue;
            }

            await transaction.CommitAsync(Ct);
            commits++;
        }
    }
}
