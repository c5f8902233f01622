using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Times that are earlier than they should be: those of a clock that was put back, and those that an application took long ago.</summary>
public sealed class ClockTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_the_clock_was_put_back_everything_is_read_again_once_and_nothing_is_missed()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(50)], FollowWay.UpdatedColumn, Ct);
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(set.Options, log: log);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.DoesNotContain(log.Lines, IsToldOfTheClock);

        // As the position is where the clock of the server was an hour ahead before.
        var ahead = TimeProvider.System.GetUtcNow().AddHours(1).ToUnixTimeMilliseconds() * 1000;
        following.Saved = following.Saved.ToDictionary(s => s.Key, s => s.Key.Value.EndsWith("!changes", StringComparison.Ordinal) ? new TimePosition(ahead).ToPosition() : s.Value);
        await set.PutAsync([.. Corpus.Plain(60, seed: 2).Skip(40)], Ct);
        Assert.Equal(60, await UntilHeldAsync(following, Corpus.PlainKey(59)));
        ContentAssert.Same(Corpus.Plain(40).Concat(Corpus.Plain(60, seed: 2).Skip(40)), following.Held);
        Assert.Single(log.Lines, IsToldOfTheClock);

        await set.PutAsync([.. Corpus.Plain(70, seed: 3).Skip(60)], Ct);
        Assert.InRange(await UntilHeldAsync(following, Corpus.PlainKey(69)), 10, 30);
        Assert.Single(log.Lines, IsToldOfTheClock);

        static bool IsToldOfTheClock(string line) => line.Contains("it was put back", StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_time_that_was_taken_long_before_is_not_missed_within_the_overlap()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.UpdatedColumn, Ct);
        await using var following = new Following(set.Options, run: new RunOptions { Overlap = TimeSpan.FromSeconds(4) });
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        await server.ExecuteAsync($"INSERT INTO {set.Table} VALUES ('late', '{{\"n\":1}}', clock_timestamp() - interval '3 s')");
        await set.PutAsync([new Document("last", "{}")], Ct);
        await UntilHeldAsync(following, "last");
        Assert.Contains("late", following.Held.Keys);
    }

    [Fact]
    public async Task Rows_without_a_time_are_told_whenever_there_are_others_than_before()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.UpdatedColumn, Ct);
        await server.ExecuteAsync($"ALTER TABLE {set.Table} ALTER updated DROP NOT NULL; UPDATE {set.Table} SET updated = NULL WHERE id < '{Corpus.PlainKey(3)}'");
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(set.Options, new SourceTuning { HorizonMargin = TimeSpan.Zero, NullTimesLooks = TimeSpan.Zero }, log);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Single(log.Lines, l => l.Contains($"3 rows of public.{set.Table} have no time in 'updated'", StringComparison.Ordinal));
        await server.ExecuteAsync($"UPDATE {set.Table} SET updated = NULL WHERE id < '{Corpus.PlainKey(5)}'");
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Single(log.Lines, l => l.Contains("5 rows of", StringComparison.Ordinal));

        // By default they are counted now and then only, which may read the whole table.
        var seldom = new ListLog<PostgresSource>();
        await using var usual = new Following(set.Options, log: seldom) { Saved = following.Saved };
        await usual.PassAsync(ReadKind.Changes, Ct);
        await server.ExecuteAsync($"UPDATE {set.Table} SET updated = NULL");
        await usual.PassAsync(ReadKind.Changes, Ct);
        Assert.Single(seldom.Lines, l => l.Contains("have no time", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_transaction_that_is_open_for_long_is_told_once_with_its_backend()
    {
        // On a server of its own: there nobody else has one open.
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.UpdatedColumn, Ct);
        await using var holder = await server.Pool.OpenConnectionAsync(Ct);
        await using var transaction = await holder.BeginTransactionAsync(Ct);
        await using (var command = new Npgsql.NpgsqlCommand("SELECT now()", holder, transaction)) await command.ExecuteNonQueryAsync(Ct);
        var log = new ListLog<PostgresSource>();
        var later = new LaterTime();
        await using var following = new Following(set.Options, log: log, time: later);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.DoesNotContain(log.Lines, IsToldOfIt);
        later.By = TimeSpan.FromMinutes(6);
        await following.PassAsync(ReadKind.Changes, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Single(log.Lines, IsToldOfIt);

        bool IsToldOfIt(string line) => line.Contains($"The transaction of backend {holder.ProcessID} is open since", StringComparison.Ordinal);
    }

    /// <summary>The system's clock, put ahead.</summary>
    private sealed class LaterTime : TimeProvider
    {
        public TimeSpan By { get; set; }

        public override DateTimeOffset GetUtcNow() => base.GetUtcNow() + By;
    }

    // The horizon lies before whatever another test has open.
    private static async Task<int> UntilHeldAsync(Following following, string key)
    {
        var records = 0;
        await Eventually.IsAsync(
            async () =>
            {
                records += await following.PassAsync(ReadKind.Changes, Ct);
                return following.Held.ContainsKey(key);
            },
            $"{key} has been read");
        return records;
    }
}
