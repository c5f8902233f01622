using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Following a standby, whose own list of transactions has none of its primary's.</summary>
public sealed class StandbyTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_was_open_at_the_primary_for_long_is_not_missed()
    {
        await using var primary = await PostgresServer.StartAsync();
        await using var standby = await primary.StartStandbyAsync();
        await using var set = await PostgresDataSet.SeedAsync(primary, [.. Corpus.Plain(200)], FollowWay.UpdatedColumn, Ct);
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(set.Options with { Port = standby.Port }, log: log);
        await primary.ShownByAsync(standby);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        var commit = await set.BeginPutAsync([new Document("slow", """{"n":1}""")], Ct);
        await set.PutAsync([new Document("quick", """{"n":2}""")], Ct);
        await primary.ShownByAsync(standby);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains("quick", following.Held.Keys);
        await following.PassAsync(ReadKind.Changes, Ct);
        await commit();
        await primary.ShownByAsync(standby);
        await following.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same([.. Corpus.Plain(200), new Document("slow", """{"n":1}"""), new Document("quick", """{"n":2}""")], following.Held);
        Assert.Single(log.Lines, l => l.Contains("standby", StringComparison.Ordinal));
        Assert.Equal(0, await following.PassAsync(ReadKind.Changes, Ct));
    }
}
