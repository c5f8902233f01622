using System.Text.Json;
using EsPipeline.Core.Configuration;
using Microsoft.Playwright;

namespace EsPipeline.Api.Tests;

/// <summary>The pages in a real browser: what they show is what was counted, for everybody, and nothing leaves the host.</summary>
public sealed class DashboardTests(SearchServer search, Browser browser)
{
    private const string Mappings = """{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"}}}""";
    private const string Markup = "<img src=x onerror=alert(1)>";

    private static readonly (string Label, int Count, string Time)[] Counted =
    [
        ("a@b", 5, "2024-01-01T00:00:00Z"), ("a@b", 7, "2024-01-03T05:00:00Z"), ("grüße 世界", 100, "2024-01-02T00:00:00Z"),
        (Markup, 3, "2024-01-02T00:00:00Z"), ("=1+1", 2, "2024-01-04T23:59:00Z"),
    ];

    [Fact]
    public async Task Figures_on_the_page_are_those_of_the_index_and_no_request_leaves_the_host()
    {
        await using var api = await StartAsync();
        var page = await browser.OpenAsync();
        var requests = new List<string>();
        page.Request += (_, request) => requests.Add(request.Url);
        var errors = new List<string>();
        page.PageError += (_, error) => errors.Add(error);
        page.Console += (_, message) => errors.AddRange(message.Type == "error" ? [message.Text] : Array.Empty<string>());
        await GoAsync(page, api, "?interval=1d&label=a%40b&label=%3D1%2B1&find=gr%C3%BC%C3%9Fe%20%E4%B8%96%E7%95%8C", "ready");

        Assert.Equal("117 counted, under 4 labels.", await page.InnerTextAsync("#status"));
        var totals = await page.EvaluateAsync<JsonElement>("() => { const d = Chart.getChart('totals').data; return d.labels.map((l, i) => [l, d.datasets[0].data[i]]); }");
        Assert.Equal(JsonSerializer.Serialize(new object[][] { ["grüße 世界", 100], ["a@b", 12], [Markup, 3], ["=1+1", 2] }), JsonSerializer.Serialize(totals));
        var lines = await page.EvaluateAsync<JsonElement>("() => Chart.getChart('timeline').data.datasets.map(d => [d.label, ...d.data])");
        Assert.Equal(JsonSerializer.Serialize(new object[][] { ["a@b", 5, 0, 7, 0], ["=1+1", 0, 0, 0, 2] }), JsonSerializer.Serialize(lines));
        Assert.Equal("grüße 世界: 100", await page.InnerTextAsync("#found"));

        // What is in the tables is what is in the charts, and a label is text, whatever it holds.
        await page.ClickAsync("#totals-details summary");
        Assert.Equal(["grüße 世界", "a@b", Markup, "=1+1"], await page.Locator("#totals-table tbody td:nth-child(2)").AllInnerTextsAsync());
        Assert.Equal(["100", "12", "3", "2"], await page.Locator("#totals-table tbody td:nth-child(3)").AllInnerTextsAsync());
        Assert.Equal(0, await page.Locator("main img").CountAsync());
        await page.ClickAsync("#timeline-details summary");
        Assert.Equal(["5", "0", "7", "0"], await page.Locator("#timeline-table tbody td:nth-child(2)").AllInnerTextsAsync());

        Assert.All(requests, r => Assert.StartsWith(api.Address.ToString(), r, StringComparison.Ordinal));
        Assert.Empty(errors);
    }

    [Fact]
    public async Task Choices_are_in_the_address_and_come_back_with_it()
    {
        await using var api = await StartAsync();
        var page = await browser.OpenAsync();
        await GoAsync(page, api, "", "ready");
        await page.ClickAsync("#totals-details summary");

        // By keyboard alone, as with a screen reader.
        var box = page.GetByLabel("Show a@b over time");
        await box.FocusAsync();
        await page.Keyboard.PressAsync("Space");
        await SearchAsync(page, "?label=a%40b");
        await page.Locator("#chosen button").WaitForAsync();
        Assert.True(await box.EvaluateAsync<bool>("box => box === document.activeElement"), "The box that was ticked by keyboard has lost the focus.");
        await page.SelectOptionAsync("[name=interval]", "1d");
        await SearchAsync(page, "?interval=1d&label=a%40b");
        await page.FillAsync("[name=from]", "2024-01-02T00:00");
        await page.Locator("[name=from]").BlurAsync();
        await SearchAsync(page, "?from=2024-01-02T00%3A00&interval=1d&label=a%40b");
        await StatusAsync(page, "112 counted, under 4 labels.");

        await page.ReloadAsync();
        await StateAsync(page, "ready");
        Assert.Equal("112 counted, under 4 labels.", await page.InnerTextAsync("#status"));
        Assert.Equal("a@b", await page.InnerTextAsync("#chosen button span"));
        await page.GoBackAsync();
        await StatusAsync(page, "117 counted, under 4 labels.");

        // By a click on the bar itself.
        var bar = await page.EvaluateAsync<JsonElement>("() => { const b = Chart.getChart('totals').getDatasetMeta(0).data[0]; return [b.x - 5, b.y]; }");
        await page.Locator("#totals").ClickAsync(new LocatorClickOptions { Position = new Position { X = bar[0].GetSingle(), Y = bar[1].GetSingle() } });
        await page.WaitForFunctionAsync("() => location.search.includes('label=gr%C3%BC%C3%9Fe')");
    }

    [Fact]
    public async Task Csv_holds_the_figures_and_nothing_that_a_spreadsheet_would_run()
    {
        await using var api = await StartAsync();
        var page = await browser.OpenAsync();
        await GoAsync(page, api, "?interval=1d&label=%3D1%2B1", "ready");
        await page.ClickAsync("#totals-details summary");
        await page.ClickAsync("#timeline-details summary");
        Assert.Equal($"\ufefflabel,count\r\ngrüße 世界,100\r\na@b,12\r\n{Markup},3\r\n'=1+1,2\r\n", await DownloadAsync("#totals-csv"));
        Assert.Equal(
            "\ufefftime,'=1+1\r\n2024-01-01T00:00:00+00:00,0\r\n2024-01-02T00:00:00+00:00,0\r\n2024-01-03T00:00:00+00:00,0\r\n2024-01-04T00:00:00+00:00,2\r\n",
            await DownloadAsync("#timeline-csv"));

        async Task<string> DownloadAsync(string button)
        {
            var download = await page.RunAndWaitForDownloadAsync(() => page.ClickAsync(button));
            return System.Text.Encoding.UTF8.GetString(await File.ReadAllBytesAsync(await download.PathAsync(), SearchServer.Ct));
        }
    }

    [Fact]
    public async Task States_are_said_in_words()
    {
        await using var api = await StartAsync();
        var page = await browser.OpenAsync();
        await GoAsync(page, api, "?from=2030-01-01T00:00", "empty");
        Assert.Contains("Nothing was counted", await page.InnerTextAsync("#status"), StringComparison.Ordinal);
        await GoAsync(page, api, "?find=nobody", "ready");
        Assert.Contains("was not counted", await page.InnerTextAsync("#found"), StringComparison.Ordinal);
        await GoAsync(page, api, "?from=yesterday&tz=Mars/Olympus", "error");
        Assert.Contains("time zone", await page.InnerTextAsync("#status"), StringComparison.Ordinal);

        await using var missing = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = "not-there" });
        await GoAsync(page, missing, "", "error");
        Assert.Contains("--source hadoop", await page.InnerTextAsync("#status"), StringComparison.Ordinal);
        Assert.False(await page.IsVisibleAsync("#figures"), "Empty charts are shown where there is nothing in them.");
        var counts = await search.CreateIndexAsync("""{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"}}}""", ["""{"label":"","count":3,"time_bucket":"2024-01-01"}"""]);
        await search.SendAsync(HttpMethod.Post, "_aliases", $$$"""{"actions":[{"add":{"index":"{{{counts}}}","alias":"not-there"}}]}""");
        await page.ClickAsync("#again button");
        await StateAsync(page, "ready");
        Assert.False(await page.IsVisibleAsync("#again"));
        Assert.Contains("(no name)", await page.TextContentAsync("#totals-table"), StringComparison.Ordinal);
        await search.SendAsync(HttpMethod.Delete, counts);
        await GoAsync(page, missing, "pipeline", "empty");
        Assert.Contains("No job has run", await page.InnerTextAsync("#status"), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("?from=2024-01-02&to=2024-01-02", "103 counted, under 2 labels.")]
    [InlineData("?from=2024-01-03T05:00:00Z", "9 counted, under 2 labels.")]
    [InlineData("?from=2024-01-03T06:00:00%2B01:00&top=5&interval=3h", "9 counted, under 2 labels.")]
    [InlineData("?from=2024-01-31x&top=many&interval=2h", "117 counted, under 4 labels. The address says from=2024-01-31x and interval=2h and top=many, which this page does not understand and has left out.")]
    [InlineData("?from=2024-01-03T05:00:00Z&tz=Europe/Berlin", "117 counted, under 4 labels. The address says from=2024-01-03T05:00:00Z, which this page does not understand and has left out.")]
    public async Task What_an_address_says_is_taken_or_said_not_to_be(string address, string told)
    {
        await using var api = await StartAsync();
        var page = await browser.OpenAsync();
        await GoAsync(page, api, address, "ready");
        Assert.Equal(told, await page.InnerTextAsync("#status"));
    }

    [Fact]
    public async Task Bounds_that_the_server_sets_and_counts_without_a_time_are_said()
    {
        await using var api = await StartAsync(new ApiOptions { StartTime = "2024-01-02", EndTime = "2024-01-03" });
        var page = await browser.OpenAsync();
        await GoAsync(page, api, "", "ready");
        Assert.Equal("110 counted, under 3 labels. Only times from 2024-01-02 00:00:00 to 2024-01-03 23:59:59.999 are counted, as this server is set up (START_TIME_STR, END_TIME_STR).", await page.InnerTextAsync("#status"));

        var index = await search.CreateIndexAsync(Mappings, ["""{"label":"a","count":3,"time_bucket":"2024-01-01"}""", """{"label":"a","count":4}"""]);
        await using var untimed = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = index });
        await GoAsync(page, untimed, "", "ready");
        Assert.Equal("7 counted, under 1 label. 4 have no time: they are in the totals, but not over time.", await page.InnerTextAsync("#status"));
    }

    [Fact]
    public async Task A_key_is_asked_for_and_then_used()
    {
        const string Key = "a-key-of-the-dashboard";
        await using var api = await StartAsync(new ApiOptions { Keys = new Secret(Key) });
        var page = await browser.OpenAsync();
        await GoAsync(page, api, "", "error");
        await page.FillAsync("#key input", Key);
        await page.Keyboard.PressAsync("Enter");
        await StateAsync(page, "ready");
        Assert.DoesNotContain(Key, page.Url, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("pipeline")]
    [InlineData("docs")]
    public async Task Pages_fit_a_phone_and_have_names_for_what_can_be_used(string path)
    {
        using var state = await PipelineState.CreateAsync();
        await using var api = await StartAsync(stateFolder: state.Path);
        var page = await browser.OpenAsync(new BrowserNewContextOptions { ViewportSize = new ViewportSize { Width = 360, Height = 740 }, ColorScheme = ColorScheme.Dark });
        await GoAsync(page, api, path, "ready");
        Assert.True(await page.EvaluateAsync<bool>("() => document.documentElement.scrollWidth <= innerWidth"), "The page is wider than the phone.");
        Assert.Equal("rgb(15, 19, 24)", await page.EvaluateAsync<string>("() => getComputedStyle(document.body).backgroundColor"));
        var nameless = await page.EvaluateAsync<int>(
            "() => [...document.querySelectorAll('input,select,button,a,canvas')].filter(e => !(e.getAttribute('aria-label') || e.labels?.length || e.textContent.trim())).length");
        Assert.Equal(0, nameless);
        Assert.Equal(1, await page.Locator("h1").CountAsync());
        Assert.Equal(1, await page.GetByRole(AriaRole.Main).CountAsync());
    }

    [Fact]
    public async Task The_pipeline_page_shows_the_runs_and_their_news()
    {
        using var state = await PipelineState.CreateAsync();
        await using var api = await StartAsync(stateFolder: state.Path);
        var page = await browser.OpenAsync();
        await GoAsync(page, api, "pipeline", "ready");
        Assert.Equal("Running now", await page.InnerTextAsync("#run-title"));
        Assert.Equal("1,000", await FactAsync("Read"));
        Assert.Equal("3", await FactAsync("Dead letters"));
        Assert.Contains("mysql.deadlock", await page.InnerTextAsync("#run-error"), StringComparison.Ordinal);
        Assert.Equal(2, await page.Locator("#runs tbody tr").CountAsync());
        Assert.Equal("[7,3]", await page.EvaluateAsync<string>("() => JSON.stringify(Chart.getChart('errors').data.datasets[0].data)"));

        await state.FinishAsync();
        await page.WaitForFunctionAsync("() => document.getElementById('run-title').textContent === 'Last run'");
        Assert.Contains("Done, some records set aside", await page.InnerTextAsync("#run-state"), StringComparison.Ordinal);
        Assert.Equal("2,000", await FactAsync("Read"));
        Assert.Contains("balances", await page.InnerTextAsync("#balance"), StringComparison.Ordinal);

        Task<string> FactAsync(string name) => page.Locator("#facts div").Filter(new LocatorFilterOptions { Has = page.GetByText(name, new PageGetByTextOptions { Exact = true }) }).Locator("dd").InnerTextAsync();
    }

    private static async Task GoAsync(IPage page, ApiServer api, string path, string state)
    {
        await page.GotoAsync(api.Address + path);
        await StateAsync(page, state);
    }

    /// <summary>Waits in the page itself: WaitForURLAsync misses an address that changes between its look and its waiting.</summary>
    private static async Task SearchAsync(IPage page, string search) => await page.WaitForFunctionAsync("search => location.search === search", search);

    /// <summary>Waits for what the page says: it may still be ready with what it showed before a choice was made.</summary>
    private static async Task StatusAsync(IPage page, string text) => await page.WaitForFunctionAsync("text => document.getElementById('status').textContent === text", text);

    private static Task StateAsync(IPage page, string state) => page.Locator($"html[data-state={state}]").WaitForAsync();

    private async Task<ApiServer> StartAsync(ApiOptions? options = null, string? stateFolder = null)
    {
        var index = await search.CreateIndexAsync(Mappings, Counted.Select(c => JsonSerializer.Serialize(new { label = c.Label, count = c.Count, time_bucket = c.Time })));
        return await ApiServer.StartAsync(search, (options ?? new ApiOptions()) with { CountsIndex = index }, stateFolder);
    }
}
