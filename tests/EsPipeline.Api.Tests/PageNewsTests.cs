using System.Text.Json;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Api.Tests;

/// <summary>What changes on a page by itself or by a choice, as somebody notices who hears the page or uses the keyboard alone.</summary>
public sealed class PageNewsTests(SearchServer search, Browser browser)
{
    private const string Mappings = """{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"}}}""";

    [Fact]
    public async Task A_label_that_is_one_too_many_is_not_shown_as_chosen()
    {
        await using var api = await StartAsync(Enumerable.Range(1, 12).Select(i => ($"label {i:00}", i)));
        var page = await browser.OpenAsync();
        await page.GotoAsync($"{api.Address}?{string.Join('&', Enumerable.Range(1, 8).Select(i => $"label=label%20{i:00}"))}");
        await page.Locator("html[data-state=ready]").WaitForAsync();
        await page.ClickAsync("#totals-details summary");
        var box = page.GetByLabel("Show label 12 over time");
        await box.FocusAsync();
        await page.Keyboard.PressAsync("Space");
        await page.WaitForFunctionAsync("() => document.getElementById('status').textContent.startsWith('No more than 8')");
        Assert.False(await box.IsCheckedAsync(), "The ninth label is ticked, though it is not shown.");
        Assert.True(await box.EvaluateAsync<bool>("box => box === document.activeElement"), "The box has lost the focus.");
        Assert.Equal(8, await page.Locator("#chosen button").CountAsync());
        Assert.Equal(8, await page.Locator("#totals-table input:checked").CountAsync());
    }

    [Fact]
    public async Task Typing_the_beginning_of_a_label_offers_those_that_begin_so()
    {
        await using var api = await StartAsync([("Orders EU", 5), ("orders us", 7), ("grüße 世界", 3), ("order", 1)]);
        var page = await browser.OpenAsync();
        await page.GotoAsync(api.Address.ToString());
        await page.Locator("html[data-state=ready]").WaitForAsync();
        var field = page.Locator("#find [name=label]");
        await field.PressSequentiallyAsync("orders");
        await OffersAsync("orders us", "Orders EU");
        await field.FillAsync("grü");
        await OffersAsync("grüße 世界");

        // What was offered is taken as it is, and its total shown.
        await field.FillAsync("Orders EU");
        await page.Keyboard.PressAsync("Enter");
        await page.WaitForFunctionAsync("() => document.getElementById('found').textContent === 'Orders EU: 5'");

        Task OffersAsync(params string[] labels) => page.WaitForFunctionAsync(
            "labels => JSON.stringify([...document.getElementById('labels').options].map(o => o.value)) === labels", JsonSerializer.Serialize(labels, Http.ApiJson.Options));
    }

    [Fact]
    public async Task Counts_without_a_label_are_said_on_the_page()
    {
        await using var api = await StartAsync([("a", 5)], """{"count":7,"time_bucket":"2024-01-01"}""");
        var page = await browser.OpenAsync();
        await page.GotoAsync(api.Address.ToString());
        await page.Locator("html[data-state=ready]").WaitForAsync();
        Assert.StartsWith("12 counted, under 1 label. 7 of them have no label", await page.InnerTextAsync("#status"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_has_not_changed_is_neither_said_again_nor_takes_the_focus()
    {
        using var state = await PipelineState.CreateAsync();
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { Keys = new Secret("a-key-of-the-pages") }, state.Path);
        var page = await browser.OpenAsync();
        await page.GotoAsync($"{api.Address}pipeline");
        await page.Locator("#key").WaitForAsync();
        Assert.True(await page.Locator("#key input").EvaluateAsync<bool>("field => field === document.activeElement"), "The key can't be typed at once.");
        await QuietAsync("This server asks for a key.");

        await page.FillAsync("#key input", "a-key-of-the-pages");
        await page.Keyboard.PressAsync("Enter");
        await page.Locator("html[data-state=ready]").WaitForAsync();
        await QuietAsync("Running");

        // Three looks for news, with the focus elsewhere.
        async Task QuietAsync(string said)
        {
            await page.Locator("header a").First.FocusAsync();
            await page.EvaluateAsync("() => { window.said = 0; new MutationObserver(all => { window.said += all.length; }).observe(document.getElementById('status'), { childList: true, characterData: true, subtree: true }); }");
            for (var look = 0; look < 3; look++) await page.WaitForResponseAsync(r => r.Url.EndsWith("/api/pipeline", StringComparison.Ordinal));
            Assert.StartsWith(said, await page.InnerTextAsync("#status"), StringComparison.Ordinal);
            Assert.Equal(0, await page.EvaluateAsync<int>("() => window.said"));
            Assert.Equal("A", await page.EvaluateAsync<string>("() => document.activeElement.tagName"));
        }
    }

    private async Task<ApiServer> StartAsync(IEnumerable<(string Label, int Count)> counts, params string[] more)
    {
        var documents = counts.Select(c => JsonSerializer.Serialize(new { label = c.Label, count = c.Count, time_bucket = "2024-01-01" }));
        return await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = await search.CreateIndexAsync(Mappings, [.. documents, .. more]) });
    }
}
