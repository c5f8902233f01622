using System.Text;
using System.Text.Json;

namespace EsPipeline.Chaos;

/// <summary>Command lines as they were written for the tool before this one: they work as they stand, and end by themselves.</summary>
[Collection(SecuredElasticsearch.Name)]
public sealed class OldCommandTests(SecuredElasticsearch secured) : IDisposable
{
    private const string DatabasePassword = "S3cr3t'\"$x `b";

    private static readonly Document[] January =
    [
        new("first", """{"@timestamp":"2024-01-01T00:00:00Z","n":1}"""),
        new("within", """{"@timestamp":"2024-01-17T12:30:00.5Z","n":2,"big":9007199254740993}"""),
        new("last second", """{"@timestamp":"2024-01-31T23:59:59.999Z","n":5}"""),
        new("last", """{"@timestamp":"2024-01-31T23:59:59Z","n":3,"text":"ü 😀 '; DROP TABLE docs"}"""),
    ];

    private static readonly Document[] All =
    [
        .. January,
        new("before", """{"@timestamp":"2023-12-31T23:59:59.999Z","n":0}"""),
        new("after", """{"@timestamp":"2024-02-01T00:00:00Z","n":4}"""),
    ];

    private readonly EspipeFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Elasticsearch_to_mysql_with_passwords_and_a_month()
    {
        await using var index = await IndexAsync();
        await using var table = await TableAsync();
        var run = await EndedAsync(
            $"--source_type elasticsearch --sink_type mysql --es_url {index.Url}/_search --es_user elastic --es_pass", SecuredElasticsearch.Password,
            $"--db_host 127.0.0.1 --db_user {table.Database} --db_pass", DatabasePassword,
            $"--db_name {table.Database} --db_table docs --threads 5 --gte 2024-01-01T00:00:00 --lte 2024-01-31T23:59:59");
        ContentAssert.Same(January, await table.ReadAllAsync());
        IsWarnedOnce(run, "--es-pass", "--db-pass");
    }

    [Fact]
    public async Task Elasticsearch_to_mysql_with_an_api_key_and_everything()
    {
        await using var index = await IndexAsync();
        await using var table = await TableAsync();
        using var named = new StringContent("""{"name":"old"}""", Encoding.UTF8, "application/json");
        using var made = await secured.Server.Http.PostAsync(new Uri("_security/api_key", UriKind.Relative), named, Ct);
        var key = JsonSerializer.Deserialize<JsonElement>(await made.Content.ReadAsStringAsync(Ct)).GetProperty("encoded").GetString()!;
        var run = await EndedAsync(
            $"--source_type elasticsearch --sink_type mysql --es_url {index.Url}/_search --api_key {key} --match_all --db_host 127.0.0.1 --db_user {table.Database} --db_pass",
            DatabasePassword, $"--db_name {table.Database} --db_table docs --threads 5");
        ContentAssert.Same(All, await table.ReadAllAsync());
        IsWarnedOnce(run, "--es-api-key", "--db-pass");
        Assert.DoesNotContain(_folder.AllFiles(), f => f.Text.Contains(key, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Csv_to_a_file_of_so_many_records()
    {
        _folder.Write("test_data.csv", "id,name,content\n" + string.Concat(Enumerable.Range(0, 150).Select(Row)));
        await EndedAsync("--source_type csv --sink_type file --csv_file test_data.csv --output_file output.jsonl --threads 1 --limit 100");
        Assert.Equal(Enumerable.Range(0, 100).Select(Line), await File.ReadAllLinesAsync(_folder.File("output.jsonl"), Ct));

        // Every third row has no document of its own.
        static string Row(int i) => i % 3 == 0 ? $"r{i},\"n, {i}\",\n" : $"r{i},\"n, {i}\",\"{{\"\"v\"\": {i} }}\"\n";
        static string Line(int i) => i % 3 == 0
            ? $$$"""{"id":"r{{{i}}}","content":{"id":"r{{{i}}}","name":"n, {{{i}}}","content":""}}"""
            : $$$"""{"id":"r{{{i}}}","content":{"v": {{{i}}} }}""";
    }

    [Fact]
    public async Task Csv_to_json_lines_with_columns_of_other_names()
    {
        _folder.Write("sample.csv", "record_id,json_data\r\na,\"{\"\"v\"\":1}\"\r\nb,\"{\"\"v\"\":2}\"\r\na,\"{\"\"v\"\":3}\"\r\nc,\"{}\"\r\n");
        var run = await EndedAsync(
            "--source_type csv --sink_type jsonl --csv_file sample.csv --csv_id_column record_id --csv_content_column json_data --output_file results.jsonl --threads 1");
        Assert.Equal(["""{"id":"a","v":1}""", """{"id":"b","v":2}""", """{"id":"c"}"""], await File.ReadAllLinesAsync(_folder.File("results.jsonl"), Ct));
        Assert.Contains("read 4 = written 3 + unchanged 1", run.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task With_a_batch_size_a_name_metrics_and_explained_errors()
    {
        const string more = "--batch_size 500 --pipeline-id nightly --simple-errors --ai-errors";

        // A model has to be named, and is asked only when something is wrong; this one answers nobody.
        _folder.Environment["ANTHROPIC_API_KEY"] = "key";
        _folder.Environment["ANTHROPIC_BASE_URL"] = "http://127.0.0.1:1";
        _folder.Write("in.csv", "id,v\n" + string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i},x\n")));
        await EndedAsync($"--source_type csv --sink_type jsonl --csv_file in.csv --output_file out.jsonl --metrics-port 0 {more}");
        Assert.Equal(2000, (await File.ReadAllLinesAsync(_folder.File("out.jsonl"), Ct)).Length);
        Assert.True(File.Exists(_folder.File(".espipe/nightly/runs.jsonl")));

        // What is wrong is explained, by the rules where no model can be asked.
        var line = $"--source_type csv --sink_type jsonl --csv_file gone.csv --output_file other.jsonl --metrics-port 0 {more}";
        var failed = (await _folder.RunAsync(line.Replace("nightly", "hourly", StringComparison.Ordinal).Split(' '))).Ended(1);
        Assert.Single(failed.Error.Split('\n'), l => l.Contains("(file.not_found)", StringComparison.Ordinal));
        Assert.Contains("1. ", failed.Error, StringComparison.Ordinal);
    }

    // Words of the line between values that are no words.
    private async Task<EspipeResult> EndedAsync(string line, params string[] more)
    {
        string[] arguments = [.. line.Split(' '), .. more.SelectMany((part, i) => i % 2 == 0 ? [part] : part.Split(' '))];
        var run = (await _folder.RunAsync(arguments)).Ended(0);
        Assert.Empty(run.Complaints);
        Assert.Contains("(balances)", run.Output, StringComparison.Ordinal);
        return run;
    }

    private void IsWarnedOnce(EspipeResult run, params string[] options)
    {
        foreach (var option in options) Assert.Single(run.Error.Split('\n'), l => l.Contains($"{option} was given on the command line", StringComparison.Ordinal));
        Assert.DoesNotContain("S3cr3t", run.Said, StringComparison.Ordinal);
        Assert.DoesNotContain(_folder.AllFiles(), f => f.Text.Contains("S3cr3t", StringComparison.Ordinal));
    }

    private async Task<OldIndex> IndexAsync()
    {
        var index = new OldIndex(secured);
        foreach (var document in All) await index.SendAsync(HttpMethod.Put, $"/_doc/{document.Key}?refresh=true", document.Json);
        return index;
    }

    // The port is none that an old command line could name.
    private async Task<MariaDbTable> TableAsync()
    {
        var table = await MariaDbTable.CreateAsync();
        var password = DatabasePassword.Replace("'", "''", StringComparison.Ordinal);
        await table.ExecuteAsync($"CREATE USER {table.Database} IDENTIFIED BY '{password}'; GRANT ALL ON {table.Database}.* TO {table.Database}");
        _folder.Environment["DB_PORT"] = table.Port;
        return table;
    }

    private sealed class OldIndex(SecuredElasticsearch secured) : IAsyncDisposable
    {
        private readonly string _name = $"old-{Guid.NewGuid():n}";

        public string Url => $"{secured.Server.Address.ToString().TrimEnd('/')}/{_name}";

        public async Task SendAsync(HttpMethod method, string path, string? body)
        {
            using var request = new HttpRequestMessage(method, new Uri(_name + path, UriKind.Relative));
            if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, "application/json");
            using var answer = await secured.Server.Http.SendAsync(request);
            Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        }

        public async ValueTask DisposeAsync() => await SendAsync(HttpMethod.Delete, "", null);
    }
}
