using System.Text.Json;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What an index is made like, and what is said about one that is there already.</summary>
public sealed class PrepareTests(SharedServers servers)
{
    private static readonly SourceSchema Schema = new(
    [
        new("name", FieldKind.Text, "text"),
        new("code", FieldKind.Keyword, "varchar"),
        new("count", FieldKind.Integer, "bigint"),
        new("price", FieldKind.Decimal, "numeric"),
        new("active", FieldKind.Boolean, "boolean"),
        new("at", FieldKind.Timestamp, "timestamptz"),
        new("seconds", FieldKind.Timestamp, "date", "epoch_second"),
        new("place", FieldKind.GeoPoint, "geo_point"),
        new("picture", FieldKind.Binary, "bytea"),
        new("address.city", FieldKind.Keyword, "varchar"),
        new("people", FieldKind.Nested, "nested"),
        new("people.name", FieldKind.Text, "text"),
        new("anything", FieldKind.Json, "jsonb"),
    ]);

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_new_index_has_the_sources_types_and_takes_values_that_do_not_fit_them(ServerKind kind)
    {
        await using var target = await TargetAsync(kind);
        await using var sink = Open(target);
        await sink.PrepareAsync(Schema, Sources.Ct);
        var index = (await Api.SendAsync(target.Host, HttpMethod.Get, target.Name)).GetProperty(target.Name);
        var fields = index.GetProperty("mappings").GetProperty("properties");
        Assert.Equal(
            "text/keyword keyword long double boolean date date geo_point binary keyword nested text",
            string.Join(' ', Type("name") + "/" + Type("name.fields.keyword"), Type("code"), Type("count"), Type("price"), Type("active"), Type("at"), Type("seconds"), Type("place"), Type("picture"), Type("address.properties.city"), Type("people"), Type("people.properties.name")));
        Assert.False(fields.TryGetProperty("anything", out _));
        Assert.Equal("epoch_second", fields.GetProperty("seconds").GetProperty("format").GetString());

        Document[] documents =
        [
            new("good", """{"name":"n","code":"c","count":1,"price":1.5,"active":true,"at":"2024-01-01T00:00:00.123456+02:00","seconds":1,"place":{"lat":1,"lon":2},"address":{"city":"x"},"people":[{"name":"a"}],"anything":[1]}"""),
            new("odd", $$"""{"code":"{{new string('ü', 20_000)}}","count":"many","price":"NaN","at":"infinity","place":"nowhere"}"""),
        ];
        Assert.Equal(2, (await sink.WriteAsync(documents)).Written);
        ContentAssert.Same(documents, await target.ReadAllAsync(Sources.Ct));

        // Again, and by another process: it fits, and stays as it is.
        await using var again = Open(target);
        await again.PrepareAsync(Schema, Sources.Ct);

        string Type(string path) => path.Split('.').Aggregate(fields, (node, name) => node.GetProperty(name)).GetProperty("type").GetString()!;
    }

    [Theory]
    [InlineData("""{"properties":{"name":{"type":"object"}}}""", "'name' is object, and the source's text")]
    [InlineData("""{"properties":{"active":{"type":"long"}}}""", "'active' is long, and the source's boolean")]
    [InlineData("""{"properties":{"at":{"type":"integer"}}}""", "'at' is integer, and the source's timestamptz")]
    [InlineData("""{"properties":{"people":{"type":"keyword"}}}""", "'people' is keyword, and the source's nested")]
    [InlineData("""{"dynamic":"strict","properties":{"name":{"type":"text"}}}""", "it has no 'code', and takes no new fields")]
    public async Task An_index_that_can_never_take_a_field_is_refused_with_the_field(string mapping, string expected)
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name, $"{{\"mappings\":{mapping}}}");
        await using var sink = Open(target);
        var refused = await Assert.ThrowsAsync<PipelineException>(() => sink.PrepareAsync(Schema, Sources.Ct));
        Assert.Equal(ElasticsearchErrors.IndexDiffers, refused.Error);
        Assert.Contains(expected, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("""{"properties":{"name":{"type":"keyword"},"count":{"type":"short"},"at":{"type":"keyword"},"seconds":{"type":"long"}}}""")]
    [InlineData("""{"dynamic":"false"}""")]
    public async Task An_index_that_may_take_every_field_is_taken(string mapping)
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name, $"{{\"mappings\":{mapping}}}");
        await using var sink = Open(target);
        await sink.PrepareAsync(Schema, Sources.Ct);
    }

    [Fact]
    public async Task A_mapping_file_makes_the_index_and_is_compared_with_it()
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        const string mapping = """{"mappings":{"dynamic":"strict","properties":{"at":{"type":"date","format":"epoch_second"},"who":{"properties":{"name":{"type":"text","fields":{"raw":{"type":"keyword"}}}}}}},"settings":{"number_of_replicas":0}}""";
        var options = target.Options with { MappingFile = target.FileOf(mapping) };
        Assert.Empty(options.Mistakes());
        for (var i = 0; i < 2; i++)
        {
            await using var sink = IndexTarget.Open(options);
            await sink.PrepareAsync(SourceSchema.Unknown, Sources.Ct);
        }

        foreach (var (old, now, said) in new[]
        {
            ("epoch_second", "epoch_millis", "'at' has the format epoch_second, not epoch_millis"),
            ("\"text\"", "\"keyword\"", "'who.name' is text, not keyword"),
            ("\"raw\"", "\"whole\"", "it has no 'who.name.whole' (keyword)"),
            ("strict", "true", "'dynamic' is strict, not true"),
        })
        {
            await using var sink = IndexTarget.Open(options with { MappingFile = target.FileOf(mapping.Replace(old, now, StringComparison.Ordinal)) });
            var refused = await Assert.ThrowsAsync<PipelineException>(() => sink.PrepareAsync(SourceSchema.Unknown, Sources.Ct));
            Assert.Contains(said, refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("", "is not JSON")]
    [InlineData("[]", "holds neither")]
    [InlineData("{}", "holds neither")]
    [InlineData("""{"my-index":{"mappings":{}}}""", "holds neither")]
    public async Task A_mapping_file_that_is_none_is_a_mistake(string json, string said)
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        Assert.Contains(said, Assert.Single((target.Options with { MappingFile = target.FileOf(json) }).Mistakes()), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a,b", "several indices")]
    [InlineData("logs-*", "several indices")]
    [InlineData("_all", "every index")]
    [InlineData(".security", "begins with a dot")]
    [InlineData("<logs-{now/d}>", "date math")]
    [InlineData("a\r\nb", "line break")]
    [InlineData("../_cluster/settings", "begins with a dot")]
    [InlineData("remote:idx", "another cluster")]
    public void A_name_that_is_no_index_is_a_mistake(string name, string said) =>
        Assert.Contains(said, Assert.Single(new ElasticsearchSinkOptions { Index = name }.Mistakes()), StringComparison.Ordinal);

    [Fact]
    public async Task A_name_that_is_too_long_is_a_mistake() =>
        Assert.Single(await Task.FromResult(new ElasticsearchSinkOptions { Index = new string('x', 256) }.Mistakes()));

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task An_alias_is_written_to_where_it_has_one_index_to_write_to(ServerKind kind)
    {
        await using var target = await TargetAsync(kind);
        await using var other = await TargetAsync(kind);
        var alias = $"alias-{Guid.NewGuid():n}";
        foreach (var index in new[] { target, other }) await Api.SendAsync(index.Host, HttpMethod.Put, index.Name, $"{{\"mappings\":{IndexTarget.Mapping}}}");
        await AliasAsync(target, $$$"""{"add":{"index":"{{{target.Name}}}","alias":"{{{alias}}}"}}""");
        await using var sink = await target.ReadyAsync(target.Options with { Index = alias });
        Assert.Equal(10, (await sink.WriteAsync(Corpus.Plain(10))).Written);
        Assert.NotNull(await sink.ReadAsync(new Document(Corpus.PlainKey(3), "").KeyBytes, Sources.Ct));
        ContentAssert.Same(Corpus.Plain(10), await target.ReadAllAsync(Sources.Ct));

        // Two indices, none of them marked.
        await AliasAsync(target, $$$"""{"add":{"index":"{{{other.Name}}}","alias":"{{{alias}}}"}}""");
        await using var unmarked = IndexTarget.Open(target.Options with { Index = alias });
        var refused = await Assert.ThrowsAsync<PipelineException>(() => unmarked.PrepareAsync(SourceSchema.Unknown, Sources.Ct));
        Assert.Equal(ElasticsearchErrors.NotWritable, refused.Error);
        Assert.Contains("2 indices and none of them is its write index", refused.Message, StringComparison.Ordinal);

        // One of them marked: it is taken, and that others keep their documents is told.
        await AliasAsync(target, $$$"""{"add":{"index":"{{{other.Name}}}","alias":"{{{alias}}}","is_write_index":true}}""");
        await using var marked = await target.ReadyAsync(target.Options with { Index = alias });
        Assert.Contains((await Health.OfAsync(marked)).Warnings, w => w.Contains($"written to {other.Name}", StringComparison.Ordinal));
        Assert.Equal(5, (await marked.WriteAsync(Corpus.Plain(5))).Written);
        ContentAssert.Same(Corpus.Plain(5), await other.ReadAllAsync(Sources.Ct));

        // The alias is taken away: it does not come back as an index.
        await AliasAsync(target, $$$"""{"remove":{"indices":["{{{target.Name}}}","{{{other.Name}}}"],"alias":"{{{alias}}}"}}""");
        Assert.All((await marked.WriteAsync(Corpus.Plain(2))).Failures, f => Assert.Equal(ElasticsearchErrors.IndexNotFound, f.Error));
    }

    [Fact]
    public async Task A_data_stream_is_refused()
    {
        await using var target = await TargetAsync(ServerKind.OpenSearch);
        var name = $"stream-{Guid.NewGuid():n}";
        await Api.SendAsync(target.Host, HttpMethod.Put, "_index_template/" + name, $$"""{"index_patterns":["{{name}}"],"data_stream":{},"priority":500}""");
        await Api.SendAsync(target.Host, HttpMethod.Put, "_data_stream/" + name);
        try
        {
            await using var sink = IndexTarget.Open(target.Options with { Index = name });
            var problem = (await Health.OfAsync(sink)).Problem;
            Assert.Equal(ElasticsearchErrors.NotWritable, problem?.Error);
            Assert.Contains("is a data stream", problem!.Message, StringComparison.Ordinal);
        }
        finally
        {
            await Api.SendAsync(target.Host, HttpMethod.Delete, "_data_stream/" + name);
            await Api.SendAsync(target.Host, HttpMethod.Delete, "_index_template/" + name);
        }
    }

    [Fact]
    public async Task An_index_that_wants_routing_is_refused()
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name, """{"mappings":{"_routing":{"required":true}}}""");
        await using var sink = Open(target);
        Assert.Equal(ElasticsearchErrors.NotWritable, (await Health.OfAsync(sink)).Problem?.Error);
    }

    [Fact]
    public async Task A_setting_that_loses_writes_is_told()
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name, """{"settings":{"index.translog.durability":"async"}}""");
        await using var sink = Open(target);
        Assert.Contains((await Health.OfAsync(sink)).Warnings, w => w.Contains("durability", StringComparison.Ordinal));
    }

    private static ElasticsearchSink Open(IndexTarget target) => IndexTarget.Open(target.Options with { MappingFile = "" });

    private static async Task<JsonElement> AliasAsync(IndexTarget target, string action) =>
        await Api.SendAsync(target.Host, HttpMethod.Post, "_aliases", $"{{\"actions\":[{action}]}}");

    private async Task<IndexTarget> TargetAsync(ServerKind kind) => new(await servers.OfAsync(kind, Sources.Ct));
}
