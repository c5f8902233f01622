using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Answers to <c>_bulk</c> that a real server can't be made to give; the documents behind them are real.</summary>
public sealed class BulkAnswerTests(SharedServers servers)
{
    [Theory]
    [InlineData("fewer items")]
    [InlineData("fewer items and an error")]
    [InlineData("more items and an error")]
    [InlineData("another order and an error")]
    [InlineData("no status and an error")]
    [InlineData("cut off")]
    [InlineData("cut off and an error")]
    [InlineData("not JSON")]
    [InlineData("no flag")]
    [InlineData("empty")]
    public async Task One_that_is_not_whole_is_a_passing_failure_and_never_success(string damage)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = new AnswerProxy(target.Host);
        var damaged = 0;
        proxy.Change = (path, answer) => path.Contains("/_bulk", StringComparison.Ordinal) && damaged++ == 0 ? ProxiedAnswer.Json(200, Damaged(damage, answer.Text)) : answer;
        await using var sink = await target.ReadyAsync(target.Options with { Url = proxy.Address });
        Document[] documents = [.. Corpus.Plain(4)];
        var failure = await sink.FailsAsync(documents);
        Assert.Equal(("elasticsearch.bad_answer", FailureKind.Transient), (failure.Code, failure.Kind));
        Assert.Equal(4, (await sink.WriteAsync(documents)).Written);
        ContentAssert.Same(documents, await target.ReadAllAsync(Sources.Ct));
    }

    [Theory]
    [InlineData(429, "es_rejected_execution_exception", "elasticsearch.throttled", FailureKind.Transient)]
    [InlineData(503, "unavailable_shards_exception", "elasticsearch.unavailable", FailureKind.Transient)]
    [InlineData(500, "node_closed_exception", "elasticsearch.unavailable", FailureKind.Transient)]
    [InlineData(500, "fail_processor_exception", "elasticsearch.document_failed", FailureKind.Transient)]
    [InlineData(503, "cluster_block_exception", "elasticsearch.unavailable", FailureKind.Transient)]
    [InlineData(429, "cluster_block_exception", "elasticsearch.blocked", FailureKind.Environment)]
    [InlineData(409, "version_conflict_engine_exception", "elasticsearch.conflict", FailureKind.Transient)]
    [InlineData(404, "index_not_found_exception", "elasticsearch.index_not_found", FailureKind.Environment)]
    [InlineData(400, "index_closed_exception", "elasticsearch.index_closed", FailureKind.Environment)]
    [InlineData(403, "security_exception", "elasticsearch.forbidden", FailureKind.Environment)]
    [InlineData(401, "security_exception", "elasticsearch.auth", FailureKind.Environment)]
    [InlineData(400, "strict_dynamic_mapping_exception", "elasticsearch.document_refused", FailureKind.Permanent)]
    [InlineData(413, "", "elasticsearch.document_refused", FailureKind.Permanent)]
    public async Task A_failed_item_in_an_answer_of_200_fails_that_record_only(int status, string type, string code, FailureKind kind)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = new AnswerProxy(target.Host);
        proxy.Change = (path, answer) => path.Contains("/_bulk", StringComparison.Ordinal)
            ? ProxiedAnswer.Json(200, answer.Text
                .Replace("\"errors\":false", "\"errors\":true", StringComparison.Ordinal)
                .Replace(Item(1, 201), Item(1, status).Replace("}}", $$$""","error":{"type":"{{{type}}}","reason":"so the server says","caused_by":{"type":"x","reason":"and why" } } } }""", StringComparison.Ordinal), StringComparison.Ordinal))
            : answer;
        await using var sink = await target.ReadyAsync(target.Options with { Url = proxy.Address });
        var result = await sink.WriteAsync(Corpus.Plain(3));
        var failure = Assert.Single(result.Failures);
        Assert.Equal((1, code, kind), (failure.Index, failure.Error.Code, failure.Error.Kind));
        Assert.Equal((2, 0), (result.Written, result.Unchanged));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_pipeline_that_sets_other_ids_ends_the_run_and_is_named(bool withError)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.OpenSearch, Sources.Ct));
        var name = $"ids-{Guid.NewGuid():n}";
        await Api.SendAsync(target.Host, HttpMethod.Put, "_ingest/pipeline/" + name, """{"processors":[]}""");
        await using var proxy = new AnswerProxy(target.Host);
        proxy.Change = (path, answer) => path.Contains("/_bulk", StringComparison.Ordinal)
            ? ProxiedAnswer.Json(200, answer.Text
                .Replace($"\"_id\":\"{Corpus.PlainKey(1)}\"", "\"_id\":\"another\"", StringComparison.Ordinal)
                .Replace("\"errors\":false", withError ? "\"errors\":true" : "\"errors\":false", StringComparison.Ordinal))
            : answer;
        await using var sink = await target.ReadyAsync(target.Options with { Url = proxy.Address, Pipeline = name });
        var failure = await sink.FailsAsync(Corpus.Plain(3));
        Assert.Equal((ElasticsearchErrors.PipelineChangesId, FailureKind.Environment), (failure.Error, failure.Kind));
        Assert.Contains($"'{name}'", failure.Message, StringComparison.Ordinal);
        await Api.SendAsync(target.Host, HttpMethod.Delete, "_ingest/pipeline/" + name);
    }

    [Fact]
    public async Task A_refusal_that_is_not_the_servers_own_blames_no_document()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        var refuses = true;
        await using var proxy = new AnswerProxy(target.Host)
        {
            Instead = (_, path, _) => refuses && path.Contains("/_bulk", StringComparison.Ordinal) ? new ProxiedAnswer(400, "<html><h1>400 Bad Request</h1></html>"u8.ToArray()) : null,
        };
        await using var sink = await target.ReadyAsync(target.Options with { Url = proxy.Address });
        var failure = await sink.FailsAsync(Corpus.Plain(3));
        Assert.Equal(("elasticsearch.bad_answer", FailureKind.Transient), (failure.Code, failure.Kind));
        Assert.Contains("400", failure.Message, StringComparison.Ordinal);
        refuses = false;
        Assert.Equal(3, (await sink.WriteAsync(Corpus.Plain(3))).Written);
    }

    [Fact]
    public async Task What_a_proxy_takes_for_too_large_is_halved_and_not_tried_again_in_that_size()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = new AnswerProxy(target.Host) { Instead = (_, path, body) => path.Contains("/_bulk", StringComparison.Ordinal) && body.Length > 150_000 ? new ProxiedAnswer(413, "<html>413"u8.ToArray()) : null };
        await using var sink = await target.ReadyAsync(target.Options with { Url = proxy.Address });
        Document[] documents = [.. Enumerable.Range(0, 40).Select(i => Corpus.OfBytes($"large-{i}", 10_000))];
        Assert.Equal(40, (await sink.WriteAsync(documents)).Written);
        var refused = proxy.Requests.Count(r => r.Body.Length > 150_000);
        Assert.Equal(3, refused);
        Assert.Equal(40, (await sink.WriteAsync(documents)).Written);
        Assert.Equal(refused, proxy.Requests.Count(r => r.Body.Length > 150_000));

        // One that is too large alone is set aside with the reason, the others are written.
        var result = await sink.WriteAsync([documents[0], Corpus.OfBytes("too-large", 160_000), documents[1]]);
        Assert.Equal((1, "elasticsearch.request_too_large", 2), (Assert.Single(result.Failures).Index, result.Failures[0].Error.Code, result.Written));
        ContentAssert.Same(documents, await target.ReadAllAsync(Sources.Ct));
    }

    [Fact]
    public async Task A_host_that_is_down_is_passed_over()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var sink = await target.ReadyAsync(target.Options with { Url = $"http://localhost:1,{target.Options.Url}" });
        for (var i = 0; i < 4; i++) Assert.Equal(10, (await sink.WriteAsync(Corpus.Plain(10, seed: i))).Written);
        ContentAssert.Same(Corpus.Plain(10, seed: 3), await target.ReadAllAsync(Sources.Ct));
    }

    private static string Item(int number, int status) =>
        $"{{\"index\":{{\"_id\":\"{Corpus.PlainKey(number)}\",{(status == 201 ? "\"result\":\"created\"," : "")}\"status\":{status}}}}}";

    private static string Damaged(string damage, string text)
    {
        if (damage.EndsWith(" and an error", StringComparison.Ordinal)) text = text.Replace("\"errors\":false", "\"errors\":true", StringComparison.Ordinal);
        return damage.Split(" and ")[0] switch
        {
            "fewer items" => text.Replace("," + Item(3, 201), "", StringComparison.Ordinal),
            "more items" => text.Replace("," + Item(3, 201), $",{Item(3, 201)},{Item(3, 201)}", StringComparison.Ordinal),
            "another order" => text.Replace($"{Item(0, 201)},{Item(1, 201)}", $"{Item(1, 201)},{Item(0, 201)}", StringComparison.Ordinal),
            "no status" => text.Replace(",\"status\":201", "", StringComparison.Ordinal),
            "cut off" => text[..^5],
            "not JSON" => "<html>gateway</html>",
            "no flag" => text.Replace("\"errors\"", "\"mistakes\"", StringComparison.Ordinal),
            _ => "",
        };
    }
}
