using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Aliases that are moved to another index while they are read: the searches that follow find nothing of the first one, and say no word of it.</summary>
public sealed class AliasMoveTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch, 3, false)]
    [InlineData(ServerKind.Elasticsearch, 3, true)]
    [InlineData(ServerKind.Elasticsearch, 1, false)]
    [InlineData(ServerKind.Elasticsearch, 1, true)]
    [InlineData(ServerKind.OpenSearch, 3, true)]
    [InlineData(ServerKind.OpenSearch, 1, false)]
    public async Task A_snapshot_begins_anew_with_what_the_alias_means_now(ServerKind kind, int shards, bool deleted)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        await using var old = await TestIndex.CreateAsync(server, 3);
        await using var renewed = await TestIndex.CreateAsync(server, shards);
        var alias = $"alias-{Guid.NewGuid():n}";
        await old.PutAsync(0, 300);
        await renewed.PutAsync(0, 350, ",\"renewed\":true");
        await MoveAsync(null, old, alias);
        var log = new ListLog<ElasticsearchSource>();
        await using var source = old.Open(old.Options with { Index = alias }, 20, log: log);
        var (last, held, _) = await source.WholeSnapshotAsync(onBatch: async batch =>
        {
            // In the middle of the first shard; views of the others are not open yet.
            if (batch != 2) return;
            await MoveAsync(old, renewed, alias);
            if (deleted) await old.DisposeAsync();
        });
        Assert.Equal(Enumerable.Range(0, 350).ToDictionary(TestIndex.IdOf, i => TestIndex.DocumentOf(i, ",\"renewed\":true")), held);
        Assert.All(last.Partitions, p => Assert.StartsWith(renewed.Name, p.Id.Value, StringComparison.Ordinal));
        Assert.Single(log.Lines, l => l.Contains($"{old.Name} is no longer behind {alias}", StringComparison.Ordinal));
        Assert.Empty((await source.ChangesAsync(last.Saved)).Records);
    }

    [Fact]
    public async Task Changes_that_could_not_be_looked_for_are_not_taken_for_read()
    {
        var server = await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct);
        await using var old = await TestIndex.CreateAsync(server, 2);
        await using var renewed = await TestIndex.CreateAsync(server, 2);
        var alias = $"alias-{Guid.NewGuid():n}";
        await old.PutAsync(0, 100);
        await MoveAsync(null, old, alias);
        await using var source = old.Open(old.Options with { Index = alias }, 10);
        var snapshot = await source.SnapshotAsync();
        await old.PutAsync(0, 100, ",\"v\":2");
        var pass = await source.ChangesAsync(snapshot.Saved, onBatch: async batch =>
        {
            if (batch == 2) await MoveAsync(old, renewed, alias);
        });
        Assert.InRange(pass.Records.Count(), 20, 50);

        // Moved back, before anybody has planned anew: what is left is still to be read.
        await MoveAsync(renewed, old, alias);
        var rest = await source.ChangesAsync(pass.Saved);
        Assert.Equal(100, pass.Records.Concat(rest.Records).Select(r => r.Key).Distinct().Count());
    }

    [Fact]
    public async Task An_output_that_is_not_written_by_key_begins_anew_too()
    {
        var server = await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct);
        await using var old = await TestIndex.CreateAsync(server);
        await using var renewed = await TestIndex.CreateAsync(server);
        var alias = $"alias-{Guid.NewGuid():n}";
        await old.PutAsync(0, 50);
        await renewed.PutAsync(0, 50);
        await MoveAsync(null, old, alias);
        await using var source = old.Open(old.Options with { Index = alias }, 10);
        var pass = await source.SnapshotAsync(onBatch: async batch =>
        {
            if (batch == 2) await MoveAsync(old, renewed, alias);
        });
        Assert.True(source.SnapshotContinues);
        var again = await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, pass.Saved), Sources.Ct);
        Assert.All(again, p => Assert.Contains("moved", p.StartsOverBecause, StringComparison.Ordinal));
    }

    private static async Task MoveAsync(TestIndex? from, TestIndex to, string alias)
    {
        var remove = from is null ? "" : $$$"""{"remove":{"index":"{{{from.Name}}}","alias":"{{{alias}}}"}},""";
        await Api.SendAsync(to.Server, HttpMethod.Post, "_aliases", $$$"""{"actions":[{{{remove}}}{"add":{"index":"{{{to.Name}}}","alias":"{{{alias}}}"}}]}""");
    }
}
