using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Settings that are relaxed and given back, an index that goes missing, and when a search shows what was written.</summary>
public sealed class BulkLoadTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch, "\"2\"", "\"7s\"")]
    [InlineData(ServerKind.OpenSearch, "\"2\"", "null")]
    public async Task Replicas_and_refreshing_are_taken_away_for_the_snapshot_and_given_back_after_it(ServerKind kind, string replicas, string interval)
    {
        await using var target = await TargetAsync(kind, replicas, interval);
        await using var sink = await target.ReadyAsync(target.Options with { BulkLoad = true });
        Assert.Equal(("0", "-1"), await SettingsAsync(target));
        await sink.WriteAsync(Corpus.Plain(10));
        await sink.CompleteAsync(Sources.Ct);
        await IsAsBeforeAsync(target, replicas, interval);
        Assert.Equal(10, (await Api.SendAsync(target.Host, HttpMethod.Get, target.Name + "/_count")).GetProperty("count").GetInt32());

        // Changes are never bulk.
        await using var changes = await target.ReadyAsync(target.Options with { BulkLoad = true }, ReadKind.Changes);
        await IsAsBeforeAsync(target, replicas, interval);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_killed_run_has_taken_away_the_next_one_gives_back(bool goesOn)
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch, "\"2\"", "\"7s\"");

        // Not disposed: as if it had been killed.
        var killed = await target.ReadyAsync(target.Options with { BulkLoad = true });
        Assert.Equal(("0", "-1"), await SettingsAsync(target));
        await using var next = await target.ReadyAsync(target.Options with { BulkLoad = goesOn });
        if (goesOn)
        {
            Assert.Equal(("0", "-1"), await SettingsAsync(target));
            await next.CompleteAsync(Sources.Ct);
        }

        await IsAsBeforeAsync(target, "\"2\"", "\"7s\"");
        await killed.DisposeAsync();
        await IsAsBeforeAsync(target, "\"2\"", "\"7s\"");
    }

    [Fact]
    public async Task A_run_that_is_stopped_gives_back_what_it_has_taken_away()
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch, "\"2\"", "\"7s\"");
        await using (await target.ReadyAsync(target.Options with { BulkLoad = true })) Assert.Equal(("0", "-1"), await SettingsAsync(target));
        await IsAsBeforeAsync(target, "\"2\"", "\"7s\"");
    }

    [Theory]
    [InlineData(RefreshTime.Interval, 0)]
    [InlineData(RefreshTime.Now, 5)]
    public async Task A_search_shows_what_was_written_when_it_is_asked_to(RefreshTime refresh, int shown)
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch, "\"0\"", "\"-1\"");
        await using var sink = await target.ReadyAsync(target.Options with { Refresh = refresh });
        await sink.WriteAsync(Corpus.Plain(5));
        Assert.Equal(shown, (await Api.SendAsync(target.Host, HttpMethod.Get, target.Name + "/_count")).GetProperty("count").GetInt32());
    }

    [Fact]
    public async Task A_pipeline_changes_what_is_written()
    {
        await using var target = await TargetAsync(ServerKind.OpenSearch, "\"0\"", "\"1s\"");
        var name = $"pipe {Guid.NewGuid():n}/x";
        await Api.SendAsync(target.Host, HttpMethod.Put, "_ingest/pipeline/" + Uri.EscapeDataString(name), """{"processors":[]}""");
        await using var sink = await target.ReadyAsync(target.Options with { Pipeline = name });
        Assert.Equal(1, (await sink.WriteAsync(new Document("a", """{"a":1}"""))).Written);
        await Api.SendAsync(target.Host, HttpMethod.Delete, "_ingest/pipeline/" + Uri.EscapeDataString(name));
        var failure = Assert.Single((await sink.WriteAsync(new Document("a", """{"a":1}"""))).Failures);
        Assert.Equal(ElasticsearchErrors.PipelineMissing, failure.Error);
    }

    [Fact]
    public async Task An_index_that_was_lost_while_its_positions_were_kept_is_told_before_anything_is_written()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        using var state = new TemporaryFolder();
        Document[] documents = [.. Corpus.Plain(100)];
        Assert.Equal(RunOutcome.Done, (await CopyAsync()).Outcome);
        Assert.Equal(RunOutcome.Done, (await CopyAsync()).Outcome);

        await Api.SendAsync(target.Host, HttpMethod.Delete, target.Name);
        foreach (var now in (string[])[$"none, since there is no index {target.Name}", "-"])
        {
            var lost = await CopyAsync();
            Assert.Equal("checkpoint.job_changed", lost.Error?.Code);
            Assert.Contains("sink.index-uuid was '", lost.Error!.Message, StringComparison.Ordinal);
            if (now != "-") Assert.Contains(now, lost.Error.Message, StringComparison.Ordinal);

            // And the same when somebody has made it again.
            if (now != "-") await Api.SendAsync(target.Host, HttpMethod.Put, target.Name);
        }

        Assert.Empty(await target.ReadAllAsync(Sources.Ct));

        async Task<RunResult> CopyAsync()
        {
            await using var source = new ListSource(documents, 10);
            await using var sink = IndexTarget.Open(target.Options);
            return await EngineRun.CopyAsync(source, sink, state.Path, Sources.Ct);
        }
    }

    private static async Task<(string Replicas, string? Interval)> SettingsAsync(IndexTarget target)
    {
        var index = (await Api.SendAsync(target.Host, HttpMethod.Get, target.Name)).GetProperty(target.Name).GetProperty("settings").GetProperty("index");
        return (index.GetProperty("number_of_replicas").GetString()!, index.TryGetProperty("refresh_interval", out var interval) ? interval.GetString() : null);
    }

    private static async Task IsAsBeforeAsync(IndexTarget target, string replicas, string interval)
    {
        Assert.Equal((replicas.Trim('"'), interval == "null" ? null : interval.Trim('"')), await SettingsAsync(target));
        var meta = (await Api.SendAsync(target.Host, HttpMethod.Get, target.Name)).GetProperty(target.Name).GetProperty("mappings").GetProperty("_meta");
        Assert.Equal("""{"owner":"somebody"}""", meta.GetRawText());
    }

    private async Task<IndexTarget> TargetAsync(ServerKind kind, string replicas, string interval)
    {
        var target = new IndexTarget(await servers.OfAsync(kind, Sources.Ct));
        var mapping = IndexTarget.Mapping[..^1] + ""","_meta":{"owner":"somebody"}}""";
        await Api.SendAsync(
            target.Host, HttpMethod.Put, target.Name, $"{{\"mappings\":{mapping},\"settings\":{{\"number_of_replicas\":{replicas},\"refresh_interval\":{interval}}}}}");
        return target;
    }
}
