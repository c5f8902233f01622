using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

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

    [Theory]
    [InlineData("-1")]
    [InlineData("2m")]
    [InlineData("0s")]
    public async Task A_write_that_would_wait_for_a_refresh_that_does_not_come_is_refused_before_the_first(string interval)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), settings: $"\"refresh_interval\":\"{interval}\"");
        var options = new ElasticsearchSinkOptions { Url = index.Server.Address.ToString(), Index = index.Name };
        await using var waits = IndexTarget.Open(options with { Refresh = RefreshTime.Wait });
        var refused = await Assert.ThrowsAsync<PipelineException>(() => waits.PrepareAsync(SourceSchema.Unknown, Sources.Ct));
        Assert.Equal((ElasticsearchErrors.RefreshTooRare, FailureKind.Environment), (refused.Error, refused.Kind));
        Assert.Contains($"refresh_interval is {interval}", refused.Message, StringComparison.Ordinal);
        foreach (var refresh in (RefreshTime[])[RefreshTime.Now, RefreshTime.Interval])
        {
            await using var works = IndexTarget.Open(options with { Refresh = refresh });
            await works.PrepareAsync(SourceSchema.Unknown, Sources.Ct);
        }
    }

    [Fact]
    public void Waiting_for_refreshes_and_turning_them_off_is_a_mistake()
    {
        var options = new ElasticsearchSinkOptions { Index = "i", BulkLoad = true, Refresh = RefreshTime.Wait };
        Assert.StartsWith("--es-refresh wait:", Assert.Single(options.Mistakes()), StringComparison.Ordinal);
        Assert.Empty((options with { Refresh = RefreshTime.Now }).Mistakes());
    }
}
