using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

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

    private static async Task<ElasticsearchSink> OpenAsync(IndexTarget target, string alias, ListLog<ElasticsearchSink> log)
    {
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name, $$$$"""{"mappings":{{{{IndexTarget.Mapping}}}},"aliases":{"{{{{alias}}}}":{"is_write_index":true}}}""");
        var sink = IndexTarget.Open(target.Options with { Index = alias, MappingFile = "" }, log: log);
        await sink.PrepareAsync(SourceSchema.Unknown, Sources.Ct);
        return sink;
    }
}
