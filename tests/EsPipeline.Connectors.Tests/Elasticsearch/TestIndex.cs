using System.Text;
using System.Text.Json;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>An index of one test, which is gone when the test is.</summary>
internal sealed class TestIndex : IAsyncDisposable
{
    private readonly ElasticsearchServer _server;

    private TestIndex(ElasticsearchServer server, string name) => (_server, Name) = (server, name);

    public string Name { get; }

    public ElasticsearchServer Server => _server;

    /// <summary>Makes an index.</summary>
    /// <param name="server">Where.</param>
    /// <param name="shards">How many shards it has.</param>
    /// <param name="mappings">Its mappings; by default a time field only.</param>
    /// <param name="name">Its name; one that nobody else has where null.</param>
    /// <param name="settings">More settings, each as a member of a JSON object.</param>
    public static async Task<TestIndex> CreateAsync(
        ElasticsearchServer server, int shards = 1, string? mappings = null, string? name = null, string settings = "")
    {
        var index = new TestIndex(server, name ?? $"test-{Guid.NewGuid():n}");
        mappings ??= """{"properties":{"@timestamp":{"type":"date"}}}""";
        var more = settings.Length > 0 ? "," + settings : "";
        await index.SendAsync(HttpMethod.Put, "", $$$"""{"settings":{"number_of_shards":{{{shards}}},"number_of_replicas":0{{{more}}}},"mappings":{{{mappings}}}}""");
        return index;
    }

    /// <summary>Makes an index of an awkward name, with one document.</summary>
    public static async Task<TestIndex> CreateEncodedAsync(ElasticsearchServer server, string name)
    {
        var index = new TestIndex(server, Uri.EscapeDataString(name));
        await index.SendAsync(HttpMethod.Put, "/_doc/a?refresh=true", "{}");
        return index;
    }

    /// <summary>Options of a source that reads it.</summary>
    public ElasticsearchSourceOptions Options => new() { Url = _server.Address.ToString(), Index = Name };

    /// <summary>Opens a source over it, or over another expression.</summary>
    public ElasticsearchSource Open(
        ElasticsearchSourceOptions? options = null, int pageSize = 100, RunOptions? run = null, ILogger<ElasticsearchSource>? log = null, ClientPatience? patience = null) =>
        Sources.Open(options ?? Options, pageSize, run, log, patience);

    /// <summary>Puts documents <c>{prefix}{number}</c>, with the number, a time a second after the one before, and what is given.</summary>
    public Task PutAsync(int from, int count, string more = "", bool refresh = true) =>
        PutAsync(Enumerable.Range(from, count).Select(i => (IdOf(i), DocumentOf(i, more))), refresh);

    public static string IdOf(int number) => $"doc-{number:0000000}";

    public static string DocumentOf(int number, string more = "") =>
        $$"""{"n":{{number}},"@timestamp":"{{DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000L + number):yyyy-MM-dd'T'HH:mm:ss'Z'}}","text":"Nummer {{number}} ü 世界 😀"{{more}}}""";

    public async Task PutAsync(IEnumerable<(string Id, string Json)> documents, bool refresh = true)
    {
        foreach (var chunk in documents.Chunk(5000))
        {
            var lines = new StringBuilder();
            foreach (var (id, json) in chunk)
            {
                lines.Append("{\"index\":{\"_id\":").Append(JsonSerializer.Serialize(id)).Append("}}\n").Append(json.ReplaceLineEndings(" ")).Append('\n');
            }

            await BulkAsync(lines.ToString(), refresh);
        }
    }

    public Task DeleteAsync(IEnumerable<string> ids, bool refresh = true) =>
        BulkAsync(string.Concat(ids.Select(id => $"{{\"delete\":{{\"_id\":{JsonSerializer.Serialize(id)}}}}}\n")), refresh);

    public Task RefreshAsync() => SendAsync(HttpMethod.Post, "/_refresh");

    public Task<JsonElement> SendAsync(HttpMethod method, string path, string? json = null) => Api.SendAsync(_server, method, Name + path, json);

    public async ValueTask DisposeAsync()
    {
        using var response = await _server.Http.DeleteAsync(new Uri(Name + "?ignore_unavailable=true", UriKind.Relative));
    }

    private async Task BulkAsync(string lines, bool refresh)
    {
        var answer = await Api.SendAsync(_server, HttpMethod.Post, $"{Name}/_bulk?refresh={(refresh ? "true" : "false")}", lines, "application/x-ndjson");
        Assert.False(answer.GetProperty("errors").GetBoolean(), answer.ToString());
    }
}

/// <summary>Plain requests to a server.</summary>
internal static class Api
{
    public static async Task<JsonElement> SendAsync(ElasticsearchServer server, HttpMethod method, string path, string? json = null, string type = "application/json")
    {
        using var response = await server.Http.SendPatientlyAsync(method, path, json, type, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.IsSuccessStatusCode, $"{method} {path}: {(int)response.StatusCode} {text}");
        return text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text);
    }
}
