using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Benchmarks;

/// <summary>An index of documents that can be told from their number, of about 350 bytes, with fields in the order in which Firestore keeps them.</summary>
/// <param name="address">Where Elasticsearch answers.</param>
/// <param name="name">The index.</param>
/// <param name="documents">How many it holds.</param>
internal sealed class BenchIndex(string address, string name, long documents)
{
    private const int Batch = 10_000;

    public string Address => address.TrimEnd('/');

    public string Name => name;

    public long Documents => documents;

    /// <summary>The shards.</summary>
    public static int Shards => 2;

    /// <summary>The line that the <c>jsonl</c> sink has to write for a document, without its end.</summary>
    public static string Line(long i) => $$"""{"id":"{{Key(i)}}",{{Fields(i)}}}""";

    /// <summary>The document itself.</summary>
    public static string Document(long i) => $"{{{Fields(i)}}}";

    public static string Key(long i) => $"key-{i:000000000}";

    /// <summary>Makes the index anew, merged and at rest.</summary>
    public async Task CreateAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(10) };
        (await http.DeleteAsync($"{Address}/{name}")).Dispose();
        await SendAsync(http, HttpMethod.Put, $"/{name}", $$$"""{"settings":{"number_of_shards":{{{Shards}}},"number_of_replicas":0,"refresh_interval":"-1"}}""");
        for (long first = 0; first < documents; first += Batch)
        {
            var body = new StringBuilder();
            for (var i = first; i < Math.Min(documents, first + Batch); i++)
            {
                body.Append("{\"index\":{\"_id\":\"").Append(Key(i)).Append("\"}}\n{").Append(Fields(i)).Append("}\n");
            }

            var answer = await SendAsync(http, HttpMethod.Post, $"/{name}/_bulk?filter_path=errors", body.ToString());
            if (answer.GetProperty("errors").GetBoolean()) throw new InvalidOperationException("The bench's documents were not taken.");
        }

        await SendAsync(http, HttpMethod.Post, $"/{name}/_forcemerge?max_num_segments=4", "");
        await SendAsync(http, HttpMethod.Post, $"/{name}/_refresh", "");
    }

    /// <summary>
    /// Writes what curl needs to ask for every document of a shard by the pages that espipe asks for, in a point in time of its own.
    /// </summary>
    public async Task WritePagesAsync(int shard, int pageSize, string file)
    {
        using var http = new HttpClient();
        var stats = await SendAsync(http, HttpMethod.Get, $"/{name}/_stats?level=shards&filter_path=indices.*.shards.*.seq_no", null);
        var last = stats.GetProperty("indices").GetProperty(name).GetProperty("shards").GetProperty($"{shard}")[0]
            .GetProperty("seq_no").GetProperty("global_checkpoint").GetInt64();
        var opened = await SendAsync(http, HttpMethod.Post, $"/{name}/_pit?keep_alive=10m&preference=_shards:{shard}", "");
        var id = opened.GetProperty("id").GetString();
        var config = new StringBuilder();
        for (long after = -1; after < last; after += pageSize)
        {
            if (config.Length > 0) config.Append("next\n");
            var body = $$$$"""{"size":{{{{pageSize}}}},"track_total_hits":false,"sort":[{"_seq_no":{"order":"asc","unmapped_type":"long"}}],"pit":{"id":"{{{{id}}}}","keep_alive":"10m"},"query":{"bool":{"filter":[{"range":{"_seq_no":{"gt":{{{{after}}}},"lte":{{{{Math.Min(last, after + pageSize)}}}}}}}]}}}""";
            config.Append("url = \"").Append(Address).Append("/_search?allow_partial_search_results=false\"\n")
                .Append("header = \"Content-Type: application/json\"\nsilent\nfail\noutput = \"/dev/null\"\n")
                .Append("data-raw = \"").Append(body.Replace("\"", "\\\"", StringComparison.Ordinal)).Append("\"\n");
        }

        await File.WriteAllTextAsync(file, config.ToString());
    }

    private static string Fields(long i) =>
        $"\"amount\":{i % 100_000},\"big\":{9_007_199_254_740_993 + i},\"city\":\"City {i % 313}\",\"email\":\"person.{i % 9973}@example.org\",\"flag\":{(i % 3 == 0 ? "true" : "false")},"
        + $"\"name\":\"Person number {i % 1000}\",\"note\":\"Some words number {i % 97} that go on for a while, as notes of people do, and then come to their end without a point\",\"tags\":[\"a{i % 7}\",\"b{i % 11}\"]";

    private async Task<JsonElement> SendAsync(HttpClient http, HttpMethod method, string path, string? body)
    {
        using var request = new HttpRequestMessage(method, Address + path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json"));
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{method} {path}: {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }
}
