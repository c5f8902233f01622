using System.Globalization;

namespace EsPipeline.Chaos;

/// <summary>What the modes single, full-sync and custom select, as a person runs them one after the other.</summary>
public sealed class ElasticsearchSelectionTests
{
    private const string Settings = """{"settings":{"number_of_shards":2,"number_of_replicas":0},"mappings":{"properties":{"@timestamp":{"type":"date"},"n":{"type":"long"}}}}""";

    [Fact]
    public async Task A_first_single_run_takes_the_last_minutes_the_next_what_is_new_and_full_sync_everything()
    {
        Document[] old = [.. Enumerable.Range(0, 20).Select(i => At($"old-{i}", TimeProvider.System.GetUtcNow().AddDays(-i - 1)))];
        Document[] recent = [.. Enumerable.Range(0, 5).Select(i => At($"recent-{i}", TimeProvider.System.GetUtcNow()))];
        await using var index = await ElasticsearchIndex.CreateAsync(Settings, [.. old, .. recent]);
        await using var copy = new ElasticsearchCopy(index.Server);
        using var folder = new EspipeFolder();
        (await folder.RunAsync(Arguments(index, copy, "single"))).Ended(0);
        ContentAssert.Same(recent, await copy.ReadAllAsync());
        Assert.Contains("nothing is new since", (await folder.RunAsync(Arguments(index, copy, "single"))).Ended(0).Output, StringComparison.Ordinal);

        Document[] late = [At("late", TimeProvider.System.GetUtcNow().AddDays(-100))];
        await index.PutAsync(late);
        (await folder.RunAsync(Arguments(index, copy, "single"))).Ended(0);
        ContentAssert.Same([.. recent, .. late], await copy.ReadAllAsync());

        var full = (await folder.RunAsync(Arguments(index, copy, "full-sync"))).Ended(0);
        Assert.Contains("everything is copied now", full.Error, StringComparison.Ordinal);
        ContentAssert.Same([.. old, .. recent, .. late], await copy.ReadAllAsync());
        Assert.Contains("everything was copied", (await folder.RunAsync(Arguments(index, copy, "full-sync"))).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Custom_copies_what_its_query_selects_and_nothing_else()
    {
        Document[] documents = [.. Enumerable.Range(0, 50).Select(i => new Document($"d-{i}", $$"""{"n":{{i}}}"""))];
        const string query = """{"range":{"n":{"gte":40}}}""";
        await using var index = await ElasticsearchIndex.CreateAsync(Settings, documents);
        using var folder = new EspipeFolder();
        folder.Write("query.json", query);
        string[][] ways = [["--query", query], ["--query-file", "query.json"], []];
        foreach (var way in ways)
        {
            await using var copy = new ElasticsearchCopy(index.Server);
            if (way.Length == 0) folder.Environment["ESPIPE_QUERY"] = query;
            for (var run = 0; run < 2; run++)
            {
                var told = (await folder.RunAsync([.. Arguments(index, copy, "custom"), .. way])).Ended(0);
                Assert.Contains("read 10 = ", told.Output, StringComparison.Ordinal);
                ContentAssert.Same(documents[40..], await copy.ReadAllAsync());
            }
        }
    }

    private static string[] Arguments(ElasticsearchIndex index, ElasticsearchCopy copy, string mode) =>
    [
        "--source", "elasticsearch", "--es-url", index.Server.ToString(), "--es-index", index.Name, "--sink", "elasticsearch",
        "--sink-es-url", index.Server.ToString(), "--sink-es-index", copy.Name, "--mode", mode,
    ];

    private static Document At(string key, DateTimeOffset time) =>
        new(key, string.Create(CultureInfo.InvariantCulture, $$"""{"@timestamp":"{{time.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}}"}"""));
}
