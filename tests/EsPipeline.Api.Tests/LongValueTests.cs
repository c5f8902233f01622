namespace EsPipeline.Api.Tests;

/// <summary>What an index does not keep as a whole (<c>ignore_above</c>, 256 characters where the server chooses the mapping) is never passed over in silence.</summary>
public sealed class LongValueTests(SearchServer search)
{
    private static readonly string Long = new('x', 300);
    private static readonly string Longest = new('y', 256);

    [Fact]
    public async Task A_value_longer_than_is_kept_as_a_whole_is_refused_and_said_so()
    {
        var index = await search.CreateIndexAsync("{}", [$$"""{"n":1,"name":"{{Long}}"}""", $$"""{"n":2,"name":"{{Longest}}"}"""]);
        await using var api = await ApiServer.StartAsync(search);
        foreach (var wanted in (string[])[$"\"{Long}\"", $"[\"a\",\"{Long}\"]", $"{{\"gte\":\"{Long}\"}}"])
        {
            foreach (var field in (string[])["name", "name.keyword"])
            {
                var told = await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.bad_value", $$$"""{"index":"{{{index}}}","query_fields":{"{{{field}}}":{{{wanted}}}}}""");
                Assert.Contains("256 characters", told, StringComparison.Ordinal);
            }
        }

        await FindsAsync(api, index, $"\"name\":\"{Longest}\"", 2);
        var listed = (await api.GetAsync($"indices/{index}/fields")).GetProperty("fields").EnumerateArray().Single(f => f.GetProperty("name").GetString() == "name");
        Assert.Equal(256, listed.GetProperty("longest_value").GetInt32());
    }

    [Fact]
    public async Task Of_several_sub_fields_the_one_that_keeps_the_longest_finds_it()
    {
        const string Mappings = """
            {"properties":{"n":{"type":"integer"},"name":{"type":"text","fields":{"keyword":{"type":"keyword","ignore_above":256},"whole":{"type":"keyword"}}},"flat":{"type":"flattened","ignore_above":5}}}
            """;
        var index = await search.CreateIndexAsync(Mappings, [$$$"""{"n":1,"name":"{{{Long}}}","flat":{"a":"123456"}}""", """{"n":2,"name":"short","flat":{"a":"12345"}}"""]);
        await using var api = await ApiServer.StartAsync(search);
        await FindsAsync(api, index, $"\"name\":\"{Long}\"", 1);
        await FindsAsync(api, index, "\"name\":[\"short\"]", 2);
        await FindsAsync(api, index, "\"flat.a\":\"12345\"", 2);
        await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.bad_value", $$$"""{"index":"{{{index}}}","query_fields":{"flat.a":"123456"}}""");
    }

    [Fact]
    public async Task A_number_is_compared_as_a_number_though_it_has_a_sub_field_of_text()
    {
        var index = await search.CreateIndexAsync(
            """{"properties":{"n":{"type":"integer","fields":{"text":{"type":"keyword"}}},"at":{"type":"date","fields":{"text":{"type":"keyword"}}}}}""",
            Enumerable.Range(1, 12).Select(i => $$"""{"n":{{i}},"at":"2024-01-{{i:00}}"}"""));
        await using var api = await ApiServer.StartAsync(search);
        await FindsAsync(api, index, "\"n\":{\"gte\":5,\"lte\":10}", 5, 6, 7, 8, 9, 10);
        await FindsAsync(api, index, "\"at\":{\"gt\":1704844800000}", 11, 12);
    }

    [Fact]
    public async Task A_number_is_no_bound_for_what_is_ordered_as_text()
    {
        var index = await search.CreateIndexAsync(
            """{"properties":{"n":{"type":"integer"},"key":{"type":"keyword"},"name":{"type":"text","fields":{"keyword":{"type":"keyword"}}},"flat":{"type":"flattened"}}}""",
            Enumerable.Range(8, 4).Select(i => $$$"""{"n":{{{i}}},"key":"{{{i}}}","name":"{{{i}}}","flat":{"a":"{{{i}}}"}}"""));
        await using var api = await ApiServer.StartAsync(search);
        foreach (var field in (string[])["key", "name", "flat.a"])
        {
            var told = await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.bad_value", $$$$"""{"index":"{{{{index}}}}","query_fields":{"{{{{field}}}}":{"gte":9,"lte":"99"}}}""");
            Assert.Contains("ordered as text", told, StringComparison.Ordinal);
            await FindsAsync(api, index, $$"""
                "{{field}}":{"gte":"9","lte":"99"}
                """, 9);
        }

        await FindsAsync(api, index, "\"n\":{\"gte\":\"9\"}", 9, 10, 11);
        await FindsAsync(api, index, "\"flat.a\":{\"gt\":\"8\"}", 9);
        await FindsAsync(api, index, "\"flat.a\":{\"lte\":\"11\"}", 10, 11);
    }

    [Fact]
    public async Task Counts_under_a_label_that_is_too_long_are_told_and_are_in_the_sum()
    {
        var documents = new[] { ("a", 5), (Long, 7), (Longest, 3) }.Select(c => $$"""{"label":"{{c.Item1}}","count":{{c.Item2}},"time_bucket":"2024-01-01T00:00:00Z"}""");
        var index = await search.CreateIndexAsync("{}", [.. documents, """{"count":11,"time_bucket":"2024-01-01T00:00:00Z"}"""]);
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = index });
        var all = await api.GetAsync("api/label_counts");
        Assert.Equal((2, 26, 18), (all.GetProperty("total_labels").GetInt32(), all.GetProperty("total_count").GetInt32(), all.GetProperty("unlabelled").GetInt32()));
        Assert.Equal(26, (await api.GetAsync("api/timeline")).GetProperty("series")[0].GetProperty("total").GetInt32());
        var begun = await api.GetAsync("api/label_counts?prefix=a");
        Assert.Equal(5, begun.GetProperty("total_count").GetInt32());
        Assert.False(begun.TryGetProperty("unlabelled", out _));
        Assert.Equal(3, (await api.GetAsync($"api/count_specific?label={Longest}")).GetProperty("count").GetInt32());
        foreach (var path in (string[])[$"api/count_specific?label={Long}", $"api/timeline?label=a&label={Long}"])
        {
            Assert.Contains("256 characters", await api.RefusedAsync(HttpMethod.Get, path, 400, "api.bad_value"), StringComparison.Ordinal);
        }
    }

    private static async Task FindsAsync(ApiServer api, string index, string conditions, params int[] expected)
    {
        var answer = await api.SearchAsync($$$"""{"index":"{{{index}}}","query_fields":{{{{conditions}}}},"sort_by":"n","size":100}""");
        Assert.Equal(expected, answer.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("n").GetInt32()));
    }
}
