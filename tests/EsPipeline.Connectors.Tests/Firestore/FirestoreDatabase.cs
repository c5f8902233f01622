using System.Net;
using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>One test's database in the emulator, read and written over REST without any of the code under test.</summary>
public sealed class FirestoreDatabase : IAsyncDisposable
{
    private readonly HttpClient _http = new();
    private readonly string _root;

    public FirestoreDatabase(string host, string project, string collection)
    {
        (Host, Project, Collection) = (host, project, collection);
        Documents = $"projects/{project}/databases/(default)/documents";
        _root = $"http://{host}/v1/";
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "owner");
    }

    public string Host { get; }

    public string Project { get; }

    public string Collection { get; }

    /// <summary>What documents' names begin with.</summary>
    public string Documents { get; }

    /// <summary>What documents are for the source and the sink that are opened from now on.</summary>
    public FirestoreValues? Values { get; set; }

    public FirestoreSinkOptions Options => new() { Project = Project, Collection = Collection, EmulatorHost = Host, Rate = 100_000, MaxRate = 100_000, Values = Values };

    /// <summary>A sink that writes into the collection, not ready yet.</summary>
    public FirestoreSink OpenSink(ILogger? log = null, string? host = null)
    {
        var options = Options with { EmulatorHost = host ?? Host };
        return new FirestoreSink(options, TimeProvider.System, log ?? NullLogger.Instance, new FirestoreClient(options, TimeProvider.System));
    }

    /// <summary>A sink that writes into the collection, ready to write.</summary>
    public async Task<FirestoreSink> OpenSinkAsync(SourceSchema? schema = null, ILogger? log = null, string? host = null)
    {
        var sink = OpenSink(log, host);
        await sink.PrepareAsync(schema ?? SourceSchema.Unknown, TestContext.Current.CancellationToken);
        return sink;
    }

    /// <summary>A source that reads the collection.</summary>
    /// <param name="pageSize">Documents in a request.</param>
    /// <param name="host">Another host to ask than the emulator's.</param>
    /// <param name="log">Where it logs.</param>
    /// <param name="timeout">The longest that the server may be silent.</param>
    public FirestoreSource OpenSource(int pageSize = 50, string? host = null, ILogger? log = null, TimeSpan? timeout = null)
    {
        var options = Options with { EmulatorHost = host ?? Host };
        return new FirestoreSource(options, TimeProvider.System, log ?? NullLogger.Instance, new FirestoreClient(options, TimeProvider.System))
        {
            PageSize = (pageSize, pageSize),
            Timeout = timeout ?? TimeSpan.FromSeconds(60),
            ListTimeout = TimeSpan.FromSeconds(30),
        };
    }

    /// <summary>The fields of a document, in Firestore's own JSON; null where it is not there.</summary>
    /// <param name="id">Its id as Firestore has it.</param>
    public async Task<JsonObject?> FieldsAsync(string id)
    {
        using var answer = await _http.GetAsync(new Uri($"{_root}{Documents}/{Collection}/{Uri.EscapeDataString(id)}"));
        var text = await answer.Content.ReadAsStringAsync();
        if (answer.StatusCode == HttpStatusCode.NotFound) return null;
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonNode.Parse(text, null, new JsonDocumentOptions { MaxDepth = 1000 })!["fields"]?.AsObject() ?? [];
    }

    /// <summary>Every document's id and fields.</summary>
    public async Task<Dictionary<string, JsonObject>> AllAsync()
    {
        var query = new JsonObject { ["structuredQuery"] = new JsonObject { ["from"] = new JsonArray(new JsonObject { ["collectionId"] = Collection.Split('/')[^1] }) } };
        var slash = Collection.LastIndexOf('/');
        var parent = slash < 0 ? Documents : $"{Documents}/{Collection[..slash]}";
        var all = new Dictionary<string, JsonObject>();
        foreach (var item in (await PostAsync($"{parent}:runQuery", query.ToJsonString())).AsArray())
        {
            if (item!["document"] is not { } document) continue;
            all[document["name"]!.GetValue<string>()[$"{Documents}/{Collection}/".Length..]] = document["fields"]?.AsObject() ?? [];
        }

        return all;
    }

    /// <summary>Writes documents given in Firestore's own JSON.</summary>
    public async Task PutAsync(IEnumerable<(string Id, string Fields)> documents)
    {
        foreach (var chunk in documents.Chunk(500))
        {
            var writes = chunk.Select(d => $$"""{"update":{"fields":{{d.Fields}},"name":{{JsonSerializer.Serialize($"{Documents}/{Collection}/{d.Id}")}} } }""");
            var answer = await PostAsync($"{Documents}:batchWrite", $$"""{"writes":[{{string.Join(',', writes)}}]}""");
            Assert.All(answer["status"]!.AsArray(), s => Assert.Equal("{}", s!.ToJsonString()));
        }
    }

    /// <summary>Deletes documents.</summary>
    public Task DeleteAsync(IEnumerable<string> ids)
    {
        var writes = ids.Select(id => $$"""{"delete":{{JsonSerializer.Serialize($"{Documents}/{Collection}/{id}")}} }""");
        return PostAsync($"{Documents}:batchWrite", $$"""{"writes":[{{string.Join(',', writes)}}]}""");
    }

    public async ValueTask DisposeAsync()
    {
        // The emulator keeps everything in memory.
        using var answer = await _http.DeleteAsync(new Uri($"http://{Host}/emulator/v1/{Documents}"));
        _http.Dispose();
    }

    private async Task<JsonNode> PostAsync(string method, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(new Uri(_root + method), content);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonNode.Parse(text, null, new JsonDocumentOptions { MaxDepth = 1000 })!;
    }
}
