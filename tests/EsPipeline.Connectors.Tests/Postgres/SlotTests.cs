using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>What following by logical replication needs of the server, and what it does where that is missing or taken away.</summary>
public sealed class SlotTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(null, "espipe")]
    [InlineData("movies", "espipe_movies")]
    [InlineData("postgres-elasticsearch-48028fe4", "espipe_postgres_elasticsearch_48028fe4")]
    [InlineData("Movies", "espipe_movies_dff924b6")]
    [InlineData("my_job", "espipe_my_job_1755cc87")]
    public void Each_job_has_a_slot_of_its_own(string? job, string slot) => Assert.Equal(slot, SlotName.For(job));

    [Fact]
    public void A_long_name_is_cut_and_stays_its_own()
    {
        var (one, other) = (SlotName.For(new string('a', 100)), SlotName.For(new string('a', 101)));
        Assert.Equal((SlotName.MostCharacters, SlotName.MostCharacters), (one.Length, other.Length));
        Assert.NotEqual(one, other);
        Assert.All(one, c => Assert.True(SlotName.Takes(c)));
    }

    [Fact]
    public async Task Looking_makes_no_slot_and_leaves_one_that_is_there_alone()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        var look = new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()) { LooksOnly = true };
        Assert.Equal(10, await LookAsync());
        Assert.Equal(0, await SlotsAsync(server, set.Table));
        Assert.Equal("0", (await server.RowsAsync("SELECT count(*)::text FROM pg_publication"))[0][0]);

        // A table that has left the publication is a reason for a new slot, but not to who only looks: the run that comes has to find it.
        await using var following = new Following(set.Options);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        await following.DisposeAsync();
        await server.ExecuteAsync($"ALTER PUBLICATION {(await server.RowsAsync("SELECT pubname FROM pg_publication"))[0][0]} DROP TABLE {set.Table}");
        var before = await SlotAsync();
        Assert.Equal(10, await LookAsync());
        Assert.Equal(before, await SlotAsync());

        async Task<string> SlotAsync() =>
            string.Join(' ', (await server.RowsAsync("SELECT slot_name::text, restart_lsn::text, confirmed_flush_lsn::text, (SELECT count(*) FROM pg_publication_tables)::text FROM pg_replication_slots"))[0]);

        async Task<int> LookAsync()
        {
            await using var source = new PostgresSource(set.Options with { MaxSlotBytes = 1 }, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>(), new SourceTuning());
            return (await SourceReader.ReadAsync(source, look, Ct)).Apply().Count;
        }
    }

    [Fact]
    public async Task A_slot_that_holds_back_more_than_it_may_is_dropped_and_the_run_ends()
    {
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        var options = set.Options with { MaxSlotBytes = 1 << 20 };
        await using var first = new Following(options);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.PassAsync(ReadKind.Changes, Ct);
        await first.DisposeAsync();
        Assert.Equal(1, await SlotsAsync(server, set.Table));

        // What is written elsewhere counts as much: the server keeps all of its log.
        await server.ExecuteAsync("CREATE TABLE elsewhere AS SELECT repeat(md5(i::text), 20) t FROM generate_series(1, 5000) i");
        await using var second = new Following(options) { Saved = first.Saved };
        var error = await Assert.ThrowsAsync<PipelineException>(() => second.PassAsync(ReadKind.Changes, Ct));
        Assert.Equal((PostgresErrors.SlotTooLarge, true), (error.Error, error.Error.EndsRun));
        Assert.Equal(0, await SlotsAsync(server, set.Table));

        // The next run says what was lost, and copies everything anew.
        var log = new ListLog<PostgresSource>();
        await set.PutAsync([.. Corpus.Plain(5, seed: 2)], Ct);
        await using var third = new Following(options, log: log) { Saved = first.Saved };
        await third.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains(log.Lines, l => l.Contains("everything is copied anew", StringComparison.Ordinal));
        ContentAssert.Same(Corpus.Plain(5, seed: 2).Concat(Corpus.Plain(10).Skip(5)), third.Held);
        Assert.Equal(1, await SlotsAsync(server, set.Table));
    }

    [Theory]
    [InlineData("sink")]
    [InlineData("copy")]
    public async Task A_slot_that_holds_back_too_much_while_nothing_is_read_on_is_told_and_dropped_at_once(string stands)
    {
        await using var server = await PostgresServer.StartAsync();
        await using var table = await WideTable.MakeAsync(server);
        var tuning = new SourceTuning
        {
            BatchRecords = 10, CopyRecords = 10, SlotLooks = TimeSpan.FromMilliseconds(100), MuchHeldBack = 1 << 20, LongestStall = TimeSpan.FromMilliseconds(200),
        };
        await using var run = new FollowedRun(table.Options() with { MaxSlotBytes = 96 << 20 }, tuning);
        if (stands == "sink")
        {
            // More is to come than fits between the server and the source: the server is waiting to send it.
            await run.SnapshotAsync();
            await table.ChangeALotAsync();
        }

        var stopped = run.Sink.Close();
        run.Start(PipelineMode.Continuous);
        await stopped.WaitAsync(Eventually.Longest, Ct);
        await MoveLogAsync(1);
        await UntilAsync(() => Task.FromResult(run.Log.Lines.Any(l => l.Contains("MiB of the server's log", StringComparison.Ordinal))));
        Assert.Equal(1, await SlotsAsync(server, table.Name));
        await MoveLogAsync(6);
        await UntilAsync(async () => await SlotsAsync(server, table.Name) == 0);
        await UntilAsync(() => Task.FromResult(run.Log.Lines.Any(l => l.Contains("It was dropped", StringComparison.Ordinal))));
        run.Sink.Open();
        Assert.Equal(PostgresErrors.SlotTooLarge.Code, (await run.EndAsync()).Error?.Code);

        // By 16 MiB each time, which nothing has to be written for.
        async Task MoveLogAsync(int times)
        {
            for (; times > 0; times--) await server.ExecuteAsync("CREATE TABLE IF NOT EXISTS elsewhere (n int); INSERT INTO elsewhere VALUES (1); SELECT pg_switch_wal()");
        }

        static async Task UntilAsync(Func<Task<bool>> isSo)
        {
            for (var look = 0; !await isSo(); look++)
            {
                Assert.True(look < 1000, "It did not come to that.");
                await Task.Delay(100, Ct);
            }
        }
    }

    [Fact]
    public async Task A_server_without_logical_log_and_a_user_without_the_right_are_told_what_to_do()
    {
        PipelineException error;
        foreach (var (level, senders) in ((string, int)[])[("replica", 10), ("minimal", 0)])
        {
            await using var server = await PostgresServer.StartAsync($"wal_level={level}", $"max_wal_senders={senders}");
            await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
            error = await RefusedAsync(set.Options);
            Assert.Contains($"wal_level = {level}", error.Message, StringComparison.Ordinal);
            Assert.Contains("ALTER SYSTEM SET wal_level = logical", error.Remedy, StringComparison.Ordinal);
        }

        var logical = await shared.GetAsync();
        await using var other = await PostgresDataSet.SeedAsync(logical, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        var user = "r" + Guid.NewGuid().ToString("N")[..12];
        await logical.ExecuteAsync($"CREATE ROLE {user} LOGIN; GRANT SELECT ON {other.Table} TO {user}");
        Assert.Contains($"ALTER ROLE \"{user}\" REPLICATION", (await RefusedAsync(other.Options with { User = user })).Remedy, StringComparison.Ordinal);

        // Nor may it publish another one's table.
        await logical.ExecuteAsync($"ALTER ROLE {user} REPLICATION");
        error = await RefusedAsync(other.Options with { User = user });
        Assert.Contains("may not make the publication", error.Message, StringComparison.Ordinal);
        Assert.Contains($"CREATE PUBLICATION {other.Table} FOR TABLE public.{other.Table}", error.Remedy, StringComparison.Ordinal);

        // With just what was asked for it goes.
        await logical.ExecuteAsync($"CREATE PUBLICATION {other.Table} FOR TABLE {other.Table}");
        await using (var following = new Following(other.Options with { User = user })) await following.PassAsync(ReadKind.Snapshot, Ct);
        await logical.ExecuteAsync($"DROP OWNED BY {user}; DROP ROLE {user}");
    }

    [Fact]
    public async Task A_table_that_left_the_publication_is_copied_anew_and_not_missed()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(set.Options, log: log);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await server.ExecuteAsync($"ALTER PUBLICATION {set.Table} DROP TABLE {set.Table}");
        await set.PutAsync([.. Corpus.Plain(20).Skip(5)], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains(log.Lines, l => l.Contains($"the publication {set.Table} does not send public.{set.Table}", StringComparison.Ordinal));
        await set.PutAsync([.. Corpus.Plain(30).Skip(20)], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same(Corpus.Plain(30), following.Held);

        // A table that is dropped and made again leaves it, too.
        await server.ExecuteAsync($"CREATE TABLE new_{set.Table} (LIKE {set.Table} INCLUDING ALL); INSERT INTO new_{set.Table} SELECT * FROM {set.Table} LIMIT 0");
        await server.ExecuteAsync($"DROP TABLE {set.Table}; ALTER TABLE new_{set.Table} RENAME TO {set.Table}");
        await set.PutAsync([.. Corpus.Plain(40, seed: 2).Skip(30)], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Equal(Corpus.Plain(40, seed: 2).Skip(30).Select(d => d.Key), following.Held.Keys.Except(Corpus.Plain(30).Select(d => d.Key)).Order(StringComparer.Ordinal));

        await server.ExecuteAsync($"ALTER PUBLICATION {set.Table} SET (publish = 'insert, update')");
        var error = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Changes, Ct));
        Assert.Contains($"ALTER PUBLICATION {set.Table} SET (publish", error.Remedy, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("killed")]
    [InlineData("by hand")]
    [InlineData("moved")]
    [InlineData("published again")]
    public async Task A_slot_that_is_ahead_of_what_is_saved_is_told_and_everything_is_copied_anew(string cause)
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(100)], FollowWay.Changes, Ct);
        await using var first = new Following(set.Options);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.PassAsync(ReadKind.Changes, Ct);
        await first.DisposeAsync();
        await server.ExecuteAsync($"SELECT pg_terminate_backend(active_pid, 60000) FROM pg_replication_slots WHERE slot_name = '{set.Table}' AND active");
        if (cause is "killed" or "by hand") await server.ExecuteAsync($"SELECT pg_drop_replication_slot('{set.Table}')");
        if (cause == "published again") await server.ExecuteAsync($"ALTER PUBLICATION {set.Table} DROP TABLE {set.Table}");
        await set.PutAsync([.. Corpus.Plain(150, seed: 2).Skip(90)], Ct);
        switch (cause)
        {
            case "by hand":
                await server.ExecuteAsync($"SELECT pg_create_logical_replication_slot('{set.Table}', 'pgoutput')");
                break;
            case "moved":
                await server.ExecuteAsync($"SELECT pg_replication_slot_advance('{set.Table}', pg_current_wal_lsn())");
                break;
            default:
                // It plans, which makes a new slot, and is killed before it could save what it has planned.
                await using (var killed = Open(new ListLog<PostgresSource>())) await killed.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 2, first.Saved), Ct);
                break;
        }

        await set.PutAsync([.. Corpus.Plain(160, seed: 3).Skip(140)], Ct);
        var log = new ListLog<PostgresSource>();
        await using var next = new Following(set.Options, log: log) { Saved = first.Saved };
        foreach (var (key, json) in first.Held) next.Held[key] = json;
        await next.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains(log.Lines, l => l.Contains("everything is copied anew", StringComparison.Ordinal));
        ContentAssert.Same(Corpus.Plain(90).Concat(Corpus.Plain(140, seed: 2).Skip(90)).Concat(Corpus.Plain(160, seed: 3).Skip(140)), next.Held);

        // Once that is saved, it goes on from there.
        await next.DisposeAsync();
        await set.PutAsync([.. Corpus.Plain(5, seed: 4)], Ct);
        var after = new ListLog<PostgresSource>();
        await using var last = new Following(set.Options, log: after) { Saved = next.Saved };
        Assert.Equal(5, await last.PassAsync(ReadKind.Changes, Ct));
        Assert.Empty(after.Lines);

        PostgresSource Open(ListLog<PostgresSource> to) => new(set.Options, new RunOptions(), TimeProvider.System, to, new SourceTuning());
    }

    [Fact]
    public async Task A_slot_moves_along_with_what_does_not_concern_it_and_never_ahead_of_what_is_saved()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.Changes, Ct);
        await using var first = new Following(set.Options);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.DisposeAsync();
        var saved = first.Saved;
        for (var run = 0; run < 3; run++)
        {
            var before = await ConfirmedAsync();
            await server.ExecuteAsync("SELECT pg_logical_emit_message(true, 'other', repeat('x', 10000))::text");
            var log = new ListLog<PostgresSource>();
            await using var next = new Following(set.Options, log: log) { Saved = saved };
            Assert.Equal(run == 0 ? 0 : 1, await next.PassAsync(ReadKind.Changes, Ct));
            Assert.Empty(log.Lines);
            for (var look = 0; await ConfirmedAsync() == before; look++)
            {
                Assert.True(look < 3000, "The slot stays where it was.");
                await Task.Delay(20, Ct);
            }

            Assert.True(await ConfirmedAsync() <= SafeIn(next.Saved));
            saved = next.Saved;

            await set.PutAsync([new Document("one", $"{{\"n\":{run}}}")], Ct);
        }

        static ulong SafeIn(IReadOnlyDictionary<PartitionId, Position> positions) =>
            Assert.IsType<LogPosition>(PostgresPosition.Parse(positions.Single(s => s.Key.Value.EndsWith("!log", StringComparison.Ordinal)).Value)).Safe.Lsn;

        async Task<ulong> ConfirmedAsync() => ulong.Parse((await server.RowsAsync($"SELECT (confirmed_flush_lsn - '0/0')::text FROM pg_replication_slots WHERE slot_name = '{set.Table}'"))[0][0]);
    }

    private static Task<long> SlotsAsync(PostgresServer server, string slot) =>
        server.ScalarAsync<long>($"SELECT count(*) FROM pg_replication_slots WHERE slot_name = '{slot}'");

    private static async Task<PipelineException> RefusedAsync(PostgresSourceOptions options)
    {
        await using var following = new Following(options);
        var error = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Snapshot, Ct));
        Assert.Equal(PostgresErrors.CannotReplicate, error.Error);
        return error;
    }
}
