using System.Text;
using System.Text.Json;
using EsPipeline.Api.Scroll;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Api.Tests;

/// <summary>Scrolling: every document once, as it was at the beginning; a cursor that is not as it was given out is none.</summary>
public sealed class ScrollTests(SearchServer search)
{
    private const string Mappings = """{"properties":{"n":{"type":"integer"},"group":{"type":"keyword"}}}""";

    [Fact]
    public async Task Every_document_comes_once_while_the_index_changes()
    {
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { RateLimit = 0 });
        var index = await search.CreateIndexAsync(Mappings, Many(0, 100_000), settings: "\"number_of_shards\":2");
        var seen = new List<int>();
        string? cursor = null;
        for (var page = 0; ; page++)
        {
            var answer = await api.GetAsync($"search/{index}/scroll?size=1000&fields=n{(cursor is null ? "" : $"&cursor={cursor}")}");
            seen.AddRange(answer.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("n").GetInt32()));
            var meta = answer.GetProperty("meta");
            Assert.Equal((100_000, page > 0, seen.Count), (meta.GetProperty("total_records").GetInt32(), meta.GetProperty("has_previous").GetBoolean(), meta.GetProperty("seen").GetInt32()));

            // New documents, and old ones moved to the end of their shards.
            if (page % 10 == 0) await search.AddAsync(index, Many(200_000 + page, 200), first: page % 20 == 0 ? 200_000 + (page * 200) : page * 1000);
            if (!meta.GetProperty("has_next").GetBoolean())
            {
                Assert.False(meta.TryGetProperty("next_cursor", out _));
                break;
            }

            cursor = meta.GetProperty("next_cursor").GetString();
        }

        Assert.Equal(Enumerable.Range(0, 100_000), seen.Order());
    }

    [Fact]
    public async Task An_order_with_equals_and_absent_values_loses_and_repeats_nothing()
    {
        await using var api = await ApiServer.StartAsync(search);
        var documents = Enumerable.Range(0, 500).Select(i => i % 7 == 0 ? $"{{\"n\":{i}}}" : $"{{\"n\":{i},\"group\":\"g{i % 3}\"}}");
        var index = await search.CreateIndexAsync(Mappings, documents, settings: "\"number_of_shards\":3");
        foreach (var size in (int[])[10, 25, 50, 499, 500, 501])
        {
            var seen = new List<int>();
            var path = $"search/{index}/scroll?size={size}&sort=group:desc";
            for (string? cursor = ""; cursor is not null;)
            {
                var answer = await api.GetAsync(path + (cursor.Length > 0 ? $"&cursor={cursor}" : ""));
                seen.AddRange(answer.GetProperty("data").EnumerateArray().Select(d => d.GetProperty("n").GetInt32()));
                cursor = answer.GetProperty("meta").TryGetProperty("next_cursor", out var next) ? next.GetString() : null;
            }

            Assert.Equal(Enumerable.Range(0, 500), seen.Order());
            Assert.All(seen[..140], n => Assert.Equal(2, n % 3));
            Assert.All(seen[^72..], n => Assert.Equal(0, n % 7));
        }
    }

    [Fact]
    public async Task A_page_can_be_asked_for_again()
    {
        await using var api = await ApiServer.StartAsync(search);
        var index = await search.CreateIndexAsync(Mappings, Many(0, 30));
        var first = await api.GetAsync($"search/{index}/scroll?size=10");
        var cursor = first.GetProperty("meta").GetProperty("next_cursor").GetString();
        var once = await api.GetAsync($"search/{index}/scroll?cursor={cursor}");
        var again = await api.GetAsync($"search/{index}/scroll?cursor={cursor}");
        Assert.Equal(once.GetProperty("data").GetRawText(), again.GetProperty("data").GetRawText());
        Assert.NotEqual(first.GetProperty("data").GetRawText(), once.GetProperty("data").GetRawText());
    }

    [Fact]
    public async Task An_altered_cursor_is_refused()
    {
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { RateLimit = 0 });
        var index = await search.CreateIndexAsync(Mappings, Many(0, 30));
        var other = await search.CreateIndexAsync(Mappings, Many(0, 30));
        var good = (await api.GetAsync($"search/{index}/scroll?size=10&sort=n")).GetProperty("meta").GetProperty("next_cursor").GetString()!;
        Assert.DoesNotContain(index, Encoding.UTF8.GetString(System.Buffers.Text.Base64Url.DecodeFromChars(good)), StringComparison.Ordinal);
        var random = new Random(7);
        for (var i = 0; i < 100; i++)
        {
            var altered = good.ToCharArray();
            var at = random.Next(altered.Length);
            altered[at] = altered[at] == 'A' ? 'B' : 'A';
            await RefusedAsync(new string(altered));
        }

        foreach (var bad in (string[])["x", "..", good[..^4], good + "AAAA", good[4..], "%00", "{}", "' or 1=1", new string('A', 5000)]) await RefusedAsync(bad);
        await api.RefusedAsync(HttpMethod.Get, $"search/{other}/scroll?cursor={good}", 400, "api.bad_cursor");
        await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={good}&sort=group", 400, "api.bad_cursor");
        await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={good}&fields=group", 400, "api.bad_cursor");
        await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?size=100000", 400, "api.bad_request");
        await api.GetAsync($"search/{index}/scroll?cursor={good}");

        Task<string> RefusedAsync(string cursor) => api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={Uri.EscapeDataString(cursor)}", 400, "api.bad_cursor");
    }

    [Fact]
    public async Task A_cursor_outlives_a_restart_only_with_a_key_of_its_own()
    {
        var index = await search.CreateIndexAsync(Mappings, Many(0, 30));
        foreach (var key in (Secret?[])[new Secret("a-secret-for-cursors"), null])
        {
            var options = new ApiOptions { CursorKey = key };
            string cursor;
            await using (var before = await ApiServer.StartAsync(search, options))
            {
                cursor = (await before.GetAsync($"search/{index}/scroll?size=10")).GetProperty("meta").GetProperty("next_cursor").GetString()!;
            }

            await using var after = await ApiServer.StartAsync(search, options);
            if (key is null) await after.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={cursor}", 400, "api.bad_cursor");
            else await after.GetAsync($"search/{index}/scroll?cursor={cursor}");
        }
    }

    [Fact]
    public async Task A_view_is_kept_only_for_a_cursor_that_somebody_has()
    {
        var index = await search.CreateIndexAsync(Mappings, Many(0, 30));
        await using var api = await ApiServer.StartAsync(search);
        var before = await OpenViewsAsync();
        for (var i = 0; i < 5; i++) await api.GetAsync($"search/{index}/scroll?size=100");
        Assert.Equal(before, await OpenViewsAsync());
        await api.GetAsync($"search/{index}/scroll?size=10");
        Assert.Equal(before + 1, await OpenViewsAsync());

        async Task<int> OpenViewsAsync() => (await search.SendAsync(HttpMethod.Get, $"{index}/_stats/search")).GetProperty("_all").GetProperty("total").GetProperty("search").GetProperty("open_contexts").GetInt32();
    }

    [Fact]
    public async Task Values_too_long_for_a_cursor_are_refused_before_one_is_given_out()
    {
        var index = await search.CreateIndexAsync("""{"properties":{"a":{"type":"keyword"},"b":{"type":"keyword"}}}""", Enumerable.Range(0, 3).Select(i => $"{{\"a\":\"{i}{new string('x', 30_000)}\",\"b\":\"{new string('y', 30_000)}\"}}"));
        await using var api = await ApiServer.StartAsync(search);
        await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?size=1&sort=a,b", 400, "api.bad_request");
        var cursor = (await api.GetAsync($"search/{index}/scroll?size=1&sort=a")).GetProperty("meta").GetProperty("next_cursor").GetString();
        Assert.Equal(2, (await api.GetAsync($"search/{index}/scroll?cursor={cursor}&size=10")).GetProperty("meta").GetProperty("returned").GetInt32());
    }

    [Fact]
    public async Task A_view_that_is_gone_is_told_as_expired()
    {
        await using var api = await ApiServer.StartAsync(search);
        var index = await search.CreateIndexAsync(Mappings, Many(0, 30));
        var cursor = (await api.GetAsync($"search/{index}/scroll?size=10")).GetProperty("meta").GetProperty("next_cursor").GetString();

        // The server gives up its views of an index that is closed.
        await search.SendAsync(HttpMethod.Post, $"{index}/_close");
        await search.SendAsync(HttpMethod.Post, $"{index}/_open");
        await search.SendAsync(HttpMethod.Get, $"_cluster/health/{index}?wait_for_status=green");
        await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={cursor}", 410, "api.cursor_expired");
    }

    [Fact]
    public async Task An_end_before_the_last_document_is_an_error_and_not_an_end()
    {
        var options = new ApiOptions { CursorKey = new Secret("a-secret-for-cursors") };
        await using var api = await ApiServer.StartAsync(search, options);
        var index = await search.CreateIndexAsync(Mappings, Many(0, 30));
        var first = (await api.GetAsync($"search/{index}/scroll?size=10&sort=n&cursor=")).GetProperty("meta").GetProperty("next_cursor").GetString()!;

        // As if documents had gone from the view: a cursor that stands behind the last of them after only ten.
        using var seal = new CursorSeal(options);
        using var beyond = JsonDocument.Parse("[1000000,1000000]");
        var cursor = seal.Seal(seal.Open(first) with { After = beyond.RootElement.Clone() });
        await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={cursor}", 503, "api.backend_unavailable");
        Assert.Equal(20, (await api.GetAsync($"search/{index}/scroll?cursor={first}&size=20")).GetProperty("meta").GetProperty("returned").GetInt32());
    }

    [Fact]
    public async Task An_index_that_keeps_no_documents_says_so_instead_of_showing_empty_ones()
    {
        var index = await search.CreateIndexAsync("""{"_source":{"enabled":false},"properties":{"n":{"type":"integer"}}}""", Many(0, 3));
        await using var api = await ApiServer.StartAsync(search);
        var told = await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.query_refused", $$"""{"index":"{{index}}"}""");
        Assert.Contains("_source", told, StringComparison.Ordinal);
        await api.RefusedAsync(HttpMethod.Post, "search", 400, "api.query_refused", $$"""{"index":"{{index}}","fields":["_id","n"]}""");
        await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?size=2", 400, "api.query_refused");
        var keys = await api.SearchAsync($$"""{"index":"{{index}}","fields":["_id"],"sort_by":"n"}""");
        Assert.Equal("""[{"_id":"0"},{"_id":"1"},{"_id":"2"}]""", keys.GetProperty("data").GetRawText());
    }

    private static IEnumerable<string> Many(int first, int count) => Enumerable.Range(first, count).Select(i => $"{{\"n\":{i},\"group\":\"g{i % 3}\"}}");
}
