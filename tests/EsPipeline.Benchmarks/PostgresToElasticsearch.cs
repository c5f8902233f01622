using System.Text;
using System.Text.Json;

namespace EsPipeline.Benchmarks;

/// <summary>
/// A table of Postgres to Elasticsearch, against the shortest way without a program of one's own: the server makes the lines of bulk bodies, psql
/// fetches them, split cuts them, and a curl posts each.
/// </summary>
internal sealed class PostgresToElasticsearch(BenchContext context) : Leg(context)
{
    private const string Source = "ESPIPE_TEST_POSTGRES_URL";
    private const string Sink = "ESPIPE_TEST_ELASTICSEARCH_URL";
    private const string Many = "espipe_bench_pges";
    private const string Few = "espipe_bench_pges_few";
    private const string Index = "espipe-bench-pges";

    // Two lines a record; about 8 MB, as espipe's own requests.
    private const int LinesOfBody = 60_000;

    private readonly string _elasticsearch = (BenchContext.Address(Sink) ?? "").TrimEnd('/');

    public override string Name => "pg-es";

    public override string Reference => "psql, split and curl, bulk bodies made by the server";

    public override double Aim => 1.0;

    public override long Records => 300_000;

    public override long FewRecords => 30_000;

    public override string? Missing => new[] { Source, Sink }.FirstOrDefault(v => BenchContext.Address(v) is null) is { } variable ? $"{variable} is not set" : null;

    // A quote and a delimiter that no line holds leave the lines as they are.
    public override CommandText? ReferenceCommand => CommandText.Shell(
        $$$"""
        psql "$ADDRESS" -X -q -c "SET timezone = 'UTC'" -c "COPY (SELECT unnest(ARRAY['{\"index\":{\"_id\":\"' || id || '\"}}', row_to_json(t)::text]) FROM {{{Many}}} t) TO STDOUT (FORMAT csv, QUOTE E'\x01', DELIMITER E'\x02')" \
          | split -l {{{LinesOfBody}}} --filter='curl -s -f -o /dev/null -H "Content-Type: application/x-ndjson" --data-binary @- "$ELASTICSEARCH/{{{Index}}}/_bulk?filter_path=errors,items.*.error"'
        """) with { Environment = Environment };

    private Dictionary<string, string> Environment => new()
    {
        ["ADDRESS"] = BenchContext.Address(Source) ?? "", ["PG_URL"] = BenchContext.Address(Source) ?? "", ["ELASTICSEARCH"] = _elasticsearch,
    };

    public override async Task PrepareAsync()
    {
        await RunAsync(PostgresRows.Create(Many, Records));
        await RunAsync(PostgresRows.Create(Few, FewRecords));
    }

    public override async Task ResetAsync()
    {
        Context.ForgetState();
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        (await http.DeleteAsync($"{_elasticsearch}/{Index}")).Dispose();
        using var settings = new StringContent("""{"settings":{"number_of_shards":2,"number_of_replicas":0,"refresh_interval":"-1"}}""", Encoding.UTF8, "application/json");
        (await http.PutAsync($"{_elasticsearch}/{Index}", settings)).EnsureSuccessStatusCode();
    }

    public override CommandText Espipe(bool few) => Context.Run(
        "--source", "postgres", "--sink", "elasticsearch", "--pg-table", few ? Few : Many, "--es-url", _elasticsearch, "--es-index", Index) with { Environment = Environment };

    public override async Task VerifyAsync()
    {
        await RunAsync($"psql \"$ADDRESS\" -X -q -A -t -v FETCH_COUNT=10000 -c \"SET timezone = 'UTC'\" -c 'SELECT row_to_json(t) FROM {Many} t' > expected.jsonl");
        using var http = new HttpClient { Timeout = TimeSpan.FromMinutes(5) };
        (await http.PostAsync($"{_elasticsearch}/{Index}/_refresh", null)).EnsureSuccessStatusCode();
        await using (var output = new StreamWriter(Context.PathOf("written.jsonl"), append: false, new UTF8Encoding(false), 1 << 20))
        {
            var page = await AskAsync(http, $"{Index}/_search?scroll=1m", """{"size":10000,"sort":["_doc"]}""");
            while (page.GetProperty("hits").GetProperty("hits") is var hits && hits.GetArrayLength() > 0)
            {
                foreach (var hit in hits.EnumerateArray()) await output.WriteLineAsync(hit.GetProperty("_source").GetRawText());
                page = await AskAsync(http, "_search/scroll", JsonSerializer.Serialize(new { scroll = "1m", scroll_id = page.GetProperty("_scroll_id").GetString() }));
            }
        }

        UnorderedLines.Verify(Context.PathOf("written.jsonl"), File.ReadLines(Context.PathOf("expected.jsonl")));
    }

    private async Task<JsonElement> AskAsync(HttpClient http, string path, string body)
    {
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = (await http.PostAsync($"{_elasticsearch}/{path}", content)).EnsureSuccessStatusCode();
        return JsonDocument.Parse(await answer.Content.ReadAsStringAsync()).RootElement;
    }

    private Task<ProcessRun> RunAsync(string line) => ProcessRun.OfAsync(CommandText.Shell(line) with { Environment = Environment }, Context.Folder);
}
