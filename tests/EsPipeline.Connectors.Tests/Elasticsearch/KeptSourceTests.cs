using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Verification;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Indices that do not keep documents as they were sent, which stands in one of several places.</summary>
public sealed class KeptSourceTests(SharedServers servers)
{
    [Theory]
    [InlineData("index.mode", "logsdb")]
    [InlineData("index.mapping.source.mode", "synthetic")]
    public async Task What_settings_say_or_what_follows_from_them_is_told_of_a_source_and_a_sink_is_not_compared(string setting, string value)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), settings: $"\"{setting}\":\"{value}\"");
        await using var source = index.Open();
        await IsToldAsync(source);
        await using var sink = IndexTarget.Open(new() { Url = index.Server.Address.ToString(), Index = index.Name });
        var refused = await Assert.ThrowsAsync<PipelineException>(() => sink.PrepareReadBackAsync(SourceSchema.Unknown, Sources.Ct));
        Assert.Equal(VerifyErrors.NotComparable, refused.Error);
    }

    [Theory]
    [InlineData("settings")]
    [InlineData("defaults")]
    public async Task So_is_a_derived_source(string kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.OpenSearch, Sources.Ct));
        await using var proxy = Saying(index, kind, "index.derived_source.enabled", "true");
        await using var source = index.Open(index.Options with { Url = proxy.Address });
        await IsToldAsync(source);
    }

    [Fact]
    public async Task So_is_a_mode_that_a_later_server_has()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = Saying(index, "defaults", "index.mapping.source.mode", "COLUMNAR_STORED");
        await using var source = index.Open(index.Options with { Url = proxy.Address });
        Assert.Contains("(columnar_stored _source)", Assert.Single((await Health.OfAsync(source)).Warnings), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_whose_settings_say_that_it_keeps_none_is_refused()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var proxy = Saying(index, "settings", "index.mapping.source.mode", "DISABLED");
        await using var source = index.Open(index.Options with { Url = proxy.Address });
        Assert.Equal("elasticsearch.no_source", (await Health.OfAsync(source)).Problem?.Code);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task An_index_that_keeps_them_is_told_nothing_of(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        await using var source = index.Open();
        var health = await Health.OfAsync(source);
        Assert.Equal((null, 0), (health.Problem, health.Warnings.Count));
    }

    private static async Task IsToldAsync(ElasticsearchSource source)
    {
        var health = await Health.OfAsync(source);
        Assert.Null(health.Problem);
        Assert.Contains("synthetic _source", Assert.Single(health.Warnings), StringComparison.Ordinal);
    }

    // What the servers of these tests don't know.
    private static AnswerProxy Saying(TestIndex index, string kind, string name, string value) => new(index.Server)
    {
        Instead = (_, path, _) => path.Contains("/_settings/", StringComparison.Ordinal)
            ? ProxiedAnswer.Json(200, $$$"""{"{{{index.Name}}}":{"{{{kind}}}":{"{{{name}}}":"{{{value}}}"} } }""")
            : null,
    };
}
