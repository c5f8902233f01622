using System.Text.Json;

namespace EsPipeline.Api.Tests;

/// <summary>Searching: what is asked for is what comes back, and where a page stands among all.</summary>
public sealed class SearchTests(SearchServer search)
{
    private const string Mappings = """
        {"properties":{"n":{"type":"integer"},"name":{"type":"text","fields":{"keyword":{"type":"keyword"}}},"note":{"type":"text"},
        "price":{"type":"double"},"paid":{"type":"boolean"},"at":{"type":"date"},"flat":{"type":"flattened"},
        "items":{"type":"nested","properties":{"sku":{"type":"keyword"},"count":{"type":"integer"}}},"address":{"properties":{"city":{"type":"keyword"}}}}}
        """;

    private static readonly string[] Documents = [.. Enumerable.Range(0, 25).Select(i => JsonSerializer.Serialize(new
    {
        n = i,
        name = i % 5 == 0 ? "Ada Lovelace" : $"Ada {i}",
        note = $"Rechnung Nummer {i} für 世界",
        price = i * 1.5,
        paid = i % 2 == 0,
        at = $"2024-01-{i + 1:00}T12:00:00Z",
        flat = new { colour = i % 3 == 0 ? "red" : "blue" },
        items = new[] { new { sku = $"s{i}", count = i }, new { sku = "common", count = 1 } },
        address = i < 20 ? new { city = "Berlin" } : null,
    }))];

    [Fact]
    public async Task Values_lists_and_ranges_find_what_they_say()
    {
        await using var api = await ApiServer.StartAsync(search);
        var index = await search.CreateIndexAsync(Mappings, Documents);
        await FindsAsync("""{"n":7}""", 7);
        await FindsAsync("""{"n":[1,"2",24,99]}""", 1, 2, 24);
        await FindsAsync("""{"n":{"gte":20,"lt":22}}""", 20, 21);
        await FindsAsync("""{"price":{"gt":33}}""", 23, 24);
        await FindsAsync("""{"name":"Ada Lovelace"}""", 0, 5, 10, 15, 20);
        await FindsAsync("""{"name":"Ada"}""");
        await FindsAsync("""{"name":["Ada 1","Ada 2","ada 3"]}""", 1, 2);
        await FindsAsync("""{"name":{"gte":"Ada 8","lte":"Ada 9"}}""", 8, 9);
        await FindsAsync("""{"note":"Nummer 7"}""", 7);
        await FindsAsync("""{"at":{"gte":"2024-01-24"}}""", 23, 24);
        await FindsAsync("""{"paid":true,"n":{"gte":22}}""", 22, 24);
        await FindsAsync("""{"items.sku":"s3"}""", 3);
        await FindsAsync("""{"items.count":{"gt":23}}""", 24);
        await FindsAsync("""{"flat.colour":"red","n":{"lt":6}}""", 0, 3);
        await FindsAsync("""{"address.city":null}""", 20, 21, 22, 23, 24);
        await FindsAsync("""{"_id":["3","4"]}""", 3, 4);
        await FindsAsync("""{"name":"*"}""");
        await FindsAsync("""{"name.keyword":"Ada 4"}""", 4);

        async Task FindsAsync(string conditions, params int[] expected)
        {
            var answer = await api.SearchAsync($$"""{"index":"{{index}}","query_fields":{{conditions}},"sort_by":"n","size":100}""");
            Assert.Equal(expected, answer.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("n").GetInt32()));
            Assert.Equal(expected.Length, answer.GetProperty("meta").GetProperty("total_records").GetInt32());
        }
    }

    [Fact]
    public async Task Pages_say_where_they_stand()
    {
        await using var api = await ApiServer.StartAsync(search);
        var index = await search.CreateIndexAsync(Mappings, Documents);
        var seen = new List<int>();
        for (var page = 1; page <= 4; page++)
        {
            var answer = await api.SearchAsync($$"""{"index":"{{index}}","sort_by":["paid:desc","n"],"page":{{page}},"page_size":7,"fields":["n"]}""");
            seen.AddRange(answer.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("n").GetInt32()));
            var meta = answer.GetProperty("meta");
            Assert.Equal(
                (25, 7, page, 4, page < 4, page > 1, """["n"]"""),
                (meta.GetProperty("total_records").GetInt32(), meta.GetProperty("page_size").GetInt32(), meta.GetProperty("current_page").GetInt32(),
                    meta.GetProperty("total_pages").GetInt32(), meta.GetProperty("has_next").GetBoolean(), meta.GetProperty("has_previous").GetBoolean(), meta.GetProperty("selected_fields").GetRawText()));
        }

        Assert.Equal(Enumerable.Range(0, 25).Where(i => i % 2 == 0).Concat(Enumerable.Range(0, 25).Where(i => i % 2 == 1)), seen);
        var none = await api.SearchAsync($$$"""{"index":"{{{index}}}","query_fields":{"n":99}}""");
        Assert.Equal(0, none.GetProperty("data").GetArrayLength());
        Assert.False(none.GetProperty("meta").GetProperty("has_next").GetBoolean());
    }

    [Fact]
    public async Task Documents_come_as_the_bytes_that_were_indexed()
    {
        const string Odd = """{"n":9007199254740993,"name":"x\u0000\ud83d\ude00","price":1.0,"note":"<script>","extra":{"a":[1,[2,3]],"b":null}}""";
        await using var api = await ApiServer.StartAsync(search);
        var index = await search.CreateIndexAsync("""{"properties":{"n":{"type":"long"}}}""", [Odd]);
        var answer = await api.SearchAsync($$"""{"index":"{{index}}"}""");
        Assert.Equal(Odd, answer.GetProperty("data")[0].GetRawText());
    }

    [Fact]
    public async Task Fields_come_back_as_chosen()
    {
        await using var api = await ApiServer.StartAsync(search);
        var index = await search.CreateIndexAsync(Mappings, Documents);
        Assert.Equal("""{"n":3}""", await OneAsync("""["n"]"""));
        Assert.Equal("""{"items":[{"sku":"s3"},{"sku":"common"}]}""", await OneAsync("""["items.sku"]"""));
        Assert.Equal("""{"name":"Ada 3","n":3}""", await OneAsync("""["n*"]""", """["note"]"""));
        Assert.Equal("""{"_id":"3","n":3}""", await OneAsync("""["_id","n"]"""));
        Assert.Equal("""{"_id":"3"}""", await OneAsync("""["_id"]"""));

        async Task<string> OneAsync(string fields, string excluded = "[]")
        {
            var answer = await api.SearchAsync($$"""{"index":"{{index}}","query_fields":{"n":3},"fields":{{fields}},"exclude_fields":{{excluded}}}""");
            var document = answer.GetProperty("data")[0].EnumerateObject().OrderBy(p => p.Name == "n").ThenByDescending(p => p.Name);
            return "{" + string.Join(',', document.Select(p => $"\"{p.Name}\":{p.Value.GetRawText()}")) + "}";
        }
    }

    [Fact]
    public async Task What_can_not_be_asked_is_refused_with_the_reason()
    {
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { MaxPageSize = 500 });
        var index = await search.CreateIndexAsync(Mappings, Documents);
        Assert.Contains("'name'", await RefusedAsync("api.no_such_field", "\"query_fields\":{\"nam\":1}"), StringComparison.Ordinal);
        Assert.Contains("object", await RefusedAsync("api.no_such_field", "\"query_fields\":{\"address\":1}"), StringComparison.Ordinal);
        await RefusedAsync("api.no_such_field", "\"query_fields\":{\"n*\":1}");
        await RefusedAsync("api.no_such_field", "\"sort_by\":\"_score\"");
        await RefusedAsync("api.no_such_field", "\"sort_by\":\"_id\"");
        Assert.Contains("text", await RefusedAsync("api.no_such_field", "\"sort_by\":\"note:desc\""), StringComparison.Ordinal);
        await RefusedAsync("api.no_such_field", "\"query_fields\":{\"_source\":1}");
        await RefusedAsync("api.no_such_field", "\"query_fields\":{\"_index\":\"a\"}");
        await RefusedAsync("api.bad_value", "\"query_fields\":{\"n\":\"many\"}");
        await RefusedAsync("api.bad_value", "\"query_fields\":{\"n\":[[1]]}");
        await RefusedAsync("api.bad_value", "\"query_fields\":{\"n\":{\"gte\":{\"a\":1}}}");
        await RefusedAsync("api.bad_value", "\"query_fields\":{\"paid\":\"maybe\"}");
        await RefusedAsync("api.bad_value", "\"query_fields\":{\"note\":{\"gte\":\"a\"}}");
        await RefusedAsync("api.bad_request", "\"query_fields\":{\"n\":{\"script\":\"1\"}}");
        await RefusedAsync("api.bad_request", "\"query_fields\":{\"n\":{}}");
        await RefusedAsync("api.bad_request", "\"query_fields\":{\"n\":[]}");
        await RefusedAsync("api.bad_request", "\"query_fields\":[1]");
        await RefusedAsync("api.query_refused", "\"query_fields\":{\"at\":\"yesterday at noon\"}");
        await RefusedAsync("api.bad_request", "\"size\":501");
        await RefusedAsync("api.bad_request", "\"size\":0");
        await RefusedAsync("api.bad_request", "\"size\":1.5");
        await RefusedAsync("api.bad_request", "\"size\":5,\"page_size\":6");
        await RefusedAsync("api.bad_request", "\"page\":-1");
        await RefusedAsync("api.bad_request", "\"fields\":[\"a*b*c*d*\"]");
        await RefusedAsync("api.bad_request", "\"sort_by\":\"n:up\"");
        foreach (var member in (string[])["query", "script", "script_fields", "runtime_mappings", "wrapper", "pit", "sort", "aggs", "_source", "from", "scroll", "post_filter"])
        {
            await RefusedAsync("api.bad_request", $$$"""
                "{{{member}}}":{"match_all":{}}
                """);
        }

        var (_, deep) = await api.AskAsync(HttpMethod.Post, "search", $$"""{"index":"{{index}}","page":101,"page_size":100}""");
        Assert.Equal("api.beyond_window", deep.GetProperty("code").GetString());
        Assert.Contains($"/search/{index}/scroll", deep.GetProperty("remedy").GetString(), StringComparison.Ordinal);

        Task<string> RefusedAsync(string code, string member) => api.RefusedAsync(HttpMethod.Post, "search", 400, code, $$"""{"index":"{{index}}",{{member}}}""");
    }

    [Fact]
    public async Task Indices_and_fields_are_listed_with_what_is_in_them()
    {
        await using var api = await ApiServer.StartAsync(search);
        var index = await search.CreateIndexAsync(Mappings, Documents);
        var listed = (await api.GetAsync("indices")).GetProperty("indices").EnumerateArray().Single(i => i.GetProperty("name").GetString() == index);
        Assert.Equal(25, listed.GetProperty("documents").GetInt32());
        Assert.True(listed.GetProperty("size_bytes").GetInt64() > 0);
        Assert.Equal("green", listed.GetProperty("health").GetString());

        var fields = (await api.GetAsync($"indices/{index}/fields")).GetProperty("fields").EnumerateArray()
            .Select(f => $"{f.GetProperty("name")}:{f.GetProperty("type")}{(f.TryGetProperty("nested", out var nested) ? $" in {nested}" : "")}{(f.TryGetProperty("exact_through", out var exact) ? $" through {exact}" : "")}");
        Assert.Equal(
            ["address:object", "address.city:keyword", "at:date", "flat:flattened", "items:nested", "items.count:integer in items", "items.sku:keyword in items", "n:integer",
                "name:text through name.keyword", "name.keyword:keyword", "note:text", "paid:boolean", "price:double"],
            fields);
    }
}
