using System.Text.Json;

namespace EsPipeline.Chaos;

/// <summary>From part files in a bucket to the figures of the analytics API, each step a process as a person runs it.</summary>
public sealed class ObjectCountsTests : IAsyncDisposable
{
    private const int LinesPerPart = 5000;
    private const int Parts = 40;

    private static readonly string[] Finished = ["job-1", "job-2", "job-3"];

    private readonly CountsBucket _bucket = new();
    private readonly HttpClient _http = new();
    private readonly string _index = $"counts-{Guid.NewGuid():n}";
    private readonly EspipeFolder _folder = new();

    [Fact]
    public async Task Counts_are_the_sums_of_the_finished_jobs_whatever_is_run_again()
    {
        await _bucket.CreateAsync();
        for (var part = 0; part < Parts; part++)
        {
            await _bucket.PutPartAsync(JobOf(part), part, part * LinesPerPart, LinesPerPart, 1, part == 17 ? "no count@2024-01-01 00:00\tmany\n" : null);
        }

        foreach (var job in Finished) await _bucket.FinishAsync(job);
        await _bucket.PutPartAsync("unfinished", 0, Parts * LinesPerPart, 100, 1000);
        var run = (await RunAsync()).Ended(3);
        Assert.Contains($"written {Parts * LinesPerPart} + unchanged 0 + filtered 0 + dead_lettered 1 (balances)", run.Output, StringComparison.Ordinal);
        Assert.Contains($"The index '{_index}' holds {Parts * LinesPerPart} documents, {Parts * LinesPerPart} more than before; fits the account.", run.Output, StringComparison.Ordinal);
        var shown = (await _folder.RunAsync("dead-letters", "show", "--job", "counts")).Ended(0);
        Assert.Contains($"{JobOf(17)}/part-r-00017 line {LinesPerPart + 1}", shown.Output, StringComparison.Ordinal);
        Assert.Contains("no count@2024-01-01 00:00\tmany", shown.Output, StringComparison.Ordinal);

        using var served = Serve();
        var api = await served.AddressAsync();
        await EqualAsync(api, _bucket.Sums(Finished));

        Assert.Contains("account: read 0 = ", (await RunAsync()).Ended(0).Output, StringComparison.Ordinal);
        await EqualAsync(api, _bucket.Sums(Finished));

        for (var part = 1; part < Parts; part += 3) await _bucket.PutPartAsync(JobOf(part), part, part * LinesPerPart, LinesPerPart, 7);
        await _bucket.FinishAsync(JobOf(1));
        var again = (await RunAsync()).Ended(0).Output;
        Assert.Contains($"holds {Parts * LinesPerPart} documents, as many as before; fits the account: {13 * LinesPerPart} of the {13 * LinesPerPart} written replaced or deleted documents.", again, StringComparison.Ordinal);
        await EqualAsync(api, _bucket.Sums(Finished));

        await _bucket.FinishAsync("unfinished");
        (await RunAsync()).Ended(0);
        await EqualAsync(api, _bucket.Sums([.. Finished, "unfinished"]));

        served.Signal(PosixSignalNumber.Terminate);
        (await served.EndAsync()).Ended(143);
    }

    public async ValueTask DisposeAsync()
    {
        using var answer = await _http.DeleteAsync(new Uri(TestServers.Elasticsearch, _index));
        await _bucket.DisposeAsync();
        _http.Dispose();
        _folder.Dispose();
    }

    // The bucket's order is then not the order of the lines.
    private static string JobOf(int part) => Finished[part % Finished.Length];

    private Task<EspipeResult> RunAsync() => _folder.RunAsync(
        "--source", "hadoop", "--s3-endpoint", TestServers.S3.ToString(), "--s3-bucket", _bucket.Name, "--s3-access-key", "test", "--s3-secret-key", "test",
        "--sink", "elasticsearch", "--es-url", TestServers.Elasticsearch.ToString(), "--es-index", _index, "--mode", "single", "--job", "counts");

    private EspipeProcess Serve()
    {
        _folder.Environment["ES_HOST_URL"] = TestServers.Elasticsearch.ToString();
        _folder.Environment["ESPIPE_API_COUNTS_INDEX"] = _index;
        _folder.Environment["ESPIPE_API_PORT"] = "0";
        return _folder.Start("serve");
    }

    private async Task EqualAsync(Uri api, Dictionary<string, long> sums)
    {
        // The server shows what was written at its next refresh.
        using (await _http.PostAsync(new Uri(TestServers.Elasticsearch, $"{_index}/_refresh"), null)) { }
        var counts = await GetAsync(api, $"api/label_counts?top={CountsBucket.Labels.Length + 10}");
        Assert.Equal(
            sums.OrderByDescending(s => s.Value).ThenBy(s => s.Key, StringComparer.Ordinal).Select(s => $"{s.Key}: {s.Value}"),
            counts.GetProperty("labels").EnumerateArray().Select(l => $"{l.GetProperty("label").GetString()}: {l.GetProperty("count").GetInt64()}"));
        Assert.Equal(sums.Values.Sum(), counts.GetProperty("total_count").GetInt64());
        foreach (var (label, sum) in sums)
        {
            var asked = Uri.EscapeDataString(label);
            Assert.Equal(sum, (await GetAsync(api, $"api/count_specific?label={asked}")).GetProperty("count").GetInt64());
        }
    }

    private async Task<JsonElement> GetAsync(Uri api, string path)
    {
        using var answer = await _http.GetAsync(new Uri(api, path));
        var text = await answer.Content.ReadAsStringAsync();
        Assert.True(answer.IsSuccessStatusCode, $"{path}: {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }
}
