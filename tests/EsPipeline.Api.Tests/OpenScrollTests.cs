using System.Net;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Api.Tests;

/// <summary>What scrolls hold open at the search server: only so much for each caller, and nothing once they are at their end or too old.</summary>
public sealed class OpenScrollTests(SearchServer search)
{
    private const string Mappings = """{"properties":{"n":{"type":"integer"}}}""";
    private static readonly string[] Keys = ["first-key-of-the-tests", "second-key-of-the-tests"];

    [Fact]
    public async Task One_caller_holds_only_so_many_and_is_told_when_there_is_room_again()
    {
        var clock = new SettableClock();
        var index = await search.CreateIndexAsync(Mappings, Enumerable.Range(0, 30).Select(i => $"{{\"n\":{i}}}"));
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { Keys = new Secret(string.Join(',', Keys)), MaxScrolls = 3, ScrollKeepAlive = TimeSpan.FromMinutes(2) }, time: clock);
        var cursors = new List<string>();
        for (var i = 0; i < 3; i++) cursors.Add((await PageAsync(0)).Cursor!);
        var (status, _, wait) = await PageAsync(0);
        Assert.Equal(HttpStatusCode.TooManyRequests, status);
        Assert.InRange(wait!.Value, TimeSpan.FromSeconds(100), TimeSpan.FromMinutes(2));
        Assert.Equal(3, await OpenViewsAsync(index));

        // Another caller has room of his own, those that are open go on, and one that comes to its end makes room.
        Assert.NotNull((await PageAsync(1)).Cursor);
        Assert.NotNull((await PageAsync(0, cursors[0])).Cursor);
        Assert.Null((await PageAsync(0, cursors[0], 100)).Cursor);
        Assert.Equal(3, await OpenViewsAsync(index));
        Assert.Equal(HttpStatusCode.OK, (await PageAsync(0)).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await PageAsync(0)).Status);

        // So does one that nobody has used for as long as its cursor is good.
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.OK, (await PageAsync(0, cursors[1])).Status);
        clock.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(HttpStatusCode.OK, (await PageAsync(0)).Status);
        Assert.Equal(HttpStatusCode.OK, (await PageAsync(0)).Status);
        Assert.Equal(HttpStatusCode.TooManyRequests, (await PageAsync(0)).Status);

        async Task<(HttpStatusCode Status, string? Cursor, TimeSpan? Wait)> PageAsync(int key, string? cursor = null, int size = 10)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"search/{index}/scroll?size={size}{(cursor is null ? "" : $"&cursor={cursor}")}");
            request.Headers.Add("X-API-Key", Keys[key]);
            using var response = await api.Http.SendAsync(request, SearchServer.Ct);
            var body = System.Text.Json.JsonDocument.Parse(await response.Content.ReadAsStringAsync(SearchServer.Ct)).RootElement;
            if (!response.IsSuccessStatusCode) Assert.Equal("api.too_many_scrolls", body.GetProperty("code").GetString());
            return (response.StatusCode, body.TryGetProperty("meta", out var meta) && meta.TryGetProperty("next_cursor", out var next) ? next.GetString() : null, response.Headers.RetryAfter?.Delta);
        }
    }

    [Fact]
    public void All_together_hold_only_so_many()
    {
        var clock = new SettableClock();
        var views = new Scroll.OpenViews(new ApiOptions(), clock);
        var places = Enumerable.Range(0, Scroll.OpenViews.MostInAll).Select(i => views.Open($"caller {i}")).ToArray();
        var refused = Assert.Throws<Core.Errors.PipelineException>(() => views.Open("one more"));
        Assert.Equal("api.too_many_scrolls", refused.Code);
        Assert.InRange(refused.RetryAfter!.Value, TimeSpan.FromMinutes(4), TimeSpan.FromMinutes(5));
        views.Close(places[7]);
        views.Open("one more");
        clock.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(Scroll.OpenViews.MostInAll, Enumerable.Range(0, Scroll.OpenViews.MostInAll).Select(i => views.Open($"caller {i}")).Distinct().Count());
    }

    [Fact]
    public async Task A_cursor_that_is_too_old_by_the_clock_is_told_as_expired()
    {
        var clock = new SettableClock();
        var index = await search.CreateIndexAsync(Mappings, Enumerable.Range(0, 30).Select(i => $"{{\"n\":{i}}}"));
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { ScrollKeepAlive = TimeSpan.FromMinutes(10) }, time: clock);
        var first = Cursor(await api.GetAsync($"search/{index}/scroll?size=10"));
        clock.Advance(TimeSpan.FromMinutes(9));
        var second = Cursor(await api.GetAsync($"search/{index}/scroll?cursor={first}"));
        clock.Advance(TimeSpan.FromMinutes(1.1));
        var told = await api.RefusedAsync(HttpMethod.Get, $"search/{index}/scroll?cursor={first}", 410, "api.cursor_expired");
        Assert.Contains("was good until 20", told, StringComparison.Ordinal);

        // The next one was given out later, and is good for as long from then on.
        Assert.Equal(10, (await api.GetAsync($"search/{index}/scroll?cursor={second}")).GetProperty("data").GetArrayLength());

        static string Cursor(System.Text.Json.JsonElement answer) => answer.GetProperty("meta").GetProperty("next_cursor").GetString()!;
    }

    private async Task<int> OpenViewsAsync(string index) =>
        (await search.SendAsync(HttpMethod.Get, $"{index}/_stats/search")).GetProperty("_all").GetProperty("total").GetProperty("search").GetProperty("open_contexts").GetInt32();
}
