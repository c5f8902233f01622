using System.Text.Json;

namespace EsPipeline.Api.Tests;

/// <summary>A denied field is nowhere different from one that is not there: not in answers, conditions, orders, scrolls or lists.</summary>
public sealed class FieldRuleTests(SearchServer search)
{
    private const string Secret = "S3cr3t";

    private const string Mappings = """
        {"properties":{"n":{"type":"integer"},"password":{"type":"text","fields":{"keyword":{"type":"keyword"}}},"pw":{"type":"alias","path":"password"},
        "user":{"properties":{"name":{"type":"keyword"},"ssn":{"type":"keyword","copy_to":"everything"}}},"everything":{"type":"text"},
        "cards":{"type":"nested","properties":{"number":{"type":"keyword"},"bank":{"type":"keyword"}}},"labels":{"type":"flattened"},
        "card_limit":{"type":"integer"},"open":{"type":"keyword"}}}
        """;

    // The same field spelt in every way in which a document may spell it.
    private static readonly string[] Documents =
    [
        $$"""{"n":0,"password":"{{Secret}}","user":{"name":"a","ssn":"{{Secret}}"},"cards":[{"number":"{{Secret}}","bank":"b"}],"labels":{"inner":"{{Secret}}","open":"x"},"card_limit":5,"open":"o"}""",
        $$$"""{"n":1,"p\u0061ssword":"{{{Secret}}}","user.ssn":"{{{Secret}}}","user":{"name":"b"},"cards.number":"{{{Secret}}}","labels":{"inner":{"deeper":"{{{Secret}}}"}},"open":"o"}""",
        $$"""{"n":2,"user":[{"name":"c","ssn":["{{Secret}}"]},{"ssn":"{{Secret}}"}],"PASSWORD":"{{Secret}}","open":"o"}""",
    ];

    private static readonly ApiOptions Denying = new() { DenyFields = ["password", "user.ssn", "card*.number", "labels.inner", "card_limit"] };

    [Fact]
    public async Task No_answer_holds_a_denied_field_however_it_is_asked_for_or_spelt()
    {
        await using var api = await ApiServer.StartAsync(search, Denying);
        var index = await search.CreateIndexAsync(Mappings, Documents);
        foreach (var fields in (string[])["[]", """["*"]""", """["password"]""", """["pass*","p*d"]""", """["user.*"]""", """["user"]""", """["*.ssn","*number"]""", """["cards"]""", """["labels.inner","labels"]""", """["pw","everything","_id"]"""])
        {
            var answer = (await api.SearchAsync($$"""{"index":"{{index}}","fields":{{fields}}}""")).ToString();
            Assert.DoesNotContain(Secret, answer, StringComparison.Ordinal);
            Assert.DoesNotContain("card_limit", answer, StringComparison.Ordinal);
            var names = JsonSerializer.Deserialize<string[]>(fields)!;
            var scroll = (await api.GetAsync($"search/{index}/scroll?fields={Uri.EscapeDataString(string.Join(',', names))}")).ToString();
            Assert.DoesNotContain(Secret, scroll, StringComparison.Ordinal);
        }

        var all = (await api.SearchAsync($$"""{"index":"{{index}}","sort_by":"n"}""")).GetProperty("data");
        Assert.Equal("""{"n":0,"user":{"name":"a"},"cards":[{"bank":"b"}],"labels":{"open":"x"},"open":"o"}""", all[0].GetRawText());
    }

    [Theory]
    [InlineData("password")]
    [InlineData("password.keyword")]
    [InlineData("pw")]
    [InlineData("user.ssn")]
    [InlineData("everything")]
    [InlineData("cards.number")]
    [InlineData("labels.inner")]
    [InlineData("labels.inner.deeper")]
    [InlineData("labels")]
    [InlineData("card_limit")]
    [InlineData("pass*")]
    [InlineData("not_there_at_all")]
    public async Task A_denied_field_can_not_be_searched_or_sorted_by(string field)
    {
        await using var api = await ApiServer.StartAsync(search, Denying);
        var index = await search.CreateIndexAsync(Mappings, Documents);
        foreach (var wanted in (string[])[$"\"{Secret}\"", $"[\"{Secret}\"]", """{"gte":"A"}""", "null"])
        {
            await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.no_such_field", $$$"""{"index":"{{{index}}}","query_fields":{"{{{field}}}":{{{wanted}}}}}""");
        }

        await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.no_such_field", $$"""{"index":"{{index}}","sort_by":"{{field}}:desc"}""");
        await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?sort={field}", 400, "api.no_such_field");
    }

    [Fact]
    public async Task Denied_fields_are_not_listed_and_not_suggested()
    {
        await using var api = await ApiServer.StartAsync(search, Denying);
        var index = await search.CreateIndexAsync(Mappings, Documents);
        var names = (await api.GetAsync($"indices/{index}/fields")).GetProperty("fields").EnumerateArray().Select(f => f.GetProperty("name").GetString());
        Assert.Equal(["cards", "cards.bank", "labels", "n", "open", "user", "user.name"], names.Where(n => n != "PASSWORD"));
        var detail = await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.no_such_field", $$$"""{"index":"{{{index}}}","query_fields":{"passwor":1}}""");
        Assert.DoesNotContain("'password'", detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_allowed_fields_nothing_else_exists()
    {
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { AllowFields = ["n", "user", "cards.bank"], DenyFields = ["*.ssn"] });
        var index = await search.CreateIndexAsync(Mappings, Documents);
        var data = (await api.SearchAsync($$"""{"index":"{{index}}","sort_by":"n","fields":["*"]}""")).GetProperty("data");
        Assert.Equal("""{"n":0,"user":{"name":"a"},"cards":[{"bank":"b"}]}""", data[0].GetRawText());
        Assert.Equal("""{"n":2,"user":[{"name":"c"},{}]}""", data[2].GetRawText());
        var names = (await api.GetAsync($"indices/{index}/fields")).GetProperty("fields").EnumerateArray().Select(f => f.GetProperty("name").GetString());
        Assert.Equal(["cards", "cards.bank", "n", "user", "user.name"], names);
        foreach (var field in (string[])["open", "password", "pw", "user.ssn", "everything", "_id"])
        {
            await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.no_such_field", $$$"""{"index":"{{{index}}}","query_fields":{"{{{field}}}":"o"}}""");
        }
    }
}
