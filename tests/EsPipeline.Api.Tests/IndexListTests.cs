using System.Text.Json;
using EsPipeline.Connectors.Tests.Elasticsearch;

namespace EsPipeline.Api.Tests;

/// <summary>The list of indices: each with its own figures, whatever is the matter with another.</summary>
public sealed class IndexListTests(SearchServer search)
{
    private const string Mappings = """{"properties":{"n":{"type":"integer"}}}""";

    [Fact]
    public async Task An_index_that_can_not_be_searched_takes_no_other_ones_figures_away()
    {
        var own = Guid.NewGuid().ToString("n");
        var well = await search.CreateIndexAsync(Mappings, ["{\"n\":1}", "{\"n\":2}"], $"listed-{own}-well");
        var (red, elsewhere) = ($"listed-{own}-red", $"elsewhere-{own}");
        foreach (var name in (string[])[red, elsewhere])
        {
            // No node has what its shards ask for.
            await search.SendAsync(
                HttpMethod.Put, $"{name}?wait_for_active_shards=0", """{"settings":{"number_of_replicas":0,"index.routing.allocation.require._name":"nowhere"}}""");
        }

        try
        {
            await using var api = await ApiServer.StartAsync(search, new ApiOptions { Indices = [$"listed-{own}-*"] });
            var listed = await ListAsync(api);
            Assert.Equal(new[] { red, well }.Order(StringComparer.Ordinal), listed.Keys.Order(StringComparer.Ordinal));
            Assert.Equal((2, "green"), (listed[well].GetProperty("documents").GetInt32(), listed[well].GetProperty("health").GetString()));
            Assert.Equal((JsonValueKind.Null, "red"), (listed[red].GetProperty("documents").ValueKind, listed[red].GetProperty("health").GetString()));
        }
        finally
        {
            await search.SendAsync(HttpMethod.Delete, red);
            await search.SendAsync(HttpMethod.Delete, elsewhere);
        }
    }

    [Fact]
    public async Task Served_aliases_are_listed_with_all_that_is_behind_them()
    {
        var own = Guid.NewGuid().ToString("n");
        var (a, b) = (await search.CreateIndexAsync(Mappings, ["{\"n\":1}"], $"behind-{own}-a"), await search.CreateIndexAsync(Mappings, ["{\"n\":2}", "{\"n\":3}"], $"behind-{own}-b"));
        var hidden = await search.CreateIndexAsync(Mappings, ["{\"n\":4}"], $"behind-{own}-hidden", "\"hidden\":true");
        await search.SendAsync(HttpMethod.Post, "_aliases", $$$"""{"actions":[{"add":{"indices":["{{{a}}}","{{{b}}}"],"alias":"alias-{{{own}}}-both"}},{"add":{"indices":["{{{a}}}","{{{hidden}}}"],"alias":"alias-{{{own}}}-hidden"}}]}""");
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { Indices = [$"alias-{own}-*"] });
        var (name, facts) = Assert.Single(await ListAsync(api));
        Assert.Equal(($"alias-{own}-both", 3, "green"), (name, facts.GetProperty("documents").GetInt32(), facts.GetProperty("health").GetString()));
        Assert.True(facts.GetProperty("size_bytes").GetInt64() > 0);
    }

    [Fact]
    public async Task Without_the_privilege_for_sizes_the_indices_are_listed_all_the_same()
    {
        var index = await search.CreateIndexAsync(Mappings, ["{\"n\":1}"]);
        await using var proxy = new AnswerProxy(await search.FindAsync())
        {
            Instead = (_, path, _) => path.Contains("_cat/", StringComparison.Ordinal)
                ? ProxiedAnswer.Json(403, """{"error":{"root_cause":[],"type":"security_exception","reason":"action [indices:monitor/settings/get] is unauthorized for user [reader], this action is granted by the index privileges [monitor,manage,all]"},"status":403}""")
                : null,
        };
        await using var api = await ApiServer.StartAsync(new Uri(proxy.Address), new ApiOptions { Indices = [index] });
        var facts = Assert.Single(await ListAsync(api)).Value;
        Assert.Equal((1, JsonValueKind.Null, JsonValueKind.Null), (facts.GetProperty("documents").GetInt32(), facts.GetProperty("size_bytes").ValueKind, facts.GetProperty("health").ValueKind));
    }

    private static async Task<Dictionary<string, JsonElement>> ListAsync(ApiServer api) =>
        (await api.GetAsync("indices")).GetProperty("indices").EnumerateArray().ToDictionary(i => i.GetProperty("name").GetString()!);
}
