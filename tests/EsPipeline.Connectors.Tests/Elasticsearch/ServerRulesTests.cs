using EsPipeline.Conformance;

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

        string[] searches = [.. proxy.Requests
            .Where(r => (r.Path.Contains("_search", StringComparison.Ordinal) && !r.Body.Contains("\"pit\"", StringComparison.Ordinal) && r.Method == "POST"))
            .Select(r => r.Path)];
        Assert.Contains(searches, s => s.Contains("point_in_time", StringComparison.Ordinal) && s.Contains("preference=_shards:1%7C_primary", StringComparison.Ordinal));
        Assert.All(searches, s => Assert.Contains("_primary", s, StringComparison.Ordinal));
    }

    // Stands before a later one, and answers what is new to these as they do.
    [Theory]
    [InlineData("1.3.20")]
    [InlineData("2.3.0")]
    [InlineData("2.7.0")]
    public async Task OpenSearch_before_2_8_is_not_asked_for_its_primaries(string version)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.OpenSearch, Sources.Ct), 2);
        await index.PutAsync(0, 200);
        await using var proxy = new AnswerProxy(index.Server)
        {
            Instead = (_, path, _) => path switch
            {
                "/" => ProxiedAnswer.Json(200, $$$"""{"version":{"distribution":"opensearch","number":"{{{version}}}"},"cluster_uuid":"a"}"""),
                _ when path.Contains("_primary", StringComparison.Ordinal) => ProxiedAnswer.Json(
                    400, """{"error":{"root_cause":[{"type":"illegal_argument_exception","reason":"no Preference for [_primary]"}]},"status":400}"""),
                _ when path.Contains("/_settings/index.replication.type", StringComparison.Ordinal) => ProxiedAnswer.Json(
                    200, $$"""{"{{index.Name}}":{"settings":{"index.replication.type":"SEGMENT","index.number_of_replicas":"1"} } }"""),
                _ => null,
            },
        };
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 20);
        var health = await Health.OfAsync(source);
        Assert.Null(health.Problem);
        if (version == "1.3.20") Assert.Empty(health.Warnings);
        else Assert.Contains($"replicas of {index.Name} may be behind", Assert.Single(health.Warnings), StringComparison.Ordinal);
        var (last, held, _) = await source.WholeSnapshotAsync(2);
        Assert.Equal(200, held.Count);
        await index.PutAsync(150, 100);
        Assert.Equal(100, (await source.ChangesAsync(last.Saved)).Records.Count());
    }
}
