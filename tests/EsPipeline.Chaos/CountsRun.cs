using System.Text.Json;

namespace EsPipeline.Chaos;

/// <summary>An index that espipe loads from a bucket of counts, and what is in it: gone when the test is.</summary>
internal sealed class CountsRun(string index) : IAsyncDisposable
{
    private readonly HttpClient _http = new() { BaseAddress = TestServers.Elasticsearch };

    /// <summary>One of its own name.</summary>
    public CountsRun()
        : this($"counts-{Guid.NewGuid():n}")
    {
    }

    /// <summary>Its name.</summary>
    public string Index => index;

    /// <summary>What espipe is given to load it, but the mode.</summary>
    /// <param name="bucket">Where from.</param>
    /// <param name="service">The S3 service, or what stands before it.</param>
    public string[] Arguments(CountsBucket bucket, Uri service) =>
    [
        "--source", "hadoop", "--s3-endpoint", service.ToString(), "--s3-bucket", bucket.Name, "--s3-access-key", "test", "--s3-secret-key", "test",
        "--sink", "elasticsearch", "--es-url", TestServers.Elasticsearch.ToString(), "--es-index", index,
    ];

    /// <summary>The sums of what is in it, by label.</summary>
    public async Task<Dictionary<string, long>> SumsAsync()
    {
        // What was written is shown at the next refresh.
        using (await _http.SendPatientlyAsync(HttpMethod.Post, $"{index}/_refresh")) { }
        using var answer = await _http.SendPatientlyAsync(
            HttpMethod.Post, $"{index}/_search?ignore_unavailable=true&allow_partial_search_results=false",
            """{"size":0,"aggs":{"labels":{"terms":{"field":"label","size":10000},"aggs":{"sum":{"sum":{"field":"count"}}}}}}""");
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        using var found = JsonDocument.Parse(text);
        return found.RootElement.TryGetProperty("aggregations", out var sums)
            ? sums.GetProperty("labels").GetProperty("buckets").EnumerateArray().ToDictionary(b => b.GetProperty("key").GetString()!, b => (long)b.GetProperty("sum").GetProperty("value").GetDouble())
            : [];
    }

    /// <summary>Waits until the index holds these sums.</summary>
    public Task UntilAsync(EspipeProcess espipe, Dictionary<string, long> sums) => Eventually.IsAsync(
        async () =>
        {
            if (Text(await SumsAsync()) == Text(sums)) return true;
            Assert.False(espipe.HasEnded, espipe.ErrorSoFar);
            return false;
        },
        "the index holds the sums of the files");

    /// <summary>Checks that the index holds these sums.</summary>
    public async Task EqualAsync(Dictionary<string, long> sums) => Assert.Equal(Text(sums), Text(await SumsAsync()));

    /// <summary>Removes it.</summary>
    public async Task DeleteAsync()
    {
        using (await _http.SendPatientlyAsync(HttpMethod.Delete, index)) { }
    }

    public async ValueTask DisposeAsync()
    {
        await DeleteAsync();
        _http.Dispose();
    }

    private static string Text(Dictionary<string, long> sums) => string.Join('\n', sums.OrderBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}: {s.Value}"));
}
