using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Aliases that are written to, when they roll over or are moved.</summary>
public sealed class WriteAliasTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_delete_finds_the_document_in_the_index_before_the_rollover(ServerKind kind)
    {
        await using var target = new IndexTarget(await servers.OfAsync(kind, Sources.Ct));
        var (alias, next) = ($"alias-{Guid.NewGuid():n}", target.Name + "-2");
        var log = new ListLog<ElasticsearchSink>();
        await using var sink = await OpenAsync(target, alias, log);
        Assert.Equal(10, (await sink.WriteAsync(Corpus.Plain(10))).Written);
        await Api.SendAsync(target.Host, HttpMethod.Post, $"{alias}/_rollover/{next}");
        try
        {
            await sink.BeginPassAsync(ReadKind.Changes, uniqueKeys: false, Sources.Ct);
            Assert.Contains(log.Lines, l => l.Contains(next, StringComparison.Ordinal) && l.Contains(target.Name, StringComparison.Ordinal));

            // What is new goes into the new index, and the run goes on.
            Assert.Equal(1, (await sink.WriteAsync(new Document("new", "{}"))).Written);
            foreach (var (key, written) in new[] { (Corpus.PlainKey(3), 1), ("new", 1), ("never-there", 0), (Corpus.PlainKey(3), 0) })
            {
                var result = await sink.WriteAsync(key, null, 0);
                Assert.Empty(result.Failures);
                Assert.Equal((key, written, 1 - written), (key, result.Written, result.Unchanged));
            }

            await Api.SendAsync(target.Host, HttpMethod.Post, $"{alias}/_refresh");
            Assert.Equal(9, (await Api.SendAsync(target.Host, HttpMethod.Get, $"{alias}/_count")).GetProperty("count").GetInt32());
            ContentAssert.Same([.. Corpus.Plain(10).Where((_, i) => i != 3)], await target.ReadAllAsync(Sources.Ct));

            // Where it can't be deleted there, that is said of the documents that are there, and of no others.
            await Api.SendAsync(target.Host, HttpMethod.Put, $"{target.Name}/_settings", """{"index.blocks.write":true}""");
            Assert.Equal(ElasticsearchErrors.BlockedBehind, Assert.Single((await sink.WriteAsync(Corpus.PlainKey(4), null, 0)).Failures).Error);
            var gone = await sink.WriteAsync("never-there", null, 0);
            Assert.Equal((0, 0, 1), (gone.Failures.Count, gone.Written, gone.Unchanged));
        }
        finally
        {
            await Api.SendAsync(target.Host, HttpMethod.Delete, next);
        }
    }

    [Fact]
    public async Task A_rollover_is_seen_at_the_first_delete_that_comes_after_it()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        var (alias, next) = ($"alias-{Guid.NewGuid():n}", target.Name + "-2");
        await using var sink = await OpenAsync(target, alias, new ListLog<ElasticsearchSink>());
        await sink.WriteAsync(Corpus.Plain(10));
        await Api.SendAsync(target.Host, HttpMethod.Post, $"{alias}/_rollover/{next}");
        try
        {
            var result = await sink.WriteAsync(Corpus.PlainKey(3), null, 0);
            Assert.Equal((0, 1, 0), (result.Failures.Count, result.Written, result.Unchanged));
        }
        finally
        {
            await Api.SendAsync(target.Host, HttpMethod.Delete, next);
        }
    }

    [Fact]
    public async Task One_that_is_moved_while_everything_is_copied_ends_the_run_and_later_it_is_told()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var other = new IndexTarget(target.Host);
        var alias = $"alias-{Guid.NewGuid():n}";
        await Api.SendAsync(target.Host, HttpMethod.Put, other.Name, $"{{\"mappings\":{IndexTarget.Mapping}}}");
        var log = new ListLog<ElasticsearchSink>();
        await using var sink = await OpenAsync(target, alias, log);
        await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: true, Sources.Ct);
        await sink.WriteAsync(Corpus.Plain(3));
        await Api.SendAsync(target.Host, HttpMethod.Post, "_aliases", $$$"""
            {"actions":[{"remove":{"index":"{{{target.Name}}}","alias":"{{{alias}}}"}},{"add":{"index":"{{{other.Name}}}","alias":"{{{alias}}}"}}]}
            """);
        Assert.Equal(ElasticsearchErrors.IndexReplaced, (await Assert.ThrowsAsync<PipelineException>(() => sink.CompleteAsync(Sources.Ct))).Error);
        Assert.Empty(log.Lines);
        await sink.BeginPassAsync(ReadKind.Changes, uniqueKeys: false, Sources.Ct);
        Assert.Single(log.Lines, l => l.Contains(other.Name, StringComparison.Ordinal));
        Assert.Equal(1, (await sink.WriteAsync(new Document("later", "{}"))).Written);
        ContentAssert.Same([new Document("later", "{}")], await other.ReadAllAsync(Sources.Ct));
    }

    [Fact]
    public async Task One_that_was_moved_before_a_snapshot_is_gone_on_with_is_refused_until_it_is_begun_anew()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var other = new IndexTarget(target.Host);
        await Api.SendAsync(target.Host, HttpMethod.Put, other.Name, $"{{\"mappings\":{IndexTarget.Mapping}}}");
        using var state = new TemporaryFolder();
        var alias = await BreakOffAsync(target, state.Path);
        await Api.SendAsync(target.Host, HttpMethod.Post, "_aliases", $$$"""
            {"actions":[{"remove":{"index":"{{{target.Name}}}","alias":"{{{alias}}}"}},{"add":{"index":"{{{other.Name}}}","alias":"{{{alias}}}"}}]}
            """);
        foreach (var _ in (int[])[1, 2])
        {
            var refused = await GoOnAsync(target, alias, state.Path);
            Assert.Equal((ElasticsearchErrors.IndexReplaced, 0L), (refused.Error?.Error, refused.Account.Read));
            Assert.Contains(target.Name, refused.Error!.Message, StringComparison.Ordinal);
        }

        Assert.Empty(await other.ReadAllAsync(Sources.Ct));
        await using (var job = await new FileStateStore(state.Path, TimeProvider.System).OpenAsync("test", Sources.Ct)) await job.ResetAsync(Sources.Ct);
        Assert.Equal(RunOutcome.Done, (await GoOnAsync(target, alias, state.Path)).Outcome);
        ContentAssert.Same(Corpus.Plain(100), await other.ReadAllAsync(Sources.Ct));
    }

    [Fact]
    public async Task Of_a_snapshot_that_is_complete_the_index_may_be_deleted_and_another_snapshot_made()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        using var state = new TemporaryFolder();
        var (alias, next) = (await BreakOffAsync(target, state.Path), target.Name + "-2");
        var note = new Note();
        await using (var sink = IndexTarget.Open(target.Options with { Index = alias, MappingFile = "" }))
        {
            sink.Recall(note);
            await sink.PrepareAsync(SourceSchema.Unknown, Sources.Ct);
            await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: true, Sources.Ct);
            Assert.Contains(target.Name, note.Text, StringComparison.Ordinal);
            await sink.BeginPassAsync(ReadKind.Changes, uniqueKeys: true, Sources.Ct);
        }

        await Api.SendAsync(target.Host, HttpMethod.Post, $"{alias}/_rollover/{next}");
        await Api.SendAsync(target.Host, HttpMethod.Delete, target.Name);
        await using var later = IndexTarget.Open(target.Options with { Index = alias, MappingFile = "" });
        later.Recall(note);
        await later.PrepareAsync(SourceSchema.Unknown, Sources.Ct);
        await later.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: true, Sources.Ct);
        Assert.Contains(next, note.Text, StringComparison.Ordinal);
        await Api.SendAsync(target.Host, HttpMethod.Delete, next);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_snapshot_is_gone_on_with_behind_a_rollover_and_where_its_index_was_not_noted_yet(bool rollsOver)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        using var state = new TemporaryFolder();
        var (alias, next) = (await BreakOffAsync(target, state.Path), target.Name + "-2");
        await using (var job = await new FileStateStore(state.Path, TimeProvider.System).OpenAsync("test", Sources.Ct))
        {
            var saved = (await job.LoadAsync(Sources.Ct))!;
            Assert.Contains(target.Name, saved.SinkNote, StringComparison.Ordinal);
            if (!rollsOver) await job.SaveAsync(saved with { SinkNote = null }, Sources.Ct);
        }

        if (rollsOver) await Api.SendAsync(target.Host, HttpMethod.Post, $"{alias}/_rollover/{next}");
        Assert.Equal(RunOutcome.Done, (await GoOnAsync(target, alias, state.Path)).Outcome);
        await Api.SendAsync(target.Host, HttpMethod.Post, $"{alias}/_refresh");

        // What was written and not saved when it was broken off is written again, into the index that is written to by then.
        var hits = (await Api.SendAsync(target.Host, HttpMethod.Get, $"{alias}/_search?size=1000&_source=false")).GetProperty("hits").GetProperty("hits");
        Assert.Equal(Corpus.Plain(100).Select(d => d.Key).Order(), hits.EnumerateArray().Select(h => h.GetProperty("_id").GetString()!).Distinct().Order());
        if (rollsOver) await Api.SendAsync(target.Host, HttpMethod.Delete, next);
    }

    // A run that ends in its middle, with an alias of the index.
    private static async Task<string> BreakOffAsync(IndexTarget target, string state)
    {
        var alias = $"alias-{Guid.NewGuid():n}";
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name, $$$$"""{"mappings":{{{{IndexTarget.Mapping}}}},"aliases":{"{{{{alias}}}}":{"is_write_index":true}}}""");
        await using var sink = IndexTarget.Open(target.Options with { Index = alias, MappingFile = "" });
        await using var source = new ListSource([.. Corpus.Plain(100)], 10)
        {
            BeforeBatch = async at =>
            {
                while (at == 50 && (await target.ReadAllAsync(Sources.Ct)).Count == 0) await Task.Yield();
                if (at == 50) throw new InvalidOperationException("Broken off.");
            },
        };
        var result = await EngineRun.CopyAsync(source, sink, state, Sources.Ct);
        Assert.Equal(RunOutcome.Failed, result.Outcome);
        return alias;
    }

    private static async Task<RunResult> GoOnAsync(IndexTarget target, string alias, string state)
    {
        await using var sink = IndexTarget.Open(target.Options with { Index = alias, MappingFile = "" });
        await using var source = new ListSource([.. Corpus.Plain(100)], 10);
        return await EngineRun.CopyAsync(source, sink, state, Sources.Ct);
    }

    private static async Task<ElasticsearchSink> OpenAsync(IndexTarget target, string alias, ListLog<ElasticsearchSink> log)
    {
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name, $$$$"""{"mappings":{{{{IndexTarget.Mapping}}}},"aliases":{"{{{{alias}}}}":{"is_write_index":true}}}""");
        var sink = IndexTarget.Open(target.Options with { Index = alias, MappingFile = "" }, log: log);
        await sink.PrepareAsync(SourceSchema.Unknown, Sources.Ct);
        return sink;
    }

    private sealed class Note : ISinkNote
    {
        public string? Text { get; private set; }

        public Task KeepAsync(string text, CancellationToken ct)
        {
            Text = text;
            return Task.CompletedTask;
        }
    }
}
