using System.Text.Json;
using EsPipeline.Connectors.Tests.Elasticsearch;

namespace EsPipeline.Api.Tests;

/// <summary>The one real search server of all tests, started when the first asks for it. Tests share it, never an index.</summary>
public class SearchServer : IAsyncDisposable
{
    private readonly ServerKind _kind;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private ElasticsearchServer? _server;

    public SearchServer()
        : this(ServerKind.Elasticsearch)
    {
    }

    private protected SearchServer(ServerKind kind) => _kind = kind;

    internal static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The server.</summary>
    internal async Task<ElasticsearchServer> FindAsync()
    {
        await _gate.WaitAsync(Ct);
        try
        {
            return _server ??= await ElasticsearchServer.FindAsync(_kind, Ct);
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Makes an index with documents, each found at once.</summary>
    /// <param name="mappings">Its mappings, as JSON.</param>
    /// <param name="documents">Its documents, as JSON; their keys are their numbers.</param>
    /// <param name="name">Its name; one of its own where null.</param>
    /// <param name="settings">More settings, each as a member of a JSON object.</param>
    public async Task<string> CreateIndexAsync(string mappings, IEnumerable<string> documents, string? name = null, string settings = "")
    {
        name ??= $"api-{Guid.NewGuid():n}";
        var more = settings.Length > 0 ? "," + settings : "";
        await SendAsync(HttpMethod.Put, name, $$$"""{"settings":{"number_of_replicas":0{{{more}}}},"mappings":{{{mappings}}}}""");
        await AddAsync(name, documents);
        return name;
    }

    /// <summary>Puts documents into an index.</summary>
    public async Task AddAsync(string name, IEnumerable<string> documents, int first = 0)
    {
        foreach (var chunk in documents.Select((json, i) => $"{{\"index\":{{\"_id\":\"{first + i}\"}}}}\n{json}\n").Chunk(5000))
        {
            var answer = await SendAsync(HttpMethod.Post, $"{name}/_bulk?refresh=true", string.Concat(chunk), "application/x-ndjson");
            Assert.False(answer.GetProperty("errors").GetBoolean(), answer.ToString());
        }
    }

    /// <summary>Asks the server itself.</summary>
    public async Task<JsonElement> SendAsync(HttpMethod method, string path, string? json = null, string type = "application/json")
    {
        var server = await FindAsync();
        using var response = await server.Http.SendPatientlyAsync(method, path, json, type, Ct);
        var text = await response.Content.ReadAsStringAsync(Ct);
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonDocument.Parse(text).RootElement;
    }

    public async ValueTask DisposeAsync()
    {
        if (_server is not null) await _server.DisposeAsync();
        _gate.Dispose();
        GC.SuppressFinalize(this);
    }
}

/// <summary>The other kind of search server, for what differs between the two.</summary>
public sealed class OpenSearchServer() : SearchServer(ServerKind.OpenSearch);
