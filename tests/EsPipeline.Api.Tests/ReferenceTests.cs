namespace EsPipeline.Api.Tests;

/// <summary>What the reference says of the paths and what every path does alike.</summary>
public sealed class ReferenceTests(SearchServer search)
{
    [Fact]
    public async Task Head_is_answered_as_get_is_without_the_body()
    {
        await using var api = await ApiServer.StartAsync(search);
        foreach (var path in (string[])["", "health", "api/pipeline", "indices", "openapi.json", "assets/common.js"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Head, path);
            using var head = await api.Http.SendAsync(request, SearchServer.Ct);
            using var get = await api.Http.GetAsync(path, SearchServer.Ct);
            Assert.Equal((path, get.StatusCode, get.Content.Headers.ContentType?.ToString()), (path, head.StatusCode, head.Content.Headers.ContentType?.ToString()));
            Assert.Empty(await head.Content.ReadAsByteArrayAsync(SearchServer.Ct));
        }
    }

    [Fact]
    public async Task A_parameter_given_twice_is_refused()
    {
        await using var api = await ApiServer.StartAsync(new Uri("http://127.0.0.1:1"));
        foreach (var path in (string[])["api/count_specific?label=a&label=b", "api/label_counts?prefix=a&prefix=a", "api/timeline?label=a&label=b&from=2024-01-01&from=2024-01-02", "search/a/scroll?fields=a&fields=b"])
        {
            Assert.Contains("more than once", await api.RefusedAsync(HttpMethod.Get, path, 400, "api.bad_request"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task The_reference_names_every_path_and_the_problem()
    {
        await using var api = await ApiServer.StartAsync(search);
        var reference = await api.GetAsync("openapi.json");
        string[] paths = [.. reference.GetProperty("paths").EnumerateObject().Select(p => p.Name).Order(StringComparer.Ordinal)];
        Assert.Equal(
            ["/api/count_specific", "/api/label_counts", "/api/pipeline", "/api/pipeline/{job}", "/api/timeline", "/health", "/indices", "/indices/{index}/fields", "/search", "/search/{index}/scroll"],
            paths);
        Assert.Equal("X-API-Key", reference.GetProperty("components").GetProperty("securitySchemes").GetProperty("key").GetProperty("name").GetString());
        Assert.False(reference.GetProperty("paths").GetProperty("/indices").TryGetProperty("head", out _));
        Assert.Equal(0, reference.GetProperty("paths").GetProperty("/health").GetProperty("get").GetProperty("security").GetArrayLength());
        foreach (var status in (string[])["401", "403", "405", "429", "500"]) Assert.True(reference.GetProperty("paths").GetProperty("/indices").GetProperty("get").GetProperty("responses").TryGetProperty(status, out _), status);
        Assert.Equal(["index"], RequiredOf("SearchBodyShape"));
        Assert.DoesNotContain("next_cursor", RequiredOf("ScrollMeta"));
        Assert.Contains("total_records", RequiredOf("ScrollMeta"));
        IEnumerable<string?> RequiredOf(string schema) => reference.GetProperty("components").GetProperty("schemas").GetProperty(schema).GetProperty("required").EnumerateArray().Select(r => r.GetString());
        Assert.True(reference.GetProperty("paths").GetProperty("/search").GetProperty("post").GetProperty("requestBody").GetProperty("content").TryGetProperty("application/json", out _));
    }
}
