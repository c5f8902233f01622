using System.Globalization;
using System.Text.Json;

namespace EsPipeline.Api.Tests;

/// <summary>Figures are sums of <c>count</c>, equal to those that are added up here from the same documents, whatever the shards.</summary>
public sealed class AnalyticsTests(SearchServer search)
{
    private const string Mappings = """
        {"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"},"@timestamp":{"type":"date"},"s3_source_file":{"type":"keyword"}}}
        """;

    // The server's own choice: a label is text, with a keyword in it.
    private const string Unmapped = "{}";

    private static readonly DateTimeOffset Start = new(2024, 3, 30, 0, 0, 0, TimeSpan.Zero);
    private static readonly string[] Odd = ["a@b", "grüße 世界", "with space", "\"quoted\"", "=SUM(A1)", "ORDERS", "orders-eu", "orders-us"];

    private static readonly Counted[] All = [.. Make(new Random(11))];

    [Theory]
    [InlineData(Mappings)]
    [InlineData(Unmapped)]
    public async Task Label_totals_are_exact_on_several_shards(string mappings)
    {
        await using var api = await StartAsync(mappings: mappings);
        var expected = All.GroupBy(c => c.Label).Select(g => (Label: g.Key, Count: g.Sum(c => c.Count))).OrderByDescending(l => l.Count).ThenBy(l => l.Label, StringComparer.Ordinal).ToArray();
        foreach (var top in (int[])[1, 5, 1000])
        {
            var answer = await api.GetAsync($"api/label_counts?top={top}");
            Assert.Equal(expected.Take(top), answer.GetProperty("labels").EnumerateArray().Select(l => (l.GetProperty("label").GetString()!, l.GetProperty("count").GetInt64())));
            Assert.Equal((expected.Length, All.Sum(c => c.Count)), (answer.GetProperty("total_labels").GetInt32(), answer.GetProperty("total_count").GetInt64()));
        }

        foreach (var label in Odd.Append("nobody"))
        {
            var answer = await api.GetAsync($"api/count_specific?label={Uri.EscapeDataString(label)}");
            Assert.Equal((label, All.Where(c => c.Label == label).Sum(c => c.Count)), (answer.GetProperty("label").GetString(), answer.GetProperty("count").GetInt64()));
        }

        var begun = await api.GetAsync("api/label_counts?prefix=Orders");
        Assert.Equal(["ORDERS", "orders-eu", "orders-us"], begun.GetProperty("labels").EnumerateArray().Select(l => l.GetProperty("label").GetString()!).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task Times_bound_what_is_counted_days_to_their_end_and_in_their_zone()
    {
        await using var api = await StartAsync();
        await CountsAsync("from=2024-04-01&to=2024-04-01", "2024-04-01T00:00Z", "2024-04-02T00:00Z");
        await CountsAsync("from=2024-04-01T10:00&to=2024-04-01T11:59:59Z", "2024-04-01T10:00Z", "2024-04-01T12:00Z");
        await CountsAsync("from=2024-04-01%2010:00", "2024-04-01T10:00Z", "2025-01-01T00:00Z");
        await CountsAsync("to=2024-04-01&tz=Europe/Berlin", "2000-01-01T00:00Z", "2024-04-01T22:00Z");
        await CountsAsync("from=2024-04-01T00:00%2B02:00&to=2024-04-01T01:59%2B02:00", "2024-03-31T22:00Z", "2024-04-01T00:00Z");

        await using var bounded = await StartAsync(new ApiOptions { StartTime = "2024-04-01", EndTime = "2024-04-02 12:00" });
        Assert.Equal(Sum("2024-04-01T00:00Z", "2024-04-02T12:01Z"), (await bounded.GetAsync("api/label_counts")).GetProperty("total_count").GetInt64());
        Assert.Equal(Sum("2024-04-01T00:00Z", "2024-04-02T00:00Z"), (await bounded.GetAsync("api/label_counts?to=2024-04-01")).GetProperty("total_count").GetInt64());

        async Task CountsAsync(string range, string from, string until) =>
            Assert.Equal(Sum(from, until), (await api.GetAsync($"api/label_counts?{range}")).GetProperty("total_count").GetInt64());
    }

    [Theory]
    [InlineData(Mappings)]
    [InlineData(Unmapped)]
    public async Task A_timeline_adds_up_at_every_point_and_label(string mappings)
    {
        await using var api = await StartAsync(mappings: mappings);
        var (a, b) = (Odd[0], Odd[1]);
        var query = $"label={Uri.EscapeDataString(a)}&label={Uri.EscapeDataString(b)}";
        var answer = await api.GetAsync($"api/timeline?{query}&interval=1d&tz=Europe/Berlin");
        var zone = TimeZoneInfo.FindSystemTimeZoneById("Europe/Berlin");
        var points = answer.GetProperty("points").EnumerateArray().Select(p => DateTimeOffset.Parse(p.GetString()!, CultureInfo.InvariantCulture)).ToArray();
        Assert.All(points, p => Assert.Equal((0, zone.GetUtcOffset(p)), (p.Hour, p.Offset)));
        var series = answer.GetProperty("series").EnumerateArray().ToArray();
        Assert.Equal([a, b], series.Select(s => s.GetProperty("label").GetString()));
        foreach (var (line, label) in series.Zip((string[])[a, b]))
        {
            var expected = points.Select(p => All.Where(c => c.Label == label && TimeZoneInfo.ConvertTime(c.Time, zone).Date == p.Date).Sum(c => c.Count));
            Assert.Equal(expected, line.GetProperty("counts").EnumerateArray().Select(c => c.GetInt64()));
            Assert.Equal(All.Where(c => c.Label == label).Sum(c => c.Count), line.GetProperty("total").GetInt64());
        }

        var together = await api.GetAsync("api/timeline?interval=day");
        Assert.Equal(All.Sum(c => c.Count), together.GetProperty("series")[0].GetProperty("total").GetInt64());
    }

    [Fact]
    public async Task An_interval_that_gives_too_many_points_is_widened_and_says_so()
    {
        await using var api = await StartAsync();
        var minutes = await api.GetAsync("api/timeline?interval=1m");
        Assert.Equal(("5m", true), (minutes.GetProperty("interval").GetString(), minutes.GetProperty("widened").GetBoolean()));
        Assert.InRange(minutes.GetProperty("points").GetArrayLength(), 1, 2000);
        var short_ = await api.GetAsync("api/timeline?interval=minute&from=2024-04-01T00:00&to=2024-04-01T05:00");
        Assert.Equal(("1m", false), (short_.GetProperty("interval").GetString(), short_.GetProperty("widened").GetBoolean()));
        var suits = await api.GetAsync("api/timeline");
        Assert.InRange(suits.GetProperty("points").GetArrayLength(), 20, 150);
        var empty = await api.GetAsync("api/timeline?from=2030-01-01");
        Assert.Equal(0, empty.GetProperty("points").GetArrayLength());
    }

    [Fact]
    public async Task What_can_not_be_counted_is_refused_with_the_reason()
    {
        await using var api = await StartAsync();
        foreach (var path in (string[])
        [
            "api/count_specific", "api/timeline?interval=1s", "api/timeline?interval=-1h", "api/timeline?tz=Mars/Olympus", "api/timeline?from=yesterday", "api/timeline?to=now-1d",
            "api/timeline?from=2024-02-01&to=2024-01-01", "api/timeline?from=2024-02-30", "api/label_counts?top=0", "api/label_counts?top=1001", "api/label_counts?size=1",
            "api/timeline?" + string.Join('&', Enumerable.Range(0, 21).Select(i => $"label=l{i}")), "api/count_specific?label=" + new string('x', 2000),
        ])
        {
            await api.RefusedAsync(HttpMethod.Get, path, 400, "api.bad_request");
        }

        await using var missing = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = "not-there" });
        await missing.RefusedAsync(HttpMethod.Get, "api/timeline", 404, "api.no_counts");
        await using var denied = await StartAsync(new ApiOptions { DenyFields = ["label"] });
        await denied.RefusedAsync(HttpMethod.Get, "api/label_counts", 404, "api.no_counts");
    }

    [Theory]
    [InlineData("\"label\":{\"type\":\"text\"},\"count\":{\"type\":\"long\"},\"time_bucket\":{\"type\":\"date\"}", "label is text")]
    [InlineData("\"label\":{\"type\":\"keyword\"},\"count\":{\"type\":\"keyword\"},\"time_bucket\":{\"type\":\"date\"}", "count keyword")]
    [InlineData("\"label\":{\"type\":\"keyword\"},\"count\":{\"type\":\"long\"},\"time_bucket\":{\"type\":\"keyword\"}", "time_bucket keyword")]
    public async Task An_index_whose_fields_can_not_be_summed_is_refused_with_their_types(string fields, string told)
    {
        var index = await search.CreateIndexAsync($"{{\"properties\":{{{fields}}}}}", []);
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = index });
        foreach (var path in (string[])["api/timeline", "api/label_counts", "api/count_specific?label=a"])
        {
            Assert.Contains(told, await api.RefusedAsync(HttpMethod.Get, path, 404, "api.no_counts"), StringComparison.Ordinal);
        }
    }

    private static long Sum(string from, string until) =>
        All.Where(c => c.Time >= DateTimeOffset.Parse(from, CultureInfo.InvariantCulture) && c.Time < DateTimeOffset.Parse(until, CultureInfo.InvariantCulture)).Sum(c => c.Count);

    private static IEnumerable<Counted> Make(Random random)
    {
        string[] labels = [.. Odd, .. Enumerable.Range(0, 40).Select(i => $"object-{i}")];
        for (var i = 0; i < 4000; i++) yield return new Counted(labels[random.Next(labels.Length)], random.Next(1, 2_000_000), Start.AddMinutes(random.Next(0, 4 * 24 * 60)));
        yield return new Counted("object-0", 1, Start.AddDays(4));
    }

    private async Task<ApiServer> StartAsync(ApiOptions? options = null, string mappings = Mappings)
    {
        var documents = All.Select(c => JsonSerializer.Serialize(new Dictionary<string, object> { ["label"] = c.Label, ["count"] = c.Count, ["time_bucket"] = c.Time, ["@timestamp"] = c.Time }));
        var index = await search.CreateIndexAsync(mappings, documents, settings: "\"number_of_shards\":3");
        return await ApiServer.StartAsync(search, (options ?? new ApiOptions()) with { CountsIndex = index });
    }

    private sealed record Counted(string Label, long Count, DateTimeOffset Time);
}
