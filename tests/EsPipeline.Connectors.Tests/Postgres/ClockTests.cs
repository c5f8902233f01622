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

    // The horizon lies before whatever another test has open.
    private static async Task<int> UntilHeldAsync(Following following, string key)
    {
        var records = 0;
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        limit.CancelAfter(TimeSpan.FromMinutes(1));
        while (!following.Held.ContainsKey(key)) records += await following.PassAsync(ReadKind.Changes, limit.Token);
        return records;
    }
}
