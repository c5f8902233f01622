using EsPipeline.Conformance;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>
/// Answers that are not whole, whatever their status. Only a server before the real one can show most of these; the data behind it is real.
/// </summary>
public sealed class PartialAnswerTests(SharedServers servers)
{
    public static TheoryData<string, string> Faults => new()
    {
        { "timed out", "elasticsearch.partial_answer" },
        { "terminated early", "elasticsearch.partial_answer" },
        { "failed shard", "elasticsearch.partial_answer" },
        { "a shard short", "elasticsearch.partial_answer" },
        { "no shard", "elasticsearch.partial_answer" },
        { "two shards", "elasticsearch.partial_answer" },
        { "cut off", "elasticsearch.bad_answer" },
        { "not JSON", "elasticsearch.bad_answer" },
        { "no hits", "elasticsearch.bad_answer" },
        { "out of order", "elasticsearch.bad_answer" },
        { "torn hit", "elasticsearch.bad_answer" },
        { "too early an end", "elasticsearch.bad_answer" },
        { "429", "elasticsearch.throttled" },
        { "circuit breaker", "elasticsearch.throttled" },
        { "503", "elasticsearch.unavailable" },
        { "shards unavailable", "elasticsearch.unavailable" },
        { "gateway", "elasticsearch.unavailable" },
    };

    [Theory]
    [MemberData(nameof(Faults))]
    public async Task It_is_a_passing_failure_and_never_data(string fault, string code)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 200);
        await using var proxy = new AnswerProxy(index.Server);
        var pages = 0;
        proxy.Change = (path, answer) =>
            path.StartsWith("/_search?", StringComparison.Ordinal) && ++pages is 3 or 4 or 7 ? Damaged(fault, answer) : answer;
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 20);
        var failures = new List<PipelineException>();
        var pass = await source.SnapshotAsync(2, onFailure: e =>
        {
            failures.Add(e);
            return Task.CompletedTask;
        });
        Assert.NotEmpty(failures);
        Assert.All(failures, f => Assert.Equal((code, FailureKind.Transient), (f.Code, f.Kind)));
        Assert.Equal(200, pass.Unique().Records.Count());
        if (fault == "429") Assert.Equal(TimeSpan.FromSeconds(7), failures[0].RetryAfter);
    }

    [Theory]
    [InlineData("/_stats", "elasticsearch.partial_answer")]
    [InlineData("/_refresh", "elasticsearch.partial_answer")]
    [InlineData("aggs", "elasticsearch.partial_answer")]
    [InlineData("/_stats missing", "elasticsearch.unavailable")]
    public async Task A_shard_that_does_not_say_how_far_it_is_is_never_left_out(string where, string code)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), 2);
        await index.PutAsync(0, 10);
        await using var proxy = new AnswerProxy(index.Server);
        var armed = true;
        proxy.Change = (path, answer) =>
        {
            if (!armed) return answer;
            if (where == "/_stats missing" && path.Contains("/_stats", StringComparison.Ordinal))
            {
                return ProxiedAnswer.Json(200, answer.Text.Replace("\"1\":[{", "\"1\":[],\"was1\":[{", StringComparison.Ordinal).Replace("\"was1\"", "\"1\"", StringComparison.Ordinal)
                    .Replace("\"global_checkpoint\":", "\"global_checkpoint\":-2,\"was\":", StringComparison.Ordinal));
            }

            return path.Contains(where == "aggs" ? "_search?allow" : where, StringComparison.Ordinal)
                ? ProxiedAnswer.Json(200, answer.Text.Replace("\"failed\":0", "\"failed\":1", StringComparison.Ordinal).Replace("\"successful\":2", "\"successful\":1", StringComparison.Ordinal))
                : answer;
        };
        await using var source = index.Open(index.Options with { Url = proxy.Address });
        PipelineException? failure = null;
        var pass = await source.SnapshotAsync(onFailure: e =>
        {
            failure = e;
            armed = false;
            return Task.CompletedTask;
        });
        Assert.Equal((code, FailureKind.Transient), (failure?.Code, failure?.Kind));
        Assert.Equal(10, pass.Records.Count());
    }

    [Fact]
    public async Task An_empty_page_in_the_middle_is_not_the_end()
    {
        // Windows of 10 numbers over 3,000 of which only the first and the last few are still there.
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 3000);
        await index.DeleteAsync(Enumerable.Range(5, 2990).Select(TestIndex.IdOf));
        await using var source = index.Open(pageSize: 10);
        var pass = await source.SnapshotAsync();
        Assert.Equal(10, pass.Unique().Records.Count());
        Assert.Contains(pass.Batches.SkipLast(1), b => b.Records.Count == 0);
    }

    [Fact]
    public async Task Documents_without_their_source_are_an_error_for_a_person()
    {
        var server = await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct);
        await using var index = await TestIndex.CreateAsync(server, mappings: """{"_source":{"enabled":false}}""");
        await index.PutAsync(0, 3);
        await using var source = index.Open();
        Assert.Equal("elasticsearch.no_source", (await Health.OfAsync(source)).Problem?.Code);
        var error = await Assert.ThrowsAsync<PipelineException>(() => source.SnapshotAsync());
        Assert.Equal(("elasticsearch.no_source", FailureKind.Environment), (error.Code, error.Kind));
        Assert.Contains(TestIndex.IdOf(0), error.Message, StringComparison.Ordinal);
    }

    private static ProxiedAnswer Damaged(string fault, ProxiedAnswer answer) => fault switch
    {
        "timed out" => Replaced(answer, "\"timed_out\":false", "\"timed_out\":true"),
        "terminated early" => Replaced(answer, "\"timed_out\":false", "\"timed_out\":false,\"terminated_early\":true"),
        "failed shard" => Replaced(answer, "\"successful\":1,\"skipped\":0,\"failed\":0", "\"successful\":0,\"skipped\":0,\"failed\":1,\"failures\":[{\"shard\":0,\"reason\":{\"type\":\"x\",\"reason\":\"disk on fire\"}}]"),
        "a shard short" => Replaced(answer, "\"successful\":1", "\"successful\":0"),
        "no shard" => Replaced(answer, "\"total\":1,\"successful\":1", "\"total\":0,\"successful\":0"),
        "two shards" => Replaced(answer, "\"total\":1,\"successful\":1", "\"total\":2,\"successful\":2"),
        "cut off" => answer with { CutAfter = answer.Body.Length / 2 },
        "not JSON" => ProxiedAnswer.Json(200, "<html>please log in</html>"),
        "no hits" => ProxiedAnswer.Json(200, """{"took":1,"timed_out":false,"_shards":{"total":1,"successful":1,"skipped":0,"failed":0}}"""),
        "out of order" => Replaced(answer, "\"sort\":[", "\"sort\":[0,"),
        "torn hit" => Replaced(answer, "\"_id\":", "\"_id\""),
        "too early an end" => ProxiedAnswer.Json(200, answer.Text[..^20]),
        "429" => ProxiedAnswer.Json(429, """{"error":{"type":"es_rejected_execution_exception","reason":"queue full"},"status":429}""") with { Headers = [("Retry-After", "7")] },
        "circuit breaker" => ProxiedAnswer.Json(429, """{"error":{"root_cause":[{"type":"circuit_breaking_exception","reason":"Data too large"}],"type":"circuit_breaking_exception","reason":"Data too large"},"status":429}"""),
        "503" => ProxiedAnswer.Json(503, """{"error":{"type":"cluster_block_exception","reason":"no master"},"status":503}"""),
        "shards unavailable" => ProxiedAnswer.Json(503, """{"error":{"root_cause":[],"type":"search_phase_execution_exception","reason":"","phase":"query","grouped":true,"failed_shards":[]},"status":503}"""),
        "gateway" => ProxiedAnswer.Json(502, "<html>Bad Gateway</html>"),
        _ => throw new ArgumentException(fault, nameof(fault)),
    };

    private static ProxiedAnswer Replaced(ProxiedAnswer answer, string what, string with)
    {
        Assert.Contains(what, answer.Text, StringComparison.Ordinal);
        return ProxiedAnswer.Json(200, answer.Text.Replace(what, with, StringComparison.Ordinal));
    }
}
