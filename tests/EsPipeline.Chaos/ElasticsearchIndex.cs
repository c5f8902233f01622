using System.Text;
using System.Text.Json;

namespace EsPipeline.Chaos;

/// <summary>One test's index in the real Elasticsearch, written over REST without any of the code under test; gone when the test is.</summary>
internal sealed class ElasticsearchIndex : IAsyncDisposable
{
    private readonly HttpClient _http;
    private readonly Dictionary<string, string> _documents = new(StringComparer.Ordinal);

    private ElasticsearchIndex(Uri server)
    {
        Server = server;
        _http = new HttpClient { BaseAddress = server };
    }

    /// <summary>Where it is.</summary>
    public Uri Server { get; }

    /// <summary>Its name.</summary>
    public string Name { get; } = $"chaos-{Guid.NewGuid():n}";

    /// <summary>What is in it.</summary>
    public IEnumerable<Document> Documents => _documents.Select(d => new Document(d.Key, d.Value));

    /// <summary>Makes an index with so many documents in two shards, some of which were replaced and some deleted since.</summary>
    public static async Task<ElasticsearchIndex> CreateAsync(int documents)
    {
        var index = new ElasticsearchIndex(TestServers.Elasticsearch);
        const string settings = """
            {"settings":{"number_of_shards":2,"number_of_replicas":0,"refresh_interval":"-1"},
             "mappings":{"properties":{"@timestamp":{"type":"date"},"big":{"type":"long"},"items":{"type":"nested"}}}}
            """;
        await index.SendAsync(HttpMethod.Put, index.Name, settings, "application/json");
        await index.PutAsync(0, documents, "first");
        await index.PutAsync(documents / 2, documents / 10, "replaced");
        await index.DeleteAsync(Enumerable.Range(0, documents / 20).Select(i => IdOf(i * 3)));
        return index;
    }

    /// <summary>Makes an index with these documents.</summary>
    public static async Task<ElasticsearchIndex> CreateAsync(string settings, IEnumerable<Document> documents)
    {
        var index = new ElasticsearchIndex(TestServers.Elasticsearch);
        await index.SendAsync(HttpMethod.Put, index.Name, settings, "application/json");
        await index.PutAsync(documents);
        return index;
    }

    /// <summary>Inserts or replaces documents.</summary>
    public Task PutAsync(int from, int count, string word) => PutAsync(Enumerable.Range(from, count).Select(i => new Document(IdOf(i), JsonOf(i, word))));

    /// <summary>Removes documents.</summary>
    public Task DeleteAsync(IEnumerable<string> ids)
    {
        var lines = new StringBuilder();
        foreach (var id in ids)
        {
            lines.Append("{\"delete\":{\"_id\":").Append(JsonSerializer.Serialize(id)).Append("}}\n");
            _documents.Remove(id);
        }

        return BulkAsync(lines);
    }

    public async ValueTask DisposeAsync()
    {
        await SendAsync(HttpMethod.Delete, Name, null, "");
        _http.Dispose();
    }

    // Some ids are none that a path or a Firestore id could hold as they are.
    private static string IdOf(int number) => number % 50 == 7 ? $"ключ/{number:000000} %2F" : $"doc-{number:000000}";

    private static string JsonOf(int number, string word)
    {
        var time = DateTimeOffset.UnixEpoch.AddSeconds(1_700_000_000L + number);
        return $$"""{"n":{{number}},"big":{{9_007_199_254_740_993L + number}},"@timestamp":"{{time:yyyy-MM-dd'T'HH:mm:ss'Z'}}","word":"{{word}}","text":"Nummer {{number}} ü 世界 😀","items":[{"sku":"a{{number}}","n":1},{"sku":"b","n":2,"price":2.5}],"none":null}""";
    }

    /// <summary>Inserts or replaces documents.</summary>
    public async Task PutAsync(IEnumerable<Document> documents)
    {
        foreach (var chunk in documents.Chunk(10_000))
        {
            var lines = new StringBuilder();
            foreach (var document in chunk)
            {
                lines.Append("{\"index\":{\"_id\":").Append(JsonSerializer.Serialize(document.Key)).Append("}}\n").Append(document.Json).Append('\n');
                _documents[document.Key] = document.Json;
            }

            await BulkAsync(lines);
        }
    }

    private async Task BulkAsync(StringBuilder lines)
    {
        var answer = await SendAsync(HttpMethod.Post, $"{Name}/_bulk?refresh=true&filter_path=errors,items.*.error", lines.ToString(), "application/x-ndjson");
        Assert.False(answer.GetProperty("errors").GetBoolean(), Document.Short(answer.ToString(), 500));
    }

    private async Task<JsonElement> SendAsync(HttpMethod method, string path, string? body, string type)
    {
        using var answer = await _http.SendPatientlyAsync(method, path, body, type);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{method} {path}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }
}
