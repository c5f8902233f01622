using System.Globalization;
using EsPipeline.Api.Analytics;

namespace EsPipeline.Api.Tests;

/// <summary>Counts at times that nobody expects, or at none, and times that clocks show twice: nothing fails, and nothing is left out in silence.</summary>
public sealed class OddTimeTests(SearchServer search, OpenSearchServer other)
{
    // 1 January of the year 12000, in milliseconds.
    private const string Far = "316516204800000";

    private const string Date = """{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"}}}""";
    private const string Alias = """{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"at":{"type":"date"},"time_bucket":{"type":"alias","path":"at"}}}""";

    [Theory]
    [InlineData(false, Date, "time_bucket")]
    [InlineData(false, Alias, "at")]
    [InlineData(true, Date, "time_bucket")]
    [InlineData(true, Alias, "at")]
    public async Task Counts_at_a_far_time_or_at_none_are_said_and_take_no_others_away(bool isOpenSearch, string mappings, string field)
    {
        var server = isOpenSearch ? other : search;
        var index = await server.CreateIndexAsync(mappings,
        [
            $$"""{"label":"a","count":3,"{{field}}":"2024-01-01T00:00:00Z"}""", $$"""{"label":"b","count":5,"{{field}}":"2024-01-03T00:00:00Z"}""",
            $$"""{"label":"a","count":7,"{{field}}":{{Far}}}""", """{"label":"b","count":11}""",
        ]);
        await using var api = await ApiServer.StartAsync(server, new ApiOptions { CountsIndex = index });
        await ShowsAsync("interval=1d", 8, 3, 11, 7);
        await ShowsAsync("interval=1d&from=2024-01-02", 5, 2, 11, 7);
        await ShowsAsync("interval=1d&to=2024-01-02", 3, 2, 11, null);
        await ShowsAsync("interval=1M&label=a&from=2023-01-01", 3, 1, null, 7);

        var all = await api.GetAsync("api/label_counts");
        Assert.Equal((26, 11), (all.GetProperty("total_count").GetInt32(), all.GetProperty("untimed").GetInt32()));
        var bounded = await api.GetAsync("api/count_specific?label=b&from=2024-01-01&to=2024-01-05&tz=Europe/Berlin");
        Assert.Equal(
            (5, 11, "2024-01-01T00:00:00+01:00", "2024-01-05T23:59:59.999+01:00"),
            (bounded.GetProperty("count").GetInt32(), bounded.GetProperty("untimed").GetInt32(), bounded.GetProperty("from").GetString(), bounded.GetProperty("to").GetString()));

        async Task ShowsAsync(string query, int total, int points, int? untimed, int? far)
        {
            var line = await api.GetAsync($"api/timeline?{query}");
            Assert.Equal(
                (total, points, untimed, far),
                (line.GetProperty("series")[0].GetProperty("total").GetInt32(), line.GetProperty("points").GetArrayLength(),
                    line.TryGetProperty("untimed", out var none) ? none.GetInt32() : null, line.TryGetProperty("out_of_reach", out var beyond) ? beyond.GetInt32() : (int?)null));
        }
    }

    [Fact]
    public async Task Nanoseconds_are_not_asked_for_times_that_they_can_not_hold()
    {
        var index = await search.CreateIndexAsync(
            """{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date_nanos"}}}""", ["""{"label":"a","count":3,"time_bucket":"2024-01-01T00:00:00Z"}"""]);
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = index });
        Assert.Equal(3, (await api.GetAsync("api/timeline?interval=1d")).GetProperty("series")[0].GetProperty("total").GetInt32());
    }

    [Theory]
    [InlineData("Europe/Berlin", "2024-10-27T02:30", "2024-10-27T00:30:00Z", "2024-10-27T01:30:00.001Z")]
    [InlineData("Europe/Berlin", "2024-03-31T03:30", "2024-03-31T01:30:00Z", "2024-03-31T01:30:00.001Z")]
    [InlineData("America/Havana", "2024-11-03", "2024-11-03T04:00:00Z", "2024-11-04T05:00:00Z")]
    [InlineData("America/Havana", "2024-11-02", "2024-11-02T04:00:00Z", "2024-11-03T04:00:00Z")]
    public void A_time_that_clocks_show_twice_begins_at_the_first_and_ends_at_the_second(string zone, string text, string start, string end)
    {
        var tz = TimeZoneInfo.FindSystemTimeZoneById(zone);
        Assert.True(TimeRange.TryReadStart(text, tz, out var first));
        Assert.True(TimeRange.TryReadEnd(text, tz, out var last));
        Assert.Equal((DateTimeOffset.Parse(start, CultureInfo.InvariantCulture), DateTimeOffset.Parse(end, CultureInfo.InvariantCulture)), (first, last));
    }
}
