using System.Text.Json;
using EsPipeline.Api.Indices;
using EsPipeline.Api.Search;

namespace EsPipeline.Api.Tests;

/// <summary>The ways round a field rule that a mapping opens: other names, copies, computed fields, indices that do not agree.</summary>
public sealed class FieldRuleBypassTests(SearchServer search)
{
    private const string Secret = "S3cr3t";

    private const string Mappings = """
        {"runtime":{"computed":{"type":"keyword"}},"properties":{"n":{"type":"integer"},"at":{"type":"date"},
        "name":{"type":"text","fields":{"keyword":{"type":"keyword"},"flat":{"type":"keyword"}}},"also":{"type":"alias","path":"name.keyword"},
        "labels":{"type":"flattened"},"tags":{"type":"alias","path":"labels"},"plain":{"type":"flattened"},"plain_too":{"type":"alias","path":"plain"},
        "user":{"properties":{"ssn":{"type":"keyword","copy_to":["everything","all.text"]}}},
        "everything":{"type":"text","fields":{"keyword":{"type":"keyword"}}},"copied":{"type":"alias","path":"everything.keyword"},
        "all":{"properties":{"text":{"type":"keyword"}}},"copied_too":{"type":"alias","path":"all.text"},
        "cards":{"type":"nested","properties":{"number":{"type":"keyword"},"bank":{"type":"keyword"},"digits":{"type":"alias","path":"cards.number"}}},
        "bin":{"type":"binary"},"free":{"type":"object","dynamic":false}}}
        """;

    private static readonly string[] Documents =
    [
        $$$"""{"n":1,"name":"{{{Secret}}}","labels":{"inner":"{{{Secret}}}","open":"x"},"plain":{"a":"b"},"user":{"ssn":"{{{Secret}}}"},"cards":[{"number":"{{{Secret}}}","bank":"b"}],"computed":"{{{Secret}}}"}""",
        """{"n":2,"labels":{"open":"x"},"user":{}}""",
    ];

    private static readonly ApiOptions Denying = new() { RateLimit = 0, DenyFields = ["name", "labels.inner", "user.ssn", "cards.number", "computed", "free.*.hidden"] };

    private static readonly string[] WaysRound =
    [
        "name", "name.keyword", "name.flat", "NAME", "Name.Keyword", "also", "labels.inner", "labels.INNER", "labels.inner.x", "labels", "labels.*", "labels.i*", "tags", "tags.inner",
        "tags.*", "user.ssn", "user.*", "user", "everything", "everything.keyword", "copied", "all.text", "copied_too", "cards.number", "cards", "cards.digits", "cards.*", "computed", "free.a.hidden",
        "*", "n*", "_source", "_index", "_routing", "_ignored", "_field_names", "_seq_no", "_version", "_doc", "_score", "_shard_doc", "_name", "name.", ".name", "name..keyword", " name", "name ",
        "nam\\u0065", "n\\u0061me", "\\uff4eame", "name\\u200b", "nаme", "", ".", "..", "name^5", "name:x", "name,n", "/na.*/", "user\\\\.ssn", "params.name", "doc['name']",
    ];

    [Fact]
    public async Task No_name_searches_or_sorts_by_a_denied_field()
    {
        var index = await search.CreateIndexAsync(Mappings, Documents);
        await using var api = await ApiServer.StartAsync(search, Denying);
        foreach (var field in WaysRound)
        {
            foreach (var wanted in (string[])[$"\"{Secret}\"", $"[\"{Secret}\",\"x\"]", $$"""{"gte":"{{Secret}}","lte":"{{Secret}}"}""", "null"])
            {
                await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.no_such_field", $$$"""{"index":"{{{index}}}","query_fields":{"{{{field}}}":{{{wanted}}}}}""");
            }

            foreach (var sort in (string[])[$"\"{field}:desc\"", $"[\"n\",\"{field}:asc\"]", $$"""{"{{field}}":"desc"}"""])
            {
                var (status, body) = await api.AskAsync(HttpMethod.Post, "search", $$"""{"index":"{{index}}","sort_by":{{sort}}}""");
                Assert.True((int)status == 400 && body.GetProperty("code").GetString() is "api.no_such_field" or "api.bad_request", $"{sort}: {(int)status} {body}");
            }

            var unescaped = JsonSerializer.Deserialize<string>($"\"{field}\"")!;
            if (unescaped.Length == 0) continue;
            var (scrolled, answer) = await api.AskAsync(HttpMethod.Get, $"search/{index}/scroll?sort=n,{Uri.EscapeDataString(unescaped)}");
            Assert.True((int)scrolled == 400, $"{field}: {(int)scrolled} {answer}");
        }
    }

    [Theory]
    [InlineData("_value")]
    [InlineData("_valueAndPath")]
    [InlineData("_valueAndPath.more")]
    [InlineData("open=a")]
    [InlineData("open\0a")]
    public void The_inner_names_of_a_flattened_field_reach_nothing(string key)
    {
        using var mappings = System.Text.Json.JsonDocument.Parse("""{"i":{"mappings":{"properties":{"labels":{"type":"flat_object"}}}}}""");
        var fields = Indices.IndexFields.Of(mappings.RootElement, new Search.FieldRules(new ApiOptions { DenyFields = ["labels.secret"] }));
        Assert.Equal("labels.open", fields.Find("labels.open").Name);
        Assert.Equal("api.no_such_field", Assert.Throws<Core.Errors.PipelineException>(() => fields.Find($"labels.{key}")).Code);
    }

    [Fact]
    public async Task What_is_not_denied_can_still_be_asked_by_its_other_names()
    {
        var index = await search.CreateIndexAsync(Mappings, Documents);
        await using var api = await ApiServer.StartAsync(search, Denying);
        foreach (var condition in (string[])["\"labels.open\":\"x\",\"n\":1", "\"plain_too\":\"b\"", "\"plain_too.a\":\"b\"", "\"cards.bank\":\"b\""])
        {
            var answer = await api.SearchAsync($$$"""{"index":"{{{index}}}","query_fields":{{{{condition}}}}}""");
            Assert.Equal(1, answer.GetProperty("meta").GetProperty("total_records").GetInt32());
        }
    }

    [Theory]
    [InlineData("[\"user.ssn\"]", "[{},{}]")]
    [InlineData("[\"user.s*\"]", "[{},{}]")]
    [InlineData("[\"labels.inner\",\"n\"]", "[{\"n\":1},{\"n\":2}]")]
    [InlineData("[\"cards.number\"]", "[{},{}]")]
    [InlineData("[\"name\",\"computed\"]", "[{},{}]")]
    public async Task Naming_a_denied_field_does_not_tell_which_documents_have_it(string fields, string expected)
    {
        var index = await search.CreateIndexAsync(Mappings, Documents);
        await using var api = await ApiServer.StartAsync(search, Denying);
        var answer = await api.SearchAsync($$"""{"index":"{{index}}","fields":{{fields}},"sort_by":"n"}""");
        Assert.Equal(expected, answer.GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task A_cursor_of_other_rules_shows_what_the_rules_of_now_let_it()
    {
        var index = await search.CreateIndexAsync(Mappings, Documents);
        var key = new Core.Configuration.Secret("a-secret-for-cursors");
        string all, sorted;
        await using (var before = await ApiServer.StartAsync(search, new ApiOptions { CursorKey = key }))
        {
            all = (await before.GetAsync($"search/{index}/scroll?size=1&sort=n:desc")).GetProperty("meta").GetProperty("next_cursor").GetString()!;
            sorted = (await before.GetAsync($"search/{index}/scroll?size=1&sort=user.ssn:desc&fields=name,n")).GetProperty("meta").GetProperty("next_cursor").GetString()!;
        }

        await using var after = await ApiServer.StartAsync(search, Denying with { CursorKey = key });
        var page = await after.GetAsync($"search/{index}/scroll?cursor={all}");
        Assert.DoesNotContain(Secret, page.ToString(), StringComparison.Ordinal);
        Assert.Equal(1, page.GetProperty("data")[0].GetProperty("n").GetInt32());
        await after.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={sorted}", 400, "api.no_such_field");

        await using var elsewhere = await ApiServer.StartAsync(search, new ApiOptions { CursorKey = key, Indices = ["other-*"] });
        await elsewhere.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={all}", 404, "api.no_such_index");
    }

    [Fact]
    public async Task A_document_that_no_rule_can_read_is_shown_without_what_can_not_be_read()
    {
        var deep = string.Concat(Enumerable.Repeat("{\"a\":", 200)) + "1" + new string('}', 200);
        var index = await search.CreateIndexAsync(Mappings, [$$$"""{"n":1,"free":{"x\ud83d":"{{{Secret}}}","b":1,"c":{"hidden":"{{{Secret}}}"} } }""", $$"""{"n":2,"free":{{deep}}}"""]);
        await using var api = await ApiServer.StartAsync(search, Denying);
        var (status, body) = await api.AskAsync(HttpMethod.Post, "search", $$$"""{"index":"{{{index}}}","query_fields":{"n":1}}""");
        Assert.True((int)status == 200, body.ToString());
        Assert.Equal("""[{"n":1,"free":{"b":1,"c":{}}}]""", body.GetProperty("data").GetRawText());
        using var content = new StringContent($$$"""{"index":"{{{index}}}","query_fields":{"n":2}}""", System.Text.Encoding.UTF8, "application/json");
        using var response = await api.Http.PostAsync("search", content, SearchServer.Ct);
        Assert.Contains(deep, await response.Content.ReadAsStringAsync(SearchServer.Ct), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("open", """{"i":{"mappings":{"runtime":{"open":{"type":"keyword"}},"properties":{"open":{"type":"keyword"}}}}}""")]
    [InlineData("made.part", """{"i":{"mappings":{"runtime":{"made":{"type":"composite"}},"properties":{"made":{"properties":{"part":{"type":"keyword"}}}}}}}""")]
    [InlineData("x", """{"a":{"mappings":{"properties":{"x":{"type":"alias","path":"hidden"},"hidden":{"type":"keyword"},"open":{"type":"keyword"}}}},"b":{"mappings":{"properties":{"x":{"type":"alias","path":"open"},"open":{"type":"keyword"}}}}}""")]
    [InlineData("f", """{"a":{"mappings":{"properties":{"f":{"type":"keyword"}}}},"b":{"mappings":{"properties":{"f":{"type":"flattened"}}}}}""")]
    [InlineData("f", """{"a":{"mappings":{"properties":{"f":{"type":"flat_object"}}}}}""")]
    [InlineData("f.secret", """{"a":{"mappings":{"properties":{"f":{"type":"flat_object"}}}}}""")]
    public void A_name_that_may_lead_to_a_denied_field_in_any_index_is_denied(string field, string mappings)
    {
        using var json = JsonDocument.Parse(mappings);
        var rules = new FieldRules(new ApiOptions { DenyFields = ["hidden", "f.secret"] });
        Assert.Equal("api.no_such_field", Assert.Throws<Core.Errors.PipelineException>(() => IndexFields.Of(json.RootElement, rules).Find(field)).Code);
        Assert.Equal(field, IndexFields.Of(json.RootElement, new FieldRules(new ApiOptions())).Find(field).Name);
    }
}
