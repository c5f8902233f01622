using System.Text.Json;
using System.Text.Json.Nodes;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Connectors.Tests.Postgres;

namespace EsPipeline.Chaos;

/// <summary>Faults on the way from PostgreSQL to Elasticsearch, after each of which both ends are compared.</summary>
public sealed class PostgresFaultTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Either_server_is_killed_and_started_again_within_one_run_and_nothing_is_lost()
    {
        const int rows = 3_000;
        await using var postgres = await PostgresServer.StartAsync();
        await using var elasticsearch = await ElasticsearchServer.StartAsync(ServerKind.Elasticsearch, Ct);

        // It goes with its server, which may be down when the test fails: dropping it would hide why.
        var table = new PostgresTable(postgres);
        await table.CreateAsync(rows);

        // Wide rows and little read ahead: at a third there is more left than sockets can hold, so PostgreSQL is still being read.
        await table.ExecuteAsync("ALTER TABLE {0} ADD big text; UPDATE {0} SET big = repeat('x', 10000)");
        var wanted = await table.DocumentsAsync();
        await using var copy = new ElasticsearchCopy(elasticsearch.Address);
        using var folder = new EspipeFolder();

        // Slow enough that the run is still at work whenever a server goes.
        using var espipe = folder.Start(
            [.. table.Source, .. copy.Arguments(elasticsearch.Address), "--mode", "full-sync", "--checkpoint-interval", "20ms", "--rate-limit", "150", "--read-ahead-mb", "1", "--retry-delay", "100ms", "--max-retries", "1000"]);
        await UntilCopiedAsync(rows / 4);
        await elasticsearch.KillAsync(Ct);
        await espipe.UntilErrorAsync("The sink elasticsearch is down");
        await elasticsearch.StartAgainAsync(Ct);
        await espipe.UntilErrorAsync("The sink elasticsearch is back");
        await UntilCopiedAsync(rows / 3);
        await postgres.DownAsync("immediate");
        await espipe.UntilErrorAsync("The source postgres is down");
        await postgres.UpAsync();
        postgres.Pool.Clear();
        var run = (await espipe.EndAsync()).Ended(0);
        Assert.Matches("retries [1-9]", run.Output);
        ContentAssert.Same(wanted, await copy.ReadAllAsync());

        async Task UntilCopiedAsync(int count)
        {
            while (await copy.CountAsync() < count) Assert.False(espipe.HasEnded, espipe.ErrorSoFar);
        }
    }

    [Fact]
    public async Task A_disk_that_is_full_is_waited_out_and_both_ends_are_equal_after_it()
    {
        await using var server = await PostgresServer.FindAsync();
        await using var table = new PostgresTable(server);
        await table.CreateAsync(500);
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        using var folder = new EspipeFolder();
        using var espipe = folder.Start(
            [.. table.Source, "--pg-updated-column", "updated", .. copy.Arguments(TestServers.Elasticsearch), "--mode", "continuous", "--interval", "200ms", "--retry-delay", "100ms"]);
        await espipe.UntilErrorAsync("The snapshot is complete");

        // What the server itself does to an index when its disk is nearly full.
        await copy.SetAsync("""{"index.blocks.read_only_allow_delete":true}""");
        await table.PutAsync(400, 300, "second");
        await espipe.UntilErrorAsync("The sink elasticsearch is down");
        Assert.Contains("(elasticsearch.blocked)", espipe.ErrorSoFar, StringComparison.Ordinal);
        await copy.SetAsync("""{"index.blocks.read_only_allow_delete":null}""");
        await espipe.UntilErrorAsync("The sink elasticsearch is back");
        await SameEnds.UntilAsync(espipe, await table.DocumentsAsync(), copy.ReadAllAsync);
        espipe.Signal(PosixSignalNumber.Terminate);
        var run = (await espipe.EndAsync()).Ended(143);
        Assert.Contains("dead_lettered 0 (balances)", run.Output, StringComparison.Ordinal);
        Outages.AreToldOnce(run.Error, "sink elasticsearch");
    }

    [Fact]
    public async Task Items_that_fail_within_answers_of_200_are_sent_again_or_set_aside_each_as_it_should_be()
    {
        const int rows = 5_000;
        await using var server = await PostgresServer.FindAsync();
        await using var table = new PostgresTable(server);
        await table.CreateAsync(rows);

        // The real server refuses these, each with 400 in an answer of 200.
        await table.ExecuteAsync("UPDATE {0} SET code = 'no number' WHERE id % 100 = 17");
        await using var elasticsearch = await ElasticsearchServer.FindAsync(ServerKind.Elasticsearch, Ct);
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        using var folder = new EspipeFolder();
        folder.Write("mapping.json", """{"mappings":{"properties":{"code":{"type":"integer"}}}}""");
        var (random, faults) = (new Random(Draws.Seed), new Dictionary<int, int>());
        await using var proxy = new AnswerProxy(elasticsearch)
        {
            Change = (path, answer) => path.Contains("_bulk", StringComparison.Ordinal) ? answer with { Body = WithFaults(answer.Body) } : answer,
        };
        var run = (await folder.RunAsync(
            [.. table.Source, .. copy.Arguments(new Uri(proxy.Address)), "--es-mapping", "mapping.json", "--mode", "full-sync", "--job", "faults", "--retry-delay", "20ms", "--max-batch-size", "500"]))
            .Ended(3);
        Assert.All((int[])[409, 429, 503], status => Assert.True(faults.GetValueOrDefault(status) > 20, $"{faults.GetValueOrDefault(status)} items failed with {status}."));
        Assert.Contains($"read {rows} = written {rows - (rows / 100)} + unchanged 0 + filtered 0 + dead_lettered {rows / 100} (balances)", run.Output, StringComparison.Ordinal);
        var letters = (await File.ReadAllLinesAsync(folder.File(".espipe/faults/dead-letters.jsonl"), Ct)).Select(l => JsonDocument.Parse(l).RootElement)
            .Where(l => l.TryGetProperty("key", out _)).ToArray();
        var wanted = await table.DocumentsAsync();
        Assert.Equal(wanted.Where(d => d.Json.Contains("no number", StringComparison.Ordinal)).Select(d => d.Key).Order(), letters.Select(l => l.GetProperty("key").GetString()!).Order());
        ContentAssert.Same(wanted.Where(d => !d.Json.Contains("no number", StringComparison.Ordinal)), await copy.ReadAllAsync());

        // What the server has written is said to have failed: it is written again, and is the same.
        byte[] WithFaults(byte[] body)
        {
            var json = JsonNode.Parse(body)!;
            lock (faults)
            {
                foreach (var item in json["items"]!.AsArray().Select(i => i!.AsObject().Single().Value!.AsObject()))
                {
                    if (item.ContainsKey("error")) continue;
                    var (status, type) = random.Next(30) switch
                    {
                        0 => (409, "version_conflict_engine_exception"), 1 => (429, "es_rejected_execution_exception"), 2 => (503, "unavailable_shards_exception"), _ => (0, ""),
                    };
                    if (status == 0) continue;
                    faults[status] = faults.GetValueOrDefault(status) + 1;
                    item["status"] = status;
                    item["error"] = new JsonObject { ["type"] = type, ["reason"] = "made up by a test" };
                    json["errors"] = true;
                }
            }

            return JsonSerializer.SerializeToUtf8Bytes(json);
        }
    }

    [Fact]
    public Task Every_piece_of_data_may_be_late_both_ways() => SurvivesSlownessAsync(400, proxy => proxy.Delay = TimeSpan.FromMilliseconds(250));

    [Fact]
    public Task A_line_of_20_KB_a_second_is_slow_and_nothing_else() => SurvivesSlownessAsync(800, proxy => proxy.BytesPerSecond = 20_000);

    // Nothing is lost, nothing is given up and tried again; and the slowness was felt.
    private static async Task SurvivesSlownessAsync(int rows, Action<TcpProxy> slow)
    {
        await using var server = await PostgresServer.FindAsync();
        await using var table = new PostgresTable(server);
        await table.CreateAsync(rows);
        await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
        await using var source = new TcpProxy(server.EndPoint);
        await using var sink = TcpProxy.InFrontOf(TestServers.Elasticsearch);
        slow(source);
        slow(sink);
        using var folder = new EspipeFolder();
        var started = TimeProvider.System.GetTimestamp();
        var run = (await folder.RunAsync(
            [.. table.SourceAt($"postgres://{server.User}@127.0.0.1:{source.EndPoint.Port}/postgres"), .. copy.Arguments(sink.Of(TestServers.Elasticsearch)), "--mode", "full-sync"])).Ended(0);
        Assert.Contains("retries 0", run.Output, StringComparison.Ordinal);
        ContentAssert.Same(await table.DocumentsAsync(), await copy.ReadAllAsync());
        var took = TimeProvider.System.GetElapsedTime(started);
        Assert.True(took > TimeSpan.FromSeconds(3), $"It took only {took.TotalSeconds:0.0} s: nothing was slow.");
    }
}
