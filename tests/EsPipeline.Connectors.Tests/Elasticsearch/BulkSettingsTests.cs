using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What options of writing do to the requests, and to what a search finds after them.</summary>
public sealed class BulkSettingsTests(SharedServers servers)
{
    [Theory]
    [InlineData(Compression.On, "gzip")]
    [InlineData(Compression.Off, null)]
    [InlineData(Compression.Auto, null)]
    public async Task Bodies_are_packed_when_told_to_and_by_default_not_for_a_server_on_this_machine(Compression compress, string? encoding)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = new AnswerProxy(target.Host);
        await using var sink = await target.ReadyAsync(target.Options with { Url = proxy.Address, Compress = compress });
        Document[] documents = [.. Corpus.Plain(1000)];
        Assert.Equal(documents.Length, (await sink.WriteAsync(documents)).Written);
        Assert.Equal([encoding], proxy.Encodings.Where(e => e.Path.Contains("_bulk", StringComparison.Ordinal)).Select(e => e.Encoding));
        ContentAssert.Same(documents, await target.ReadAllAsync(Sources.Ct));
    }

    [Theory]
    [InlineData("http://es.example:9200", true)]
    [InlineData("http://127.0.0.1:9200,http://es.example:9200", true)]
    [InlineData("http://127.0.0.1:9200", false)]
    [InlineData("http://[::1]:9200", false)]
    public void By_default_they_are_packed_where_any_server_is_elsewhere(string url, bool packed)
    {
        using var client = new ElasticsearchClient(new ElasticsearchSinkOptions { Url = url, Index = "i" }, TimeProvider.System);
        Assert.Equal(packed, client.Compresses);
    }

    [Theory]
    [InlineData(RefreshTime.Wait, "refresh=wait_for")]
    [InlineData(RefreshTime.Now, "refresh=true")]
    public async Task A_search_right_after_a_write_that_waits_for_it_shows_what_was_written(RefreshTime refresh, string asked)
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = new AnswerProxy(target.Host);
        await using var sink = await target.ReadyAsync(target.Options with { Url = proxy.Address, Refresh = refresh });
        foreach (var count in (int[])[1, 2, 3])
        {
            await sink.WriteAsync(Corpus.Plain(count).Last());
            Assert.Equal(count, (await Api.SendAsync(target.Host, HttpMethod.Get, target.Name + "/_count")).GetProperty("count").GetInt32());
        }

        Assert.All(proxy.Requests.Where(r => r.Path.Contains("_bulk", StringComparison.Ordinal)), r => Assert.Contains(asked, r.Path, StringComparison.Ordinal));
    }
}
