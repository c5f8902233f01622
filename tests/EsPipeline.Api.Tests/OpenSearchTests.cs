namespace EsPipeline.Api.Tests;

/// <summary>The same API over OpenSearch: what is asked of it differently, or answered so.</summary>
public sealed class OpenSearchTests(OpenSearchServer search)
{
    private const string Mappings = """
        {"properties":{"n":{"type":"integer"},"group":{"type":"keyword"},"name":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256}}},"flat":{"type":"flat_object"},
        "label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"}}}
        """;

    private static readonly string[] Documents =
        [.. Enumerable.Range(0, 500).Select(i => $$$"""{"n":{{{i}}},{{{(i % 7 == 0 ? "" : $"\"group\":\"g{i % 3}\",")}}}"name":"Ada {{{i % 5}}}","flat":{"a":"{{{i % 2}}}"},"label":"l{{{i % 4}}}","count":{{{i}}},"time_bucket":"2024-01-0{{{1 + (i % 3)}}}T00:00:00Z"}""")];

    [Fact]
    public async Task Every_document_comes_once_and_the_view_is_closed_with_the_last_page()
    {
        var index = await search.CreateIndexAsync(Mappings, Documents, settings: "\"number_of_shards\":3");
        await using var api = await ApiServer.StartAsync(search);
        foreach (var size in (int[])[25, 499, 500, 501])
        {
            var seen = new List<int>();
            for (string? cursor = ""; cursor is not null;)
            {
                var answer = await api.GetAsync($"search/{index}/scroll?size={size}&sort=group:desc{(cursor.Length > 0 ? $"&cursor={cursor}" : "")}");
                seen.AddRange(answer.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("n").GetInt32()));
                cursor = answer.GetProperty("meta").TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
                if (seen.Count == 25) await search.AddAsync(index, ["{\"n\":10000}"], first: 100);
            }

            Assert.Equal(Enumerable.Range(0, 500), seen.Order());
            Assert.Equal(0, (await search.SendAsync(HttpMethod.Get, $"{index}/_stats/search")).GetProperty("_all").GetProperty("total").GetProperty("search").GetProperty("open_contexts").GetInt32());
            await search.AddAsync(index, [Documents[100]], first: 100);
        }
    }

    [Fact]
    public async Task Searches_refusals_and_sums_are_those_of_the_documents()
    {
        var index = await search.CreateIndexAsync(Mappings, Documents, settings: "\"number_of_shards\":3");
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = index, DenyFields = ["group"] });
        foreach (var (condition, expected) in ((string, int)[])[("\"n\":{\"gte\":490}", 10), ("\"name\":\"Ada 3\"", 100), ("\"name\":\"Ada\"", 0), ("\"flat.a\":\"1\"", 250), ("\"_id\":[\"1\",\"2\"]", 2)]) await FindsAsync(condition, expected);
        foreach (var condition in (string[])["\"group\":\"g1\"", "\"grou*\":\"g1\"", "\"flat\":\"1\",\"group.x\":1"]) await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.no_such_field", $$$"""{"index":"{{{index}}}","query_fields":{{{{condition}}}}}""");
        Assert.False((await api.SearchAsync($$"""{"index":"{{index}}","sort_by":"name:desc"}""")).GetProperty("data")[0].TryGetProperty("group", out _));
        await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.bad_value", $$$"""{"index":"{{{index}}}","query_fields":{"name":"{{{new string('x', 300)}}}"}}""");
        await api.RefusedAsync(HttpMethod.Post, "search", 404, "api.no_such_index", """{"index":"not-there"}""");

        var sums = await api.GetAsync("api/label_counts");
        Assert.Equal(
            Enumerable.Range(0, 500).GroupBy(i => i % 4).Select(g => (g.Sum(), $"l{g.Key}")).OrderDescending(),
            sums.GetProperty("labels").EnumerateArray().Select(l => (l.GetProperty("count").GetInt32(), l.GetProperty("label").GetString()!)));
        var line = (await api.GetAsync("api/timeline?label=l1&interval=1d")).GetProperty("series")[0].GetProperty("counts").EnumerateArray().Select(c => c.GetInt32());
        Assert.Equal(Enumerable.Range(0, 3).Select(day => Enumerable.Range(0, 500).Where(i => i % 4 == 1 && i % 3 == day).Sum()), line);
        Assert.StartsWith("OpenSearch", (await api.GetAsync("health")).GetProperty("search_server").GetString(), StringComparison.Ordinal);

        async Task FindsAsync(string condition, int expected) => Assert.Equal(
            expected, (await api.SearchAsync($$$"""{"index":"{{{index}}}","query_fields":{{{{condition}}}}}""")).GetProperty("meta").GetProperty("total_records").GetInt32());
    }

    [Fact]
    public async Task A_data_stream_is_listed_by_its_name_with_all_that_is_behind_it()
    {
        var stream = $"stream-{Guid.NewGuid():n}";
        await search.SendAsync(HttpMethod.Put, $"_index_template/{stream}", $$$$"""{"index_patterns":["{{{{stream}}}}"],"data_stream":{},"priority":500,"template":{"settings":{"number_of_replicas":0}}}""");
        try
        {
            await search.SendAsync(HttpMethod.Post, $"{stream}/_doc?refresh=true", """{"@timestamp":"2024-01-01T00:00:00Z"}""");
            await search.SendAsync(HttpMethod.Post, $"{stream}/_rollover");
            await search.SendAsync(HttpMethod.Post, $"{stream}/_doc?refresh=true", """{"@timestamp":"2024-01-02T00:00:00Z"}""");
            await using var api = await ApiServer.StartAsync(search, new ApiOptions { Indices = [$"{stream}*"] });
            var facts = Assert.Single((await api.GetAsync("indices")).GetProperty("indices").EnumerateArray());
            Assert.Equal((stream, 2, "green"), (facts.GetProperty("name").GetString(), facts.GetProperty("documents").GetInt32(), facts.GetProperty("health").GetString()));
            Assert.True(facts.GetProperty("size_bytes").GetInt64() > 0);
            Assert.Equal(2, (await api.SearchAsync($$"""{"index":"{{stream}}"}""")).GetProperty("meta").GetProperty("total_records").GetInt32());
        }
        finally
        {
            await search.SendAsync(HttpMethod.Delete, $"_data_stream/{stream}");
            await search.SendAsync(HttpMethod.Delete, $"_index_template/{stream}");
        }
    }
}
