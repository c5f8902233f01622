using System.Text.Json;

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

    private static async Task<Dictionary<string, JsonElement>> ListAsync(ApiServer api) =>
        (await api.GetAsync("indices")).GetProperty("indices").EnumerateArray().ToDictionary(i => i.GetProperty("name").GetString()!);
}
