using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Documents with a routing of their own, of which one index may hold several with the same <c>_id</c>.</summary>
public sealed class RoutingTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task They_are_told_before_anything_is_copied_and_their_keys_are_not_taken_for_unique(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), 5);
        await index.PutAsync(0, 20);
        await using var before = index.Open();
        Assert.Empty((await Health.OfAsync(before)).Warnings);
        Assert.All((await before.SnapshotAsync(5)).Partitions, p => Assert.True(p.UniqueKeys));

        await PutAsync(index, "same", "a", 1);
        await PutAsync(index, "same", "b", 2);
        await using var source = index.Open();
        var warning = Assert.Single((await Health.OfAsync(source)).Warnings);
        Assert.Contains($"documents of {index.Name} have a routing of their own", warning, StringComparison.Ordinal);
        Assert.Contains("--es-key index-routing-id", warning, StringComparison.Ordinal);
        var pass = await source.SnapshotAsync(5);
        Assert.Equal(2, pass.Records.Count(r => r.Key == "same"));
        Assert.All(pass.Partitions, p => Assert.False(p.UniqueKeys));
    }

    [Theory]
    [InlineData(Envelope.Source)]
    [InlineData(Envelope.Hit)]
    public async Task With_the_routing_in_the_key_each_is_a_record_of_its_own(Envelope envelope)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), 5);
        (string Id, string? Routing)[] documents = [("same", "a"), ("same", "b"), ("same", null), ("b/c", "a"), ("c", "a/b"), ("c", "a%2Fb"), ("q\"", "ü\"\\/"), ("plain", null)];
        foreach (var (id, routing) in documents) await PutAsync(index, id, routing, 1);
        await using var source = index.Open(index.Options with { Key = KeyForm.IndexRoutingId, Envelope = envelope });
        Assert.Empty((await Health.OfAsync(source)).Warnings);
        var pass = await source.SnapshotAsync(3);
        Assert.All(pass.Partitions, p => Assert.True(p.UniqueKeys));
        string[] keys = ["a/same", "b/same", "/same", "a/b/c", "a%2Fb/c", "a%252Fb/c", "ü\"\\%2F/q\"", "/plain"];
        Assert.Equal(keys.Select(k => $"{index.Name}/{k}").Order(StringComparer.Ordinal), pass.Records.Select(r => r.Key).Order(StringComparer.Ordinal));
        if (envelope == Envelope.Hit) Assert.Contains(pass.Records, r => r.Json.Contains("\"_routing\":\"a/b\"", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_target_that_holds_such_is_told_and_takes_no_deletes(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), 5);
        await PutAsync(index, "same", "a", 1);
        await using var sink = IndexTarget.Open(new ElasticsearchSinkOptions { Url = index.Server.Address.ToString(), Index = index.Name });
        var health = await Health.OfAsync(sink);
        Assert.Null(health.Problem);
        Assert.Contains($"documents of {index.Name} have a routing of their own", Assert.Single(health.Warnings), StringComparison.Ordinal);
        await sink.PrepareAsync(SourceSchema.Unknown, Sources.Ct);
        await sink.BeginPassAsync(ReadKind.Changes, uniqueKeys: false, Sources.Ct);
        Assert.Equal(1, (await sink.WriteAsync("other", "{}", 0)).Written);
        var refused = await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync("same", null, 0));
        Assert.Equal(ElasticsearchErrors.NotWritable, refused.Error);
        Assert.Contains("routing", refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"filter\":{\"term\":{\"n\":1}}", "filter")]
    [InlineData("\"index_routing\":\"a\"", "index_routing")]
    [InlineData("\"routing\":\"a\"", "index_routing")]
    public async Task Neither_is_an_alias_written_to_that_has_a_routing_or_a_filter(string setting, string named)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        var alias = $"alias-{Guid.NewGuid():n}";
        await Api.SendAsync(index.Server, HttpMethod.Post, "_aliases", $$$"""{"actions":[{"add":{"index":"{{{index.Name}}}","alias":"{{{alias}}}",{{{setting}}}}}]}""");
        await using var sink = IndexTarget.Open(new ElasticsearchSinkOptions { Url = index.Server.Address.ToString(), Index = alias });
        var problem = (await Health.OfAsync(sink)).Problem;
        Assert.Equal("elasticsearch.not_writable", problem?.Code);
        Assert.Contains($"({named})", problem!.Message, StringComparison.Ordinal);
    }

    private static async Task PutAsync(TestIndex index, string id, string? routing, int number) => await index.SendAsync(
        HttpMethod.Put,
        $"/_doc/{Uri.EscapeDataString(id)}?refresh=true{(routing is null ? "" : $"&routing={Uri.EscapeDataString(routing)}")}",
        $$"""{"n":{{number}}}""");
}
