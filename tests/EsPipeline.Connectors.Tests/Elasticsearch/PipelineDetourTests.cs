using System.Text.RegularExpressions;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What ingest pipelines do with documents besides changing them, to which the servers answer as if they had been written.</summary>
public sealed class PipelineDetourTests(SharedServers servers)
{
    private const string Dropped = "\"result\":\"noop\",\"status\":200";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Documents_that_it_drops_are_not_counted_as_written_and_told_with_their_number(bool named)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.OpenSearch, Sources.Ct));
        var pipeline = await PipelineAsync(target, named);
        await using var proxy = new AnswerProxy(target.Host)
        {
            Change = (path, answer) => path.Contains("/_bulk", StringComparison.Ordinal)
                ? ProxiedAnswer.Json(200, Regex.Replace(answer.Text, $"(\"_id\":\"({Corpus.PlainKey(1)}|{Corpus.PlainKey(3)})\",)\"result\":\"created\",\"status\":201", $"$1{Dropped}", RegexOptions.None, TimeSpan.FromSeconds(5)))
                : answer,
        };
        var log = new ListLog<ElasticsearchSink>();
        await using (var sink = IndexTarget.Open(target.Options with { Url = proxy.Address, Pipeline = pipeline }, log: log))
        {
            await sink.PrepareAsync(target.Schema, Sources.Ct);
            var result = await sink.WriteAsync(Corpus.Plain(6));
            Assert.Equal((4, 2, 0), (result.Written, result.Unchanged, result.Failures.Count));
            Assert.DoesNotContain(log.Lines, l => l.Contains("dropped", StringComparison.Ordinal));
            await sink.CompleteAsync(Sources.Ct);
        }

        var line = Assert.Single(log.Lines, l => l.Contains("dropped", StringComparison.Ordinal));
        Assert.Contains("has dropped 2 documents", line, StringComparison.Ordinal);
        if (named) Assert.Contains(pipeline, line, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Documents_that_it_sends_to_another_index_are_told_once()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.OpenSearch, Sources.Ct));
        var pipeline = await PipelineAsync(target, named: true);
        await using var proxy = new AnswerProxy(target.Host)
        {
            Change = (path, answer) => path.Contains("/_bulk", StringComparison.Ordinal)
                ? ProxiedAnswer.Json(200, Regex.Replace(answer.Text, $"\"_index\":\"[^\"]+\",\"_id\":\"{Corpus.PlainKey(1)}\"", $"\"_index\":\"elsewhere\",\"_id\":\"{Corpus.PlainKey(1)}\"", RegexOptions.None, TimeSpan.FromSeconds(5)))
                : answer,
        };
        var log = new ListLog<ElasticsearchSink>();
        await using var sink = IndexTarget.Open(target.Options with { Url = proxy.Address, Pipeline = pipeline }, log: log);
        await sink.PrepareAsync(target.Schema, Sources.Ct);
        for (var i = 0; i < 2; i++) Assert.Equal(3, (await sink.WriteAsync(Corpus.Plain(3))).Written);
        var line = Assert.Single(log.Lines, l => l.Contains("elsewhere", StringComparison.Ordinal));
        Assert.Contains($"{pipeline} has documents written to elsewhere instead of {target.Name}", line, StringComparison.Ordinal);
    }

    private static async Task<string> PipelineAsync(IndexTarget target, bool named)
    {
        if (!named) return "";
        var name = $"detour-{Guid.NewGuid():n}";
        await Api.SendAsync(target.Host, HttpMethod.Put, "_ingest/pipeline/" + name, """{"processors":[]}""");
        return name;
    }
}
