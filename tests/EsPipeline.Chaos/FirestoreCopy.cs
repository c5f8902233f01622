using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace EsPipeline.Chaos;

/// <summary>A collection of a project of its own in the emulator, read over REST without any of the code under test.</summary>
internal sealed class FirestoreCopy : IAsyncDisposable
{
    private const string Collection = "things";

    private readonly HttpClient _http = new();
    private readonly string _documents;

    public FirestoreCopy()
    {
        Host = TestServers.Firestore;
        Project = $"chaos-{Guid.NewGuid():N}"[..30];
        _documents = $"projects/{Project}/databases/(default)/documents";
        _http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", "owner");
    }

    /// <summary>Where the emulator is.</summary>
    public string Host { get; }

    /// <summary>The project.</summary>
    public string Project { get; }

    /// <summary>The options of a sink that writes here, as fast as it can.</summary>
    public string[] Arguments =>
    [
        "--sink", "firestore", "--firestore-project", Project, "--firestore-collection", Collection,
        "--firestore-rate", "1000000", "--firestore-max-rate", "1000000",
    ];

    /// <summary>Everything that is there, by the key that it had at its source.</summary>
    public async Task<IReadOnlyDictionary<string, string>> ReadAllAsync()
    {
        using var query = new StringContent($$$"""{"structuredQuery":{"from":[{"collectionId":"{{{Collection}}}"}]}}""", Encoding.UTF8, "application/json");
        using var answer = await _http.PostAsync(new Uri($"http://{Host}/v1/{_documents}:runQuery"), query);
        Assert.True(answer.IsSuccessStatusCode, $"{answer.StatusCode}");
        await using var body = await answer.Content.ReadAsStreamAsync();
        var found = new Dictionary<string, string>(StringComparer.Ordinal);
        await foreach (var item in JsonSerializer.DeserializeAsyncEnumerable<JsonNode>(body))
        {
            if (item!["document"] is not { } document) continue;
            var name = document["name"]!.GetValue<string>()[$"{_documents}/{Collection}/".Length..];
            found.Add(KeyOf(name), Fields(document["fields"])!.ToJsonString());
        }

        return found;
    }

    public async ValueTask DisposeAsync()
    {
        using var answer = await _http.DeleteAsync(new Uri($"http://{Host}/emulator/v1/{_documents}"));
        _http.Dispose();
    }

    // The reverse of what the README says of ids, for the ids that these tests have.
    private static string KeyOf(string id) => id.Replace("%252F", "%\u0000", StringComparison.Ordinal).Replace("%2F", "/", StringComparison.Ordinal)
        .Replace("%\u0000", "%2F", StringComparison.Ordinal);

    private static JsonObject? Fields(JsonNode? fields)
    {
        var plain = new JsonObject();
        foreach (var (name, value) in fields?.AsObject() ?? []) plain[name] = Value(value!.AsObject());
        return plain;
    }

    private static JsonNode? Value(JsonObject value)
    {
        var (type, content) = value.Single();
        return type switch
        {
            "nullValue" => null,
            "integerValue" => JsonNode.Parse(content!.GetValue<string>()),
            "mapValue" => Fields(content!["fields"]),
            "arrayValue" => new JsonArray([.. (content!["values"]?.AsArray() ?? []).Select(v => Value(v!.AsObject()))]),
            _ => content!.DeepClone(),
        };
    }
}
