using System.Text;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Slices, which are read by scrolling where nothing else is to be had.</summary>
public sealed class SliceTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Large_documents_come_in_pages_that_memory_has_room_for(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), mappings: """{"enabled":false}""");
        var json = $$"""{"text":"{{new string('x', 1 << 20)}}"}""";
        foreach (var ids in Enumerable.Range(0, 100).Select(TestIndex.IdOf).Chunk(10)) await index.PutAsync(ids.Select(id => (id, json)));
        var (keys, largest) = await ReadAsync(index);
        Assert.Equal(100, keys.Count);

        // What a batch counts is its memory: the room for a page, which is rounded up, and its records.
        Assert.InRange(largest, 1 << 20, SequenceReader.MostBytes + (1 << 20));
        var statistics = await index.SendAsync(HttpMethod.Get, "/_stats/search");
        Assert.Equal(0, statistics.GetProperty("_all").GetProperty("total").GetProperty("search").GetProperty("open_contexts").GetInt32());
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task An_index_that_allows_short_pages_only_is_read_in_such(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), settings: "\"max_result_window\":30");
        await index.PutAsync(0, 200);
        Assert.Equal(200, (await ReadAsync(index)).Keys.Count);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_page_whose_answer_is_lost_is_not_asked_for_again_at_the_next_host(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        await index.PutAsync(0, 200);
        var pages = 0;
        await using var one = new AnswerProxy(index.Server) { Change = LoseSecond };
        await using var other = new AnswerProxy(index.Server) { Change = LoseSecond };
        Assert.Equal(200, (await ReadAsync(index, $"{one.Address},{other.Address}", 20)).Keys.Count);
        Assert.True(pages > 11, $"Only {pages} pages were asked for: none was lost.");

        ProxiedAnswer LoseSecond(string path, ProxiedAnswer answer) =>
            path.StartsWith("/_search/scroll", StringComparison.Ordinal) && Interlocked.Increment(ref pages) == 2
                ? new ProxiedAnswer(503, [])
                : answer;
    }

    // A server with little memory refuses a large page before it is cut off here; the engine then asks again.
    private static async Task<(HashSet<string> Keys, long Largest)> ReadAsync(TestIndex index, string? url = null, int mostDocuments = SequenceWindow.MostDocuments)
    {
        using var client = new ElasticsearchClient(url is null ? index.Options : index.Options with { Url = url }, TimeProvider.System);
        var server = await ServerInfo.AskAsync(client, Sources.Ct);
        var window = new SequenceWindow(0, mostDocuments);
        var (keys, largest) = (new HashSet<string>(), 0L);
        while (true)
        {
            try
            {
                var reader = new SliceReader(
                    client, server, new ConcreteIndex(index.Name, "-", index.Name, IsShared: false), new RecordForm(index.Name, Envelope.Source, []), new SearchFilter(), window, NullLogger.Instance);
                await foreach (var records in reader.ReadAsync(0, 1, Sources.Ct))
                {
                    using var batch = records.ToBatch(default, 0, "");
                    largest = Math.Max(largest, batch.Bytes);
                    for (var i = 0; i < batch.Count; i++) keys.Add(Encoding.UTF8.GetString(batch.Records.Span[i].Key.Span));
                }

                return (keys, largest);
            }
            catch (PipelineException e) when (e.Error == ElasticsearchErrors.Throttled)
            {
                Assert.True(window.PageSize > 1, e.Message);
            }
            catch (PipelineException e) when (e.Error == ElasticsearchErrors.Unavailable)
            {
                // What was read of the slice comes again, and none of it may be relied on.
                keys.Clear();
            }
        }
    }
}
