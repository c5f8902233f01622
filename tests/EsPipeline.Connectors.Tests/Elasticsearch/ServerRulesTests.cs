namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What is asked in another way of one version than of another, so that no document, no field and no index is left out.</summary>
public sealed class ServerRulesTests(SharedServers servers)
{
    // Each stands before a real server of another version, which understands all of it.
    [Theory]
    [InlineData("9.3.1", "default", true, false)]
    [InlineData("9.1.0", "default", true, false)]
    [InlineData("9.0.8", "default", false, false)]
    [InlineData("8.19.2", "default", true, false)]
    [InlineData("8.18.8", "default", false, false)]
    [InlineData("8.11.0", "serverless", true, false)]
    [InlineData("7.17.29", "default", false, true)]
    public async Task Vectors_and_frozen_indices_are_asked_for_where_they_would_be_left_out(string version, string flavor, bool vectors, bool frozen)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), 2);
        await index.PutAsync(0, 50);
        await using var proxy = new AnswerProxy(index.Server)
        {
            Instead = (_, path, _) => path == "/"
                ? ProxiedAnswer.Json(200, $$$"""{"version":{"number":"{{{version}}}","build_flavor":"{{{flavor}}}"},"cluster_uuid":"a"}""")
                : null,
        };
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 20);
        var snapshot = await source.SnapshotAsync(2);
        Assert.Equal(50, snapshot.Unique().Records.Count());
        await index.PutAsync(20, 50);
        Assert.Equal(50, (await source.ChangesAsync(snapshot.Saved)).Records.Count());
        var pages = proxy.Requests.Where(r => r.Path.Contains("_search?", StringComparison.Ordinal) && r.Body.Contains("\"gt\"", StringComparison.Ordinal)).ToArray();
        Assert.True(pages.Length > 5);
        Assert.All(pages, p => Assert.Equal(vectors, p.Body.Contains("\"_source\":{\"exclude_vectors\":false}", StringComparison.Ordinal)));

        // A search in a view may not say it: whoever opens the view does.
        var reaching = proxy.Requests.Where(r => (r.Path.Contains("_search?", StringComparison.Ordinal) && !r.Body.Contains("\"pit\"", StringComparison.Ordinal)) || r.Path.Contains("_pit?", StringComparison.Ordinal)).ToArray();
        Assert.Contains(reaching, r => r.Path.Contains("_pit?", StringComparison.Ordinal));
        Assert.All(reaching, r => Assert.Equal(frozen, r.Path.Contains("ignore_throttled=false", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task OpenSearch_is_searched_at_its_primaries_which_the_checkpoint_is_of()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.OpenSearch, Sources.Ct), 2, settings: "\"replication.type\":\"SEGMENT\"");
        await index.PutAsync(0, 200);
        await using var proxy = new AnswerProxy(index.Server);
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 20);
        var snapshot = await source.SnapshotAsync(2);
        Assert.Equal(200, snapshot.Unique().Records.Count());
        await index.PutAsync(150, 100);
        Assert.Equal(100, (await source.ChangesAsync(snapshot.Saved)).Records.Count());

        await using var old = new AnswerProxy(index.Server) { Change = ViewTests.OldVersion };
        await using var without = index.Open(index.Options with { Url = old.Address }, 20);
        Assert.Equal(250, (await without.WholeSnapshotAsync(2)).Held.Count);
        string[] searches = [.. proxy.Requests.Concat(old.Requests)
            .Where(r => (r.Path.Contains("_search", StringComparison.Ordinal) && !r.Body.Contains("\"pit\"", StringComparison.Ordinal) && r.Method == "POST"))
            .Select(r => r.Path)];
        Assert.Contains(searches, s => s.Contains("point_in_time", StringComparison.Ordinal) && s.Contains("preference=_shards:1%7C_primary", StringComparison.Ordinal));
        Assert.All(searches, s => Assert.Contains("_primary", s, StringComparison.Ordinal));
    }
}
