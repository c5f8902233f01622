using System.Text.RegularExpressions;
using EsPipeline.Conformance;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>A document at which the server fails each time with a status that says that it is the server's fault, as behind a broken ingest processor.</summary>
public sealed class BreakingDocumentTests(SharedServers servers)
{
    [Fact]
    public async Task It_is_set_aside_and_all_others_are_written()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = new AnswerProxy(target.Host);
        var item = new Regex($$"""\{"_id":"{{Regex.Escape(Corpus.PlainKey(42))}}",("result":"\w+",)?"status":\d+\}""", RegexOptions.None, TimeSpan.FromSeconds(10));
        proxy.Change = (path, answer) => path.Contains("/_bulk", StringComparison.Ordinal) && item.IsMatch(answer.Text)
            ? ProxiedAnswer.Json(200, item.Replace(
                answer.Text.Replace("\"errors\":false", "\"errors\":true", StringComparison.Ordinal),
                $$$"""{"_id":"{{{Corpus.PlainKey(42)}}}","status":500,"error":{"type":"fail_processor_exception","reason":"no luck"}}"""))
            : answer;
        using var state = new TemporaryFolder();
        await using var source = new ListSource([.. Corpus.Plain(100)], 10);
        await using var sink = IndexTarget.Open(target.Options with { Url = proxy.Address });
        var result = await EngineRun.CopyAsync(source, sink, state.Path, Sources.Ct, setup => setup with
        {
            Retry = new RetryOptions(3, TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(1), Forever: false),
        });
        Assert.Equal((RunOutcome.DoneWithDeadLetters, 99L, 1L), (result.Outcome, result.Account.Written, result.Account.DeadLettered));
        var letter = Assert.Single(await File.ReadAllLinesAsync(result.DeadLetterPath, Sources.Ct));
        Assert.Contains("elasticsearch.document_failed", letter, StringComparison.Ordinal);
        Assert.Contains("no luck", letter, StringComparison.Ordinal);
    }
}
