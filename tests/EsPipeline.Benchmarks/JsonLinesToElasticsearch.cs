using System.Net.Http.Headers;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Benchmarks;

/// <summary>JSON Lines to Elasticsearch, against curls that post <c>_bulk</c> bodies of the same documents which were made before.</summary>
/// <param name="context">What all legs share.</param>
/// <param name="curls">Curls at once.</param>
internal sealed class JsonLinesToElasticsearch(BenchContext context, int curls) : Leg(context)
{
    private const string Variable = "ESPIPE_TEST_ELASTICSEARCH_URL";
    private const string Index = "espipe-bench-write";
    private const string Bulk = "_bulk?filter_path=errors,items.*.status,items.*.error,items.*._id";

    // As large as espipe's own requests.
    private const int BodyBytes = 8 << 20;

    private readonly string _address = (BenchContext.Address(Variable) ?? "").TrimEnd('/');

    public override string Name => curls == 1 ? "jsonl-es" : $"jsonl-es-{curls}";

    public override string Reference => curls == 1 ? "curl, bulk bodies" : $"{curls} curls, bulk bodies";

    public override double Aim => 0.90;

    public override double? AimCpu => 2.5;

    public override long Records => 300_000;

    public override long FewRecords => 30_000;

    public override string? Missing => BenchContext.Address(Variable) is null ? $"{Variable} is not set" : null;

    public override CommandText? ReferenceCommand => CommandText.Shell(
        string.Join(" ", Enumerable.Range(0, curls).Select(i => $"curl -K {Requests(i)} & p{i}=$!;")) + string.Join(" &&", Enumerable.Range(0, curls).Select(i => $" wait $p{i}")));

    public override async Task PrepareAsync()
    {
        await WriteLinesAsync("many", Records);
        await WriteLinesAsync("few", FewRecords);
        await WriteBodiesAsync();
    }

    public override async Task ResetAsync()
    {
        Context.ForgetState();
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        (await http.DeleteAsync($"{_address}/{Index}")).Dispose();
        await SendAsync(http, HttpMethod.Put, $"/{Index}", """{"settings":{"number_of_shards":2,"number_of_replicas":0,"refresh_interval":"-1"}}""");
    }

    public override CommandText Espipe(bool few) => Context.Run(
        "--source", "jsonl", "--sink", "elasticsearch", "--jsonl-file", Context.PathOf(few ? "few.jsonl" : "many.jsonl"), "--es-url", _address, "--es-index", Index);

    public override async Task VerifyAsync()
    {
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        await SendAsync(http, HttpMethod.Post, $"/{Index}/_refresh", "");
        var file = Context.PathOf("written.jsonl");
        await using (var output = new StreamWriter(file, append: false, new UTF8Encoding(false), 1 << 20))
        {
            var page = await SendAsync(http, HttpMethod.Post, $"/{Index}/_search?scroll=1m", """{"size":10000,"sort":["_doc"]}""");
            while (page.GetProperty("hits").GetProperty("hits") is var hits && hits.GetArrayLength() > 0)
            {
                foreach (var hit in hits.EnumerateArray()) await output.WriteLineAsync(hit.GetProperty("_source").GetRawText());
                page = await SendAsync(
                    http, HttpMethod.Post, "/_search/scroll", JsonSerializer.Serialize(new { scroll = "1m", scroll_id = page.GetProperty("_scroll_id").GetString() }));
            }
        }

        UnorderedLines.Verify(file, Enumerable.Range(0, (int)Records).Select(i => BenchIndex.Line(i)));
    }

    private async Task WriteLinesAsync(string name, long lines)
    {
        await using var file = new StreamWriter(Context.PathOf(name + ".jsonl"), append: false, new UTF8Encoding(false), 1 << 20);
        for (long i = 0; i < lines; i++) await file.WriteAsync(BenchIndex.Line(i) + "\n");
    }

    // A file for each body, and for each curl what it has to post.
    private async Task WriteBodiesAsync()
    {
        var requests = Enumerable.Range(0, curls).Select(_ => new StringBuilder()).ToArray();
        var (body, bodies) = (new StringBuilder(), 0);
        for (long i = 0; i < Records; i++)
        {
            body.Append("{\"index\":{\"_id\":\"").Append(BenchIndex.Key(i)).Append("\"}}\n").Append(BenchIndex.Line(i)).Append('\n');
            if (body.Length < BodyBytes && i < Records - 1) continue;
            var file = Context.PathOf($"body-{bodies}");
            await File.WriteAllTextAsync(file, body.ToString());
            var request = requests[bodies++ % curls];
            if (request.Length > 0) request.Append("next\n");
            request.Append($"url = \"{_address}/{Index}/{Bulk}\"\nheader = \"Content-Type: application/x-ndjson\"\nsilent\nfail\noutput = \"/dev/null\"\ndata-binary = \"@{file}\"\n");
            body.Clear();
        }

        for (var i = 0; i < curls; i++) await File.WriteAllTextAsync(Requests(i), requests[i].ToString());
    }

    private string Requests(int curl) => Context.PathOf($"requests-{curls}-{curl}.curl");

    private async Task<JsonElement> SendAsync(HttpClient http, HttpMethod method, string path, string body)
    {
        using var request = new HttpRequestMessage(method, _address + path) { Content = new StringContent(body, Encoding.UTF8, new MediaTypeHeaderValue("application/json")) };
        using var response = await http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode) throw new InvalidOperationException($"{method} {path}: {(int)response.StatusCode} {text}");
        return JsonDocument.Parse(text).RootElement;
    }
}
