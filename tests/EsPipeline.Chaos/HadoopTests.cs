using System.Text;

namespace EsPipeline.Chaos;

/// <summary>Counts from a bucket into an index, each run a process, while the service and the jobs do what they do.</summary>
public sealed class HadoopTests : IAsyncDisposable
{
    private readonly CountsBucket _bucket = new();
    private readonly CountsRun _counts = new();

    [Fact]
    public async Task Jobs_are_taken_when_they_finish_and_again_when_they_have_run_again()
    {
        await _bucket.CreateAsync();
        await _bucket.PutPartAsync("job-1", 0, 0, 2000, 1);
        using var folder = new EspipeFolder { Environment = { ["POLLING_INTERVAL_SECONDS"] = "1" } };
        using var espipe = folder.Start(
            new EspipeStart { Interruptible = true }, [.. _counts.Arguments(_bucket, TestServers.S3), "--mode", "continuous", "--job", "counts"]);
        await espipe.UntilErrorAsync("no _SUCCESS: 1");
        await espipe.UntilErrorAsync("The snapshot is complete");
        Assert.Empty(await _counts.SumsAsync());

        await _bucket.FinishAsync("job-1");
        await _counts.UntilAsync(espipe, _bucket.Sums("job-1"));
        await _bucket.PutPartAsync("job-2", 0, 2000, 2000, 1);
        await _bucket.FinishAsync("job-2");
        await _counts.UntilAsync(espipe, _bucket.Sums("job-1", "job-2"));
        await _bucket.PutPartAsync("job-1", 0, 0, 2000, 7);
        await _counts.UntilAsync(espipe, _bucket.Sums("job-1", "job-2"));

        espipe.Signal(PosixSignalNumber.Terminate);
        Assert.Contains("read 6000 = written 6000 + unchanged 0 + filtered 0 + dead_lettered 0 (balances)", (await espipe.EndAsync()).Ended(143).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_service_does_meanwhile_neither_loses_nor_doubles_a_count()
    {
        await _bucket.CreateAsync();
        await using var proxy = TcpProxy.InFrontOf(TestServers.S3);
        for (var part = 0; part < 4; part++) await _bucket.PutPartAsync("job-1", part, part * 10_000, 10_000, 1);
        await _bucket.FinishAsync("job-1");

        // Slowly enough that all of it happens while the files are read. A list is over before its connection would be cut.
        proxy.BytesPerSecond = 100_000;
        for (var cut = 0; cut < 6; cut++) proxy.CutAfter(Direction.ToClient, 100_000);
        using var folder = new EspipeFolder();
        using var espipe = folder.Start([.. _counts.Arguments(_bucket, proxy.Of(TestServers.S3)), "--mode", "single", "--job", "counts", "--retry-delay", "100ms"]);
        espipe.Input.Close();
        await espipe.UntilAsync(() => proxy.Cuts >= 1, "the connection is reset in the middle of an object");
        const string SlowDown = "<?xml version=\"1.0\"?>\n<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>";
        proxy.AnswerNextWith(Encoding.ASCII.GetBytes($"HTTP/1.1 503 Slow Down\r\ncontent-type: application/xml\r\ncontent-length: {SlowDown.Length}\r\nconnection: close\r\n\r\n{SlowDown}"));

        // The job runs again meanwhile: another file under the same name.
        await _bucket.PutPartAsync("job-1", 3, 30_000, 10_000, 7);
        proxy.BytesPerSecond = null;
        var run = (await espipe.EndAsync()).Ended(0);
        Assert.Contains("dead_lettered 0 (balances)", run.Output, StringComparison.Ordinal);

        // Where the file was read before it was another one, the next run sees that it is; after it, nothing is left to be read.
        string[] again = [.. _counts.Arguments(_bucket, proxy.Of(TestServers.S3)), "--mode", "single", "--job", "counts"];
        (await folder.RunAsync(again)).Ended(0);
        await _counts.EqualAsync(_bucket.Sums("job-1"));
        Assert.Contains("account: read 0 = ", (await folder.RunAsync(again)).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Killed_at_random_moments_and_resumed_every_count_is_there_once()
    {
        await _bucket.CreateAsync();
        for (var part = 0; part < 4; part++) await _bucket.PutPartAsync($"job-{part % 2}", part, part * 8000, 8000, 1);
        foreach (var name in (string[])["job-0", "job-1"]) await _bucket.FinishAsync(name);
        var sums = _bucket.Sums("job-0", "job-1");
        string[] arguments = [.. _counts.Arguments(_bucket, TestServers.S3), "--mode", "single", "--batch-size", "500", "--max-batch-size", "500"];
        using var unbroken = new EspipeFolder();
        var job = new KilledJob(await KilledJob.MeasureAsync(unbroken, arguments), most: 6);
        await _counts.EqualAsync(sums);
        while (job.GoesOn)
        {
            await using var counts = new CountsRun();
            using var folder = new EspipeFolder();
            await job.RunToEndAsync(folder, [.. counts.Arguments(_bucket, TestServers.S3), "--mode", "single", "--batch-size", "500", "--max-batch-size", "500"]);
            await counts.EqualAsync(sums);
        }

        job.HasResumed();
    }

    [Fact]
    public async Task What_a_run_loads_by_default_is_what_serve_shows_by_default()
    {
        await using var counts = new CountsRun("hadoop-object-counts-v1");
        await counts.DeleteAsync();
        await _bucket.CreateAsync();
        await _bucket.PutPartAsync("job-1", 0, 0, 1000, 1);
        await _bucket.FinishAsync("job-1");
        using var folder = new EspipeFolder
        {
            Environment =
            {
                ["S3_ENDPOINT_URL"] = TestServers.S3.ToString(), ["S3_BUCKET_NAME"] = _bucket.Name, ["S3_ACCESS_KEY"] = "test", ["S3_SECRET_KEY"] = "test",
                ["ES_HOST_URL"] = TestServers.Elasticsearch.ToString(), ["ESPIPE_API_PORT"] = "0",
            },
        };
        var run = (await folder.RunAsync("--source", "hadoop", "--sink", "elasticsearch", "--mode", "single")).Ended(0);
        Assert.Contains("The index 'hadoop-object-counts-v1' holds 1000 documents, 1000 more than before; fits the account.", run.Output, StringComparison.Ordinal);
        await counts.EqualAsync(_bucket.Sums("job-1"));
        using var served = folder.Start("serve");
        using var http = new HttpClient { BaseAddress = await served.AddressAsync() };
        var answer = await http.GetStringAsync(new Uri("api/label_counts", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Contains($"\"total_count\":{_bucket.Sums("job-1").Values.Sum()}", answer, StringComparison.Ordinal);
        served.Signal(PosixSignalNumber.Terminate);
        (await served.EndAsync()).Ended(143);
    }

    public async ValueTask DisposeAsync()
    {
        await _bucket.DisposeAsync();
        await _counts.DisposeAsync();
    }
}
