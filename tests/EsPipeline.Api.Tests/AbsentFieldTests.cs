namespace EsPipeline.Api.Tests;

/// <summary>Documents without a field, and conditions on nested objects: what the index can't tell is refused, and never guessed.</summary>
public sealed class AbsentFieldTests(SearchServer search, OpenSearchServer other)
{
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_field_is_absent_only_where_the_document_has_none(bool isOpenSearch)
    {
        const string Mappings = """
            {"properties":{"id":{"type":"integer"},"short":{"type":"keyword","ignore_above":3},"malformed":{"type":"integer","ignore_malformed":true},"same":{"type":"alias","path":"malformed"},
            "name":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":3}}},"unkept":{"type":"keyword","index":false,"doc_values":false},"blob":{"type":"binary"},
            "columns":{"type":"integer","index":false},"plain":{"type":"text","norms":false},"dark":{"type":"text","index":false}}}
            """;
        var server = isOpenSearch ? other : search;
        var index = await server.CreateIndexAsync(Mappings,
        [
            """{"id":0}""",
            """{"id":1,"short":"long","malformed":"no number","name":"a long name","unkept":"a","blob":"YQ==","columns":1,"plain":"a b","dark":"a"}""",
            """{"id":2,"short":"abc","malformed":2,"name":"abc","columns":2,"plain":"c"}""",
        ]);
        await using var api = await ApiServer.StartAsync(server);
        foreach (var field in (string[])["malformed", "same", "name", "columns", "plain"])
        {
            var answer = await api.SearchAsync($$$"""{"index":"{{{index}}}","query_fields":{"{{{field}}}":null},"fields":["id"]}""");
            Assert.True(answer.GetProperty("data").GetRawText() == """[{"id":0}]""", $"{field}: {answer.GetProperty("data")}");
        }

        foreach (var field in (string[])["short", "name.keyword", "unkept", "blob", "dark"])
        {
            await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.bad_value", $$$"""{"index":"{{{index}}}","query_fields":{"{{{field}}}":null}}""");
        }
    }

    [Fact]
    public async Task Conditions_on_one_nested_object_have_to_fit_the_same_one()
    {
        const string Mappings = """
            {"properties":{"id":{"type":"integer"},"items":{"type":"nested","properties":{"sku":{"type":"keyword"},"count":{"type":"integer"},
            "lots":{"type":"nested","properties":{"lot":{"type":"keyword"},"place":{"type":"keyword"}}},"marks":{"type":"nested","properties":{"mark":{"type":"keyword"}}}}}}}
            """;
        var index = await search.CreateIndexAsync(Mappings,
        [
            """{"id":0,"items":[{"sku":"a","count":1,"lots":[{"lot":"x","place":"p"},{"lot":"y","place":"q"}],"marks":{"mark":"m"}},{"sku":"b","count":2,"lots":{"lot":"z","place":"p"},"marks":{"mark":"n"}}]}""",
            """{"id":1,"items":[{"sku":"a","count":2,"lots":{"lot":"z","place":"q"},"marks":{"mark":"m"}}]}""",
        ]);
        await using var api = await ApiServer.StartAsync(search);
        await FindsAsync("\"items.sku\":\"a\",\"items.count\":2", "1");
        await FindsAsync("\"items.sku\":\"a\",\"id\":{\"gte\":0}", "0 1");
        await FindsAsync("\"items.lots.lot\":\"x\",\"items.lots.place\":\"q\"", "");
        await FindsAsync("\"items.lots.lot\":\"y\",\"items.lots.place\":\"q\",\"items.count\":1", "0");
        await FindsAsync("\"items.lots.lot\":\"z\",\"items.sku\":\"a\"", "1");
        await FindsAsync("\"items.lots.lot\":\"z\",\"items.marks.mark\":\"m\"", "1");
        await FindsAsync("\"items.lots.lot\":\"z\",\"items.sku\":null", "");

        async Task FindsAsync(string conditions, string expected)
        {
            var answer = await api.SearchAsync($$$"""{"index":"{{{index}}}","query_fields":{{{{conditions}}}},"sort_by":"id"}""");
            Assert.True(expected == string.Join(' ', answer.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("id").GetRawText())), $"{conditions}: {answer}");
        }
    }
}
