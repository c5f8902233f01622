using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Counts from Hadoop in an index: which one, what it is made like, and what it is said to hold.</summary>
public sealed class CountsIndexTests(SharedServers servers)
{
    [Theory]
    [InlineData(HadoopFormat.ObjectCounts, "", "", "hadoop-object-counts-v1")]
    [InlineData(HadoopFormat.ObjectCounts, "", "mine", "mine")]
    [InlineData(HadoopFormat.ObjectCounts, "http://localhost:9200/theirs/_search", "", "theirs")]
    [InlineData(HadoopFormat.KeyValue, "", "", null)]
    public void Counts_go_to_their_usual_index_where_no_other_is_named(HadoopFormat format, string url, string index, string? expected)
    {
        var options = new ElasticsearchSinkOptions { Url = url, Index = index };
        if (BuiltInConnectors.Find("hadoop")!.Source!.UsualTarget(new HadoopOptions { Format = format }) is { } usual)
        {
            BuiltInConnectors.Find("elasticsearch")!.Sink!.UseTarget(options, usual);
        }

        Assert.Equal(expected is null ? ["--es-index"] : [], options.Mistakes().Select(m => m.Split(':')[0]));
        Assert.Equal(expected ?? "", options.Effective.First(e => e.Key == "--es-index").Value);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task The_index_sums_every_count_that_it_takes_and_tells_how_many_it_holds(ServerKind kind)
    {
        await using var target = new IndexTarget(await servers.OfAsync(kind, Sources.Ct));
        await using var sink = IndexTarget.Open(target.Options with { MappingFile = "" });
        await sink.PrepareAsync(ObjectCountLines.Schema, Sources.Ct);
        var fields = (await Api.SendAsync(target.Host, HttpMethod.Get, target.Name)).GetProperty(target.Name).GetProperty("mappings").GetProperty("properties");
        Assert.Equal(
            ["@timestamp date", "count integer", "label keyword", "s3_source_file keyword", "time_bucket date"],
            fields.EnumerateObject().Select(f => $"{f.Name} {f.Value.GetProperty("type")}").Order(StringComparer.Ordinal));
        Assert.Equal(0, await sink.CountAsync(Sources.Ct));

        var result = await sink.WriteAsync(Count("a", int.MaxValue), Count("too-large", int.MaxValue + 1L), Count("b", 0));
        Assert.Equal((2, 1), (result.Written, Assert.Single(result.Failures).Index));
        Assert.Equal(FailureKind.Permanent, result.Failures[0].Error.Kind);
        Assert.Contains("count", result.Failures[0].Reason, StringComparison.Ordinal);
        Assert.Equal(2, await sink.CountAsync(Sources.Ct));
        await sink.WriteAsync(Count("a", 1));
        Assert.Equal(2, await sink.CountAsync(Sources.Ct));
    }

    [Fact]
    public async Task A_rehearsal_without_an_index_makes_none_and_still_finds_a_key_that_is_too_long()
    {
        await using var target = new IndexTarget(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await using var sink = IndexTarget.Open(target.Options);
        Assert.Contains(await sink.PrepareRehearsalAsync(ObjectCountLines.Schema, reachable: true, Sources.Ct), n => n.Contains(target.Name, StringComparison.Ordinal));
        using var batch = Conformance.Slices.Of([new Document(new string('k', 513), "{}"), .. Corpus.Plain(2)]);
        var rehearsed = await sink.RehearseAsync(batch.Slice(), Sources.Ct);
        Assert.Equal((1, 0), (rehearsed.Requests, Assert.Single(rehearsed.Failures).Index));
        using var answer = await target.Host.Http.GetAsync(new Uri(target.Name, UriKind.Relative), Sources.Ct);
        Assert.Equal(System.Net.HttpStatusCode.NotFound, answer.StatusCode);
    }

    private static Document Count(string label, long count) => new(
        $"{label}@2024-03-01 00:05",
        $$"""{"label":"{{label}}","count":{{count}},"time_bucket":"2024-03-01T00:05:00Z","@timestamp":"2024-03-01T00:05:00Z","s3_source_file":"part-r-00000"}""");
}
