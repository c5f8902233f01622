using System.Net;
using System.Text;
using System.Text.Json;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Checkpoints;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Api.Tests;

/// <summary>A running API on a port of its own, and a client of it.</summary>
internal sealed class ApiServer : IAsyncDisposable
{
    private readonly ApiHost _host;
    private readonly TemporaryFolder? _state;

    private ApiServer(ApiHost host, TemporaryFolder? state)
    {
        (_host, _state) = (host, state);
        Http = new HttpClient { BaseAddress = host.Address };
    }

    /// <summary>Where it answers.</summary>
    public Uri Address => _host.Address;

    /// <summary>The client.</summary>
    public HttpClient Http { get; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Starts one over the shared search server.</summary>
    public static async Task<ApiServer> StartAsync(SearchServer search, ApiOptions? options = null, string? stateFolder = null, TimeProvider? time = null) =>
        await StartAsync((await search.FindAsync()).Address, options, stateFolder, time);

    /// <summary>Starts one over any address.</summary>
    public static async Task<ApiServer> StartAsync(Uri search, ApiOptions? options = null, string? stateFolder = null, TimeProvider? time = null)
    {
        options = (options ?? new ApiOptions()) with { Port = 0 };
        Assert.Empty(options.Mistakes());
        var folder = stateFolder is null ? new TemporaryFolder() : null;
        var state = new FileStateStore(stateFolder ?? folder!.Path, TimeProvider.System);
        var host = await ApiHost.StartAsync(options, new ElasticsearchSearchOptions { Url = search.ToString() }, state, NullLoggerFactory.Instance, time ?? TimeProvider.System, Ct);
        return new ApiServer(host, folder);
    }

    /// <summary>Asks, and expects an answer that says yes.</summary>
    public async Task<JsonElement> GetAsync(string path)
    {
        var (status, body) = await AskAsync(HttpMethod.Get, path);
        Assert.True(status == HttpStatusCode.OK, $"{path}: {(int)status} {body}");
        return body;
    }

    /// <summary>Searches, and expects an answer that says yes.</summary>
    public async Task<JsonElement> SearchAsync(string json)
    {
        var (status, body) = await AskAsync(HttpMethod.Post, "search", json);
        Assert.True(status == HttpStatusCode.OK, $"{(int)status} {body}");
        return body;
    }

    /// <summary>Asks, and expects a problem of this code, told in the way in which every problem is.</summary>
    public async Task<string> RefusedAsync(HttpMethod method, string path, int status, string code, string? json = null)
    {
        var (answered, body) = await AskAsync(method, path, json);
        Assert.True((int)answered == status && body.GetProperty("code").GetString() == code, $"{path} {json}: expected {status} {code}, was {(int)answered} {body}");
        Assert.Equal(status, body.GetProperty("status").GetInt32());
        Assert.NotEmpty(body.GetProperty("title").GetString()!);
        Assert.NotEmpty(body.GetProperty("remedy").GetString()!);
        return body.GetProperty("detail").GetString()!;
    }

    /// <summary>Asks.</summary>
    public async Task<(HttpStatusCode Status, JsonElement Body)> AskAsync(HttpMethod method, string path, string? json = null)
    {
        using var request = new HttpRequestMessage(method, path);
        if (json is not null) request.Content = new StringContent(json, Encoding.UTF8, "application/json");

        // Whoever sends much asks first, and hears the refusal instead of a broken connection.
        request.Headers.ExpectContinue = json?.Length > 1 << 20;
        using var response = await Http.SendAsync(request, Ct);
        var text = await response.Content.ReadAsStringAsync(Ct);
        if (!response.IsSuccessStatusCode) Assert.Equal("application/problem+json", response.Content.Headers.ContentType?.MediaType);
        Assert.Equal("nosniff", response.Headers.GetValues("X-Content-Type-Options").Single());
        return (response.StatusCode, JsonDocument.Parse(text).RootElement);
    }

    public async ValueTask DisposeAsync()
    {
        Http.Dispose();
        await _host.DisposeAsync();
        _state?.Dispose();
    }
}
