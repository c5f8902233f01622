using EsPipeline.Conformance;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>A document at which an ingest pipeline of a real server fails each time, with a status that says that the server is at fault.</summary>
public sealed class BreakingDocumentTests(SharedServers servers)
{
    [Fact]
    public async Task It_is_set_aside_and_all_others_are_written()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        var pipeline = "_ingest/pipeline/" + target.Name;
        await Api.SendAsync(target.Host, HttpMethod.Put, pipeline, """{"processors":[{"fail":{"if":"ctx.n == 42","message":"no luck"}}]}""");
        using var state = new TemporaryFolder();
        await using var source = new ListSource([.. Corpus.Plain(100)], 10);
        await using var sink = IndexTarget.Open(target.Options with { Pipeline = target.Name });
        var result = await EngineRun.CopyAsync(source, sink, state.Path, Sources.Ct, setup => setup with
        {
            Retry = new RetryOptions(3, TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(1), Forever: false),
        });
        await Api.SendAsync(target.Host, HttpMethod.Delete, pipeline);
        Assert.Equal((RunOutcome.DoneWithDeadLetters, 99L, 1L), (result.Outcome, result.Account.Written, result.Account.DeadLettered));
        var letter = Assert.Single(await File.ReadAllLinesAsync(result.DeadLetterPath, Sources.Ct));
        Assert.Contains("elasticsearch.document_failed", letter, StringComparison.Ordinal);
        Assert.Contains("no luck", letter, StringComparison.Ordinal);
        ContentAssert.Same(Corpus.Plain(100).Where((_, i) => i != 42), await target.ReadAllAsync(Sources.Ct));
    }
}
