namespace EsPipeline.Api.Tests;

/// <summary>Which indices are served: never by a trick of a name, never the server's own, never a hidden one.</summary>
public sealed class IndexRuleTests(SearchServer search)
{
    private const string Mappings = """{"properties":{"n":{"type":"integer"}}}""";

    public static TheoryData<string> HostileNames =>
    [
        "_all", "*", "-*", ".security*", ".security-7", "a,b", "../_cluster/settings", "..", "a%2f_search", "a/_search", "<logs-{now/d}>", "remote:idx", "a\r\nb", "a\0b",
        "_cluster", "+a", "a?b", "a#b", "a\"b", "a b", "a\\b", "a|b", "", new string('x', 256), new string('ü', 128), "\ud83d",
    ];

    [Theory]
    [MemberData(nameof(HostileNames))]
    public async Task A_name_that_means_something_else_is_refused(string name)
    {
        await using var api = await ApiServer.StartAsync(search);
        var (status, body) = await api.AskAsync(HttpMethod.Post, "search", System.Text.Json.JsonSerializer.Serialize(new { index = name }));
        Assert.True((int)status is 400 or 404, $"{(int)status} {body}");
        Assert.StartsWith("api.", body.GetProperty("code").GetString(), StringComparison.Ordinal);
        foreach (var path in (string[])["search/{0}/scroll", "indices/{0}/fields"])
        {
            // The web server itself refuses some of them before there is a route to choose.
            using var response = await api.Http.GetAsync(string.Format(path, Uri.EscapeDataString(name)), SearchServer.Ct);
            Assert.True((int)response.StatusCode is 400 or 404, $"{path}: {(int)response.StatusCode}");
        }
    }

    [Fact]
    public async Task Only_allowed_indices_are_served_and_others_are_as_if_they_were_not_there()
    {
        var mine = await search.CreateIndexAsync(Mappings, ["{\"n\":1}"], $"mine-{Guid.NewGuid():n}");
        var other = await search.CreateIndexAsync(Mappings, ["{\"n\":1}"], $"other-{Guid.NewGuid():n}");
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { Indices = ["mine-*", "exact"] });
        await api.SearchAsync($$"""{"index":"{{mine}}"}""");
        var hidden = await api.RefusedAsync(HttpMethod.Post, "search", 404, "api.no_such_index", $$"""{"index":"{{other}}"}""");
        var missing = await api.RefusedAsync(HttpMethod.Post, "search", 404, "api.no_such_index", """{"index":"mine-missing"}""");
        Assert.Equal(missing.Replace("mine-missing", "", StringComparison.Ordinal), hidden.Replace(other, "", StringComparison.Ordinal));
        await api.RefusedAsync(HttpMethod.Get, $"search/{other}/scroll", 404, "api.no_such_index");
        await api.RefusedAsync(HttpMethod.Get, $"indices/{other}/fields", 404, "api.no_such_index");
        var names = (await api.GetAsync("indices")).GetProperty("indices").EnumerateArray().Select(i => i.GetProperty("name").GetString()).ToArray();
        Assert.Contains(mine, names);
        Assert.All(names, n => Assert.StartsWith("mine-", n, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Hidden_indices_are_not_served_by_name_or_alias()
    {
        var hidden = await search.CreateIndexAsync(Mappings, ["{\"n\":1}"], settings: "\"index.hidden\":true");
        var plain = await search.CreateIndexAsync(Mappings, ["{\"n\":1}"]);
        var (toHidden, toPlain) = ($"alias-{Guid.NewGuid():n}", $"alias-{Guid.NewGuid():n}");
        await search.SendAsync(HttpMethod.Post, "_aliases", $$$"""
            {"actions":[{"add":{"index":"{{{hidden}}}","alias":"{{{toHidden}}}"}},{"add":{"index":"{{{plain}}}","alias":"{{{toHidden}}}"}},{"add":{"index":"{{{plain}}}","alias":"{{{toPlain}}}"}}]}
            """);
        await using var api = await ApiServer.StartAsync(search);
        await api.SearchAsync($$"""{"index":"{{toPlain}}"}""");
        foreach (var name in (string[])[hidden, toHidden]) await api.RefusedAsync(HttpMethod.Post, "search", 404, "api.no_such_index", $$"""{"index":"{{name}}"}""");
        Assert.DoesNotContain((await api.GetAsync("indices")).GetProperty("indices").EnumerateArray(), i => i.GetProperty("name").GetString() == hidden);
    }
}
