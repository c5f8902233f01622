using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What <c>--query</c> may be.</summary>
public sealed class QueryTests(SharedServers servers)
{
    public static TheoryData<string, string> Refused => new()
    {
        { "", "not JSON" },
        { "{", "not JSON" },
        { "[]", "not a JSON object" },
        { "\"x\"", "not a JSON object" },
        { "{}", "empty" },
        { """{"query":{}}""", "empty" },
        { """{"query":[]}""", "not a JSON object" },
        { """{"match_all":{},"term":{"a":1}}""", "several" },
        { """{"query":{"match_all":{}},"size":5}""", "'size'" },
        { """{"query":{"match_all":{}},"from":5}""", "'from'" },
        { """{"query":{"match_all":{}},"sort":["a"]}""", "'sort'" },
        { """{"query":{"match_all":{}},"pit":{"id":"x"}}""", "'pit'" },
        { """{"query":{"match_all":{}},"search_after":[1]}""", "'search_after'" },
        { """{"query":{"match_all":{}},"aggs":{}}""", "'aggs'" },
        { """{"query":{"match_all":{}},"_source":false}""", "'_source'" },
        { """{"query":{"match_all":{}},"scroll":"1m"}""", "'scroll'" },
        { """{"query":{"match_all":{}},"runtime_mappings":{}}""", "'runtime_mappings'" },
        { """{"size":5}""", "'size'" },
        { """{"query":{"match_all":{}},"unknown":1}""", "'unknown'" },
        { """{"script":{"script":{"source":"true"}}}""", "'script'" },
        { """{"bool":{"filter":[{"script":{"script":"true"}}]}}""", "'script'" },
        { """{"function_score":{"functions":[{"script_score":{"script":"1"}}]}}""", "'script_score'" },
        { """{"script_score":{"query":{"match_all":{}},"script":{"source":"1"}}}""", "'script_score'" },
        { """{"terms_set":{"f":{"terms":["a"],"minimum_should_match_script":{"source":"1"}}}}""", "'minimum_should_match_script'" },
        { """{"wrapper":{"query":"eyJtYXRjaF9hbGwiOnt9fQ=="}}""", "'wrapper'" },
        { """{"bool":{"must":{"wrapper":{"query":"e30="}}}}""", "'wrapper'" },
        { """{"term":{"a":1,"a":2}}""", "not JSON that can be used" },
        { """{"query":{"match_all":{}},"query":{"term":{"a":1}}}""", "not JSON that can be used" },
        { """{"match_all":{}} {"size":1}""", "not JSON" },
        { """{"match_all":{},}""", "not JSON" },
        { """{"match_all":/*x*/{}}""", "not JSON" },
        { Deep(65), "not JSON that can be used" },
    };

    public static TheoryData<string> Accepted =>
    [
        """{"match_all":{}}""",
        """{"query":{"match_all":{}}}""",
        """ { "query" : { "bool" : { "filter" : [ { "term" : { "script" : "x" } }, { "range" : { "wrapper" : { "gte" : 1 } } } ] } } } """,
        """{"term":{"size":1}}""",
        """{"bool":{"must_not":{"exists":{"field":"sort"}}}}""",
        """{"query_string":{"query":"a:b OR \"c\""}}""",
        """{"nested":{"path":"items","query":{"match_all":{}},"ignore_unmapped":true}}""",
    ];

    [Theory]
    [MemberData(nameof(Refused))]
    public void A_query_that_would_do_more_than_select_is_refused_with_the_reason(string query, string said)
    {
        var error = Assert.Throws<PipelineException>(() => QueryText.Check(query));
        Assert.Equal(("elasticsearch.query", FailureKind.Environment), (error.Code, error.Kind));
        Assert.Contains(said, error.Message, StringComparison.Ordinal);
        Assert.True(error.Message.Length < 500, "The message repeats the query.");
    }

    [Fact]
    public void A_query_of_ten_megabytes_is_refused()
    {
        var error = Assert.Throws<PipelineException>(() => QueryText.Check($$$"""{"term":{"a":"{{{new string('x', 10 << 20)}}}"}}"""));
        Assert.Contains("longer than 1 MiB", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [MemberData(nameof(Accepted))]
    public async Task A_query_that_selects_is_taken_by_both_servers(string query)
    {
        foreach (var kind in Enum.GetValues<ServerKind>())
        {
            await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
            await index.PutAsync(0, 5);
            await using var source = index.Open(run: new RunOptions { Query = query });
            Assert.Null((await Health.OfAsync(source)).Problem);
            await source.SnapshotAsync(selection: new Selection(query));
        }
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch, """{"match":{"n":{"query":1,"bad":2}}}""", "[bad]")]
    [InlineData(ServerKind.Elasticsearch, """{"no_such_query":{}}""", "no_such_query")]
    [InlineData(ServerKind.Elasticsearch, """{"range":{"@timestamp":{"gte":"not a date"}}}""", "not a date")]
    [InlineData(ServerKind.OpenSearch, """{"match":{"n":{"query":1,"bad":2}}}""", "[bad]")]
    [InlineData(ServerKind.OpenSearch, """{"range":{"@timestamp":{"gte":"not a date"}}}""", "not a date")]
    public async Task A_query_that_the_server_does_not_accept_is_one_sentence_before_anything_is_read(ServerKind kind, string query, string said)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        await index.PutAsync(0, 1);
        await using var source = index.Open(run: new RunOptions { Query = query });
        var problem = (await Health.OfAsync(source)).Problem;
        Assert.Equal("elasticsearch.query", problem?.Code);
        Assert.Contains(said, problem!.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("org.elasticsearch", problem.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_query_selects_in_windows_that_widen_where_it_finds_little()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), 2);
        await index.PutAsync(0, 5000);
        await using var source = index.Open(pageSize: 20);
        var pass = await source.SnapshotAsync(2, selection: new Selection("""{"query":{"terms":{"n":[3,2500,4999]}}}"""));
        Assert.Equal([TestIndex.IdOf(3), TestIndex.IdOf(2500), TestIndex.IdOf(4999)], pass.Unique().Records.Select(r => r.Key).Order());
        Assert.True(pass.Batches.Count < 120, $"{pass.Batches.Count} pages for three documents.");
    }

    private static string Deep(int depth) =>
        string.Concat(Enumerable.Repeat("{\"bool\":{\"must\":", depth / 2)) + "{}" + string.Concat(Enumerable.Repeat("}}", depth / 2));
}
