using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Users without the privilege monitor, to whom the servers do not say how far a shard is.</summary>
public sealed class ReadOnlyUserTests(SecuredServer secured)
{
    [Fact]
    public async Task An_index_that_no_search_shows_yet_is_not_taken_for_empty()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync(), 2, settings: "\"refresh_interval\":\"-1\"");
        await index.PutAsync(0, 50, refresh: false);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read", "maintenance");
        await using var source = Sources.Open(options, 20);
        Assert.Equal(50, (await source.SnapshotAsync(2)).Unique().Records.Count());
    }

    [Fact]
    public async Task Parts_of_a_shard_come_one_after_the_other_so_that_no_view_waits_for_its_turn()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync(), 3);
        await index.PutAsync(0, 300);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read", "maintenance");
        await using var source = Sources.Open(options, 20);
        var shards = (await source.SnapshotAsync(2)).Unique().Partitions.Select(p => p.Id.Value.Split('/')[0]).ToArray();
        Assert.True(shards.Length > 3, string.Join(' ', shards));
        Assert.Equal(shards.Order(StringComparer.Ordinal), shards);
    }

    [Fact]
    public async Task A_view_that_is_lost_in_one_pass_after_the_other_ends_the_run()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync());
        await index.PutAsync(0, 100);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read", "maintenance");
        await using var source = Sources.Open(options, 20);
        var pass = await LosingAsync(null);
        for (var i = 0; i < 2; i++) pass = await LosingAsync(pass);
        var error = await Assert.ThrowsAsync<PipelineException>(() => LosingAsync(pass));
        Assert.Equal(("elasticsearch.view_never_holds", FailureKind.Environment), (error.Code, error.Kind));
        Assert.Contains("monitor", error.Remedy, StringComparison.Ordinal);

        async Task<Pass> LosingAsync(Pass? before)
        {
            var read = await source.SnapshotAsync(1, before?.Saved, onBatch: async batch =>
            {
                if (batch != 2) return;
                await index.SendAsync(HttpMethod.Post, "/_close");
                await index.SendAsync(HttpMethod.Post, "/_open?wait_for_active_shards=all");
            });
            Assert.True(source.SnapshotContinues);
            return read;
        }
    }
}
