using System.Text.Json;

namespace EsPipeline.Chaos;

/// <summary>An index that espipe writes to, read over REST without any of the code under test; gone when the test is.</summary>
internal sealed class ElasticsearchCopy : IAsyncDisposable
{
    // What one search may answer with (index.max_result_window).
    private const int Most = 10_000;

    private readonly HttpClient _http;

    /// <param name="server">Where it is, for the test itself, whatever stands between espipe and it.</param>
    public ElasticsearchCopy(Uri server) => _http = new HttpClient { BaseAddress = server };

    /// <summary>Its name.</summary>
    public string Name { get; } = $"chaos-copy-{Guid.NewGuid():n}";

    /// <summary>The options of a sink that writes here.</summary>
    /// <param name="address">The server, or a proxy in front of it.</param>
    public string[] Arguments(Uri address) => ["--sink", "elasticsearch", "--es-url", address.ToString(), "--es-index", Name];

    /// <summary>Everything that is there now; nothing where there is no index yet.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ReadAllAsync()
    {
        using var refreshed = await _http.SendPatientlyAsync(HttpMethod.Post, $"{Name}/_refresh");
        if (refreshed.StatusCode == System.Net.HttpStatusCode.NotFound) return new Dictionary<string, string>();
        using var answer = await _http.SendPatientlyAsync(HttpMethod.Get, $"{Name}/_search?size={Most}&allow_partial_search_results=false");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        using var json = JsonDocument.Parse(text);
        var hits = json.RootElement.GetProperty("hits");
        Assert.True(hits.GetProperty("total").GetProperty("value").GetInt32() < Most, "The copy is larger than one search can answer with.");
        return hits.GetProperty("hits").EnumerateArray().ToDictionary(
            h => h.GetProperty("_id").GetString()!, h => h.GetProperty("_source").GetRawText(), StringComparer.Ordinal);
    }

    /// <summary>How many documents are there now; 0 where there is no index yet.</summary>
    public async Task<int> CountAsync()
    {
        using var refreshed = await _http.SendPatientlyAsync(HttpMethod.Post, $"{Name}/_refresh");
        if (refreshed.StatusCode == System.Net.HttpStatusCode.NotFound) return 0;
        using var json = JsonDocument.Parse(await GetAsync("_count"));
        return json.RootElement.GetProperty("count").GetInt32();
    }

    /// <summary>What the server answers about the index.</summary>
    public async Task<string> GetAsync(string what)
    {
        using var answer = await _http.SendPatientlyAsync(HttpMethod.Get, $"{Name}/{what}");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return text;
    }

    /// <summary>Changes the index's settings.</summary>
    public async Task SetAsync(string settings)
    {
        using var answer = await _http.SendPatientlyAsync(HttpMethod.Put, $"{Name}/_settings", settings);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
    }

    /// <summary>Removes the index.</summary>
    public async Task DeleteAsync()
    {
        using var answer = await _http.SendPatientlyAsync(HttpMethod.Delete, Name);
    }

    public async ValueTask DisposeAsync()
    {
        try
        {
            await DeleteAsync();
        }
        catch (HttpRequestException)
        {
            // A server of the test's own that is down: the index goes with it, and why the test has failed is not to be hidden.
        }

        _http.Dispose();
    }
}
