using System.Net;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Chaos;

/// <summary>What a person gets wrong, against a server that asks for a password: one sentence, the right exit code, nothing written.</summary>
[Collection(SecuredElasticsearch.Name)]
public sealed class RefusalTests(SecuredElasticsearch secured) : IAsyncLifetime, IDisposable
{
    private readonly EspipeFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        using var document = new StringContent("""{"n":1}""", Encoding.UTF8, "application/json");
        using var answer = await secured.Server.Http.PutAsync(new Uri("orders/_doc/a?refresh=true", UriKind.Relative), document);
        Assert.True(answer.IsSuccessStatusCode);
        _folder.Environment["ES_HOST_URL"] = secured.Server.Address.ToString();
        _folder.Environment["ES_INDEX"] = "orders";
        _folder.Environment["ES_USER"] = "elastic";
        _folder.Environment["ES_PASSWORD"] = SecuredElasticsearch.Password;
    }

    [Fact]
    public async Task Each_mistake_is_answered_with_one_sentence_and_the_right_exit_code_and_nothing_is_written()
    {
        await IsRefusedAsync(1, "elasticsearch.auth", ("ES_PASSWORD", "S3cr3t-but-wrong"));
        await IsRefusedAsync(1, "elasticsearch.index_not_found", ("ES_INDEX", "odrers"));
        await IsRefusedAsync(1, "elasticsearch.query", ("ESPIPE_QUERY", """{"nonsense":{"n":1}}"""));
        await IsRefusedAsync(1, "elasticsearch.unreachable", ("ES_HOST_URL", "http://127.0.0.1:1"));
        await IsRefusedAsync(1, "elasticsearch.query", ("ESPIPE_QUERY", "{\"match_all\":"));

        // The same job does what it should where nothing is wrong: what was refused before was refused for that.
        (await _folder.RunAsync("--sink", "jsonl", "--output-file", "out.jsonl", "--mode", "full-sync")).Ended(0);
        Assert.Equal(["{\"id\":\"a\",\"n\":1}"], await File.ReadAllLinesAsync(_folder.File("out.jsonl"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task Serve_signs_in_with_a_password_or_an_api_key_and_callers_never_see_why_it_could_not()
    {
        _folder.Environment["ESPIPE_API_PORT"] = "0";
        await AnswersAsync(HttpStatusCode.OK);
        _folder.Environment["ES_PASSWORD"] = "S3cr3t-but-wrong";
        await AnswersAsync(HttpStatusCode.ServiceUnavailable);
        _folder.Environment.Remove("ES_USER");
        _folder.Environment.Remove("ES_PASSWORD");
        using var named = new StringContent("""{"name":"serve"}""", Encoding.UTF8, "application/json");
        using var made = await secured.Server.Http.PostAsync(new Uri("_security/api_key", UriKind.Relative), named, Ct);
        var key = JsonSerializer.Deserialize<JsonElement>(await made.Content.ReadAsStringAsync(Ct)).GetProperty("encoded").GetString()!;
        _folder.Environment["ES_API_KEY"] = key;
        await AnswersAsync(HttpStatusCode.OK);
        Assert.DoesNotContain(_folder.AllFiles(), f => f.Text.Contains(key, StringComparison.Ordinal));
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public void Dispose() => _folder.Dispose();

    private async Task AnswersAsync(HttpStatusCode expected)
    {
        using var served = _folder.Start("serve");
        using var http = new HttpClient { BaseAddress = await served.AddressAsync() };
        using var query = new StringContent("""{"index":"orders"}""", Encoding.UTF8, "application/json");
        using var answer = await http.PostAsync(new Uri("search", UriKind.Relative), query, Ct);
        var text = await answer.Content.ReadAsStringAsync(Ct);
        Assert.True(answer.StatusCode == expected, text);
        Assert.Contains(expected == HttpStatusCode.OK ? "\"n\":1" : "api.backend_unavailable", text, StringComparison.Ordinal);
        Assert.DoesNotContain("elastic", text, StringComparison.Ordinal);
        served.Signal(PosixSignalNumber.Terminate);
        var said = (await served.EndAsync()).Ended(143).Said;
        Assert.Equal(expected != HttpStatusCode.OK, said.Contains("elasticsearch.auth", StringComparison.Ordinal));
        Assert.DoesNotContain("S3cr3t", said, StringComparison.Ordinal);
    }

    private async Task IsRefusedAsync(int code, string error, params (string Name, string Value)[] wrong)
    {
        foreach (var mode in new[] { "full-sync", "health-check" })
        {
            var right = new Dictionary<string, string>(_folder.Environment);
            foreach (var (name, value) in wrong) _folder.Environment[name] = value;
            var run = await _folder.RunAsync("--sink", "jsonl", "--output-file", "out.jsonl", "--mode", mode, "--max-retries", "0");
            foreach (var (name, value) in right) _folder.Environment[name] = value;
            foreach (var (name, _) in wrong.Where(w => !right.ContainsKey(w.Name))) _folder.Environment.Remove(name);

            // A query is only tried by a run.
            if (mode == "health-check" && wrong[0].Name == "ESPIPE_QUERY") continue;
            run.Ended(code);
            Assert.Single(run.Said.Split('\n'), l => l.Contains($"({error})", StringComparison.Ordinal));
            Assert.DoesNotContain("S3cr3t", run.Said, StringComparison.Ordinal);
            Assert.DoesNotContain("   at ", run.Said, StringComparison.Ordinal);
            Assert.False(File.Exists(_folder.File("out.jsonl")), "Something was written.");
            Assert.DoesNotContain(_folder.AllFiles(), f => f.Text.Contains("S3cr3t", StringComparison.Ordinal));
        }
    }
}
