using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What following by sequence numbers promises, on both servers.</summary>
public sealed class FollowTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Inserts_and_updates_come_once_refreshed_or_not(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), 2, settings: "\"refresh_interval\":\"-1\"");
        await index.PutAsync(0, 200, refresh: false);
        await using var source = index.Open(pageSize: 30);
        var pass = await source.SnapshotAsync(3);
        var held = pass.Unique().Apply();
        Assert.Equal(200, held.Count);
        for (var round = 1; round <= 4; round++)
        {
            await index.PutAsync(round * 40, 100, $",\"round\":{round}", refresh: false);
            pass = await source.ChangesAsync(pass.Saved);
            Assert.Equal(100, pass.Unique().Records.Count());
            Assert.All(pass.Partitions, p => Assert.False(p.UniqueKeys));
            held = pass.Apply(held);
        }

        Assert.Equal(260, held.Count);
        Assert.Equal(TestIndex.DocumentOf(130, ",\"round\":3"), held[TestIndex.IdOf(130)]);
        Assert.Empty((await source.ChangesAsync(pass.Saved)).Records);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Changes_are_gone_on_with_at_every_boundary(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        await index.PutAsync(0, 10);
        await using var source = index.Open(pageSize: 15);
        var snapshot = await source.SnapshotAsync();
        await index.PutAsync(5, 100);
        var changes = await source.ChangesAsync(snapshot.Saved);
        Assert.Equal(100, changes.Unique().Records.Count());
        var seen = new List<Got>();
        foreach (var batch in changes.Batches)
        {
            seen.AddRange(batch.Records);
            await using var another = index.Open(pageSize: 10);
            var rest = await another.ChangesAsync(new Dictionary<PartitionId, Position> { [batch.Partition] = batch.End });
            Assert.Equal(100, seen.Select(r => r.Key).Concat(rest.Records.Select(r => r.Key)).Distinct().Count());
            Assert.Equal(100, seen.Count + rest.Records.Count());
        }
    }

    [Fact]
    public async Task What_was_deleted_in_between_leaves_numbers_that_nobody_has_and_does_no_harm()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 500);
        await using var source = index.Open(pageSize: 25);
        var snapshot = await source.SnapshotAsync();
        await index.PutAsync(500, 1000);
        await index.DeleteAsync(Enumerable.Range(0, 1490).Select(TestIndex.IdOf));
        var changes = await source.ChangesAsync(snapshot.Saved);
        Assert.Equal(Enumerable.Range(1490, 10).Select(TestIndex.IdOf), changes.Records.Select(r => r.Key).Order());
        Assert.Empty((await source.ChangesAsync(changes.Saved)).Records);
    }

    [Fact]
    public async Task A_query_applies_to_changes_too_and_times_do_not()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 100);
        await using var source = index.Open();
        var selection = new Selection("""{"range":{"n":{"gte":50}}}""", Since: DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_090));
        var snapshot = await source.SnapshotAsync(selection: selection);
        Assert.Equal(Enumerable.Range(90, 10).Select(TestIndex.IdOf), snapshot.Records.Select(r => r.Key));

        // What was there before and was not selected by its time stays out; what changes comes, whatever its time.
        await index.PutAsync(40, 20);
        var changes = await source.ChangesAsync(snapshot.Saved, selection);
        Assert.Equal(Enumerable.Range(50, 10).Select(TestIndex.IdOf), changes.Records.Select(r => r.Key));
    }

    [Fact]
    public async Task Changes_after_a_selection_begin_where_the_selection_was_read()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), 2);
        await index.PutAsync(0, 300);
        await using var source = index.Open(pageSize: 10);
        var selection = new Selection(Since: DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_200));
        var snapshot = await source.SnapshotAsync(selection: selection, onBatch: async batch =>
        {
            if (batch == 1) await index.PutAsync(1000, 5);
        });
        var changes = await source.ChangesAsync(snapshot.Saved, selection);
        var held = changes.Apply(snapshot.Apply());
        Assert.Equal(105, held.Count);
        Assert.All(Enumerable.Range(1000, 5), i => Assert.Contains(TestIndex.IdOf(i), held));
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task An_index_that_was_made_again_is_read_from_its_start(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        var first = await TestIndex.CreateAsync(server, 2);
        await first.PutAsync(0, 100);
        await using var source = first.Open();
        var snapshot = await source.SnapshotAsync(2);
        var followed = await source.ChangesAsync(snapshot.Saved);
        await first.DisposeAsync();
        await using var second = await TestIndex.CreateAsync(server, 2, name: first.Name);
        await second.PutAsync(50, 100, ",\"again\":true");

        foreach (var saved in (IReadOnlyDictionary<PartitionId, Position>[])[snapshot.Saved, followed.Saved])
        {
            var changes = await source.ChangesAsync(saved);
            Assert.All(changes.Partitions, p => Assert.Contains("made again", p.StartsOverBecause, StringComparison.Ordinal));
            Assert.Equal(100, changes.Unique().Records.Count());
            Assert.Empty((await source.ChangesAsync(changes.Saved)).Records);
        }

        var again = await source.SnapshotAsync(2, snapshot.Saved);
        Assert.All(again.Partitions, p => Assert.Contains("made again", p.StartsOverBecause, StringComparison.Ordinal));
        Assert.Equal(100, again.Unique().Records.Count());
    }

    [Fact]
    public async Task An_index_that_was_restored_from_a_backup_is_read_from_its_start()
    {
        var folder = Directory.CreateTempSubdirectory("espipe-backup-").FullName;
        await using var server = await ElasticsearchServer.StartAsync(ServerKind.Elasticsearch, Sources.Ct, new ServerStart { Settings = [$"path.repo={folder}"] });
        await using var index = await TestIndex.CreateAsync(server);
        await index.PutAsync(0, 100);
        await Api.SendAsync(server, HttpMethod.Put, "_snapshot/backup", $$$"""{"type":"fs","settings":{"location":"{{{folder}}}"}}""");
        await Api.SendAsync(server, HttpMethod.Put, $"_snapshot/backup/one?wait_for_completion=true", $$"""{"indices":"{{index.Name}}"}""");
        await index.PutAsync(100, 50);
        await using var source = index.Open();
        var snapshot = await source.SnapshotAsync();
        Assert.Equal(150, snapshot.Records.Count());

        await index.SendAsync(HttpMethod.Post, "/_close");
        await Api.SendAsync(server, HttpMethod.Post, "_snapshot/backup/one/_restore?wait_for_completion=true", $$"""{"indices":"{{index.Name}}"}""");
        await index.PutAsync(500, 80);
        var changes = await source.ChangesAsync(snapshot.Saved);
        Assert.Contains("restored", Assert.Single(changes.Partitions).StartsOverBecause, StringComparison.Ordinal);
        Assert.Equal(180, changes.Unique().Records.Count());
        Directory.Delete(folder, recursive: true);
    }

    [Fact]
    public async Task A_position_ahead_of_its_shard_is_of_no_use()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 10);
        await using var source = index.Open();
        var changes = await source.ChangesAsync((await source.SnapshotAsync()).Saved);
        var (id, position) = Assert.Single(changes.Saved);
        var ahead = ((FollowPosition)ElasticsearchPosition.Parse(position)) with { After = 10 };
        var again = await source.ChangesAsync(new Dictionary<PartitionId, Position> { [id] = ahead.ToPosition() });
        Assert.Contains("behind", Assert.Single(again.Partitions).StartsOverBecause, StringComparison.Ordinal);
        Assert.Equal(10, again.Records.Count());
    }

    [Fact]
    public async Task A_position_that_it_never_wrote_is_refused()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var source = index.Open();
        var saved = new Dictionary<PartitionId, Position> { [new($"{index.Name}#0")] = new("es1:what") };
        var refused = await Assert.ThrowsAsync<PipelineException>(() => source.ChangesAsync(saved));
        Assert.Equal("checkpoint.bad_position", refused.Code);
    }

    [Fact]
    public async Task Without_anything_saved_changes_are_everything()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), 2);
        await index.PutAsync(0, 120);
        await using var source = index.Open(run: new RunOptions());
        Assert.Equal(120, (await source.ChangesAsync(new Dictionary<PartitionId, Position>())).Unique().Records.Count());
    }
}
