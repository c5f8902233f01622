using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Something before the server that does not take large bodies, and closes before it has read them.</summary>
public sealed class RefusedBodyTests(SharedServers servers)
{
    private const int MostBytes = 2 << 20;

    [Theory]
    [InlineData(Compression.Off)]
    [InlineData(Compression.On)]
    public async Task What_it_takes_is_written_and_a_document_that_is_too_large_alone_is_set_aside(Compression compress)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var door = new RefusingDoor(target.Host, MostBytes);
        Document[] documents = [.. Enumerable.Range(0, 60).Select(i => Corpus.OfBytes($"middle-{i}", 100_000)), Noise("large", 10 << 20), .. Corpus.Plain(50)];
        using var state = new TemporaryFolder();
        await using var source = new ListSource(documents, 200);
        await using var sink = IndexTarget.Open(target.Options with { Url = door.Address, Compress = compress });
        var result = await EngineRun.CopyAsync(source, sink, state.Path, Sources.Ct, setup => setup with
        {
            Retry = new RetryOptions(5, TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(1), Forever: false),
        });
        Assert.Equal((RunOutcome.DoneWithDeadLetters, 110L, 1L), (result.Outcome, result.Account.Written, result.Account.DeadLettered));
        Assert.Contains("elasticsearch.request_too_large", Assert.Single(await File.ReadAllLinesAsync(result.DeadLetterPath, Sources.Ct)), StringComparison.Ordinal);
        Assert.Contains(door.Heads, h => h.Contains("Expect: 100-continue", StringComparison.OrdinalIgnoreCase));
    }

    // The node's indexing pressure limit, which answers 429 as if it were to pass.
    [Fact]
    public async Task So_is_one_that_is_more_than_a_node_ever_lets_be_written_at_once()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = new AnswerProxy(target.Host)
        {
            Instead = (_, path, body) => path.Contains("/_bulk", StringComparison.Ordinal) && body.Length > MostBytes
                ? ProxiedAnswer.Json(429, $$$"""
                    {"error":{"root_cause":[{"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation [coordinating_and_primary_bytes=0, replica_bytes=0, all_bytes=0, coordinating_operation_bytes={{{body.Length}}}, max_coordinating_bytes={{{MostBytes}}}]"}]},"status":429}
                    """)
                : null,
        };
        Document[] documents = [.. Enumerable.Range(0, 60).Select(i => Corpus.OfBytes($"middle-{i}", 100_000)), Noise("large", 4 << 20), .. Corpus.Plain(50)];
        await using var sink = await target.ReadyAsync(target.Options with { Url = proxy.Address });
        var result = await sink.WriteAsync(documents);
        Assert.Equal(110, result.Written);
        var failure = Assert.Single(result.Failures);
        Assert.Equal((60, ElasticsearchErrors.RequestTooLarge), (failure.Index, failure.Error));

        // Where others leave no room for it just now, it is written later.
        proxy.Instead = (_, path, _) => path.Contains("/_bulk", StringComparison.Ordinal)
            ? ProxiedAnswer.Json(429, """
                {"error":{"root_cause":[{"type":"es_rejected_execution_exception","reason":"rejected execution of coordinating operation [coordinating_and_primary_bytes=99, replica_bytes=0, all_bytes=99, coordinating_operation_bytes=10, max_coordinating_and_primary_bytes=100]"}]},"status":429}
                """)
            : null;
        Assert.Equal(ElasticsearchErrors.Throttled, (await sink.FailsAsync(Corpus.Plain(1))).Error);
    }

    [Fact]
    public async Task Nobody_is_asked_first_as_long_as_bodies_arrive()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var door = new RefusingDoor(target.Host, long.MaxValue);
        await using var sink = await target.ReadyAsync(target.Options with { Url = door.Address });
        Assert.Equal(60, (await sink.WriteAsync(Enumerable.Range(0, 60).Select(i => Corpus.OfBytes($"middle-{i}", 100_000)))).Written);
        Assert.DoesNotContain(door.Heads, h => h.Contains("Expect:", StringComparison.OrdinalIgnoreCase));
    }

    // Text that no packing makes small.
    private static Document Noise(string key, int bytes)
    {
        var random = new Random(7);
        var noise = new byte[bytes * 3 / 4];
        random.NextBytes(noise);
        return new Document(key, $$"""{"v":"{{Convert.ToBase64String(noise)}}"}""");
    }
}
