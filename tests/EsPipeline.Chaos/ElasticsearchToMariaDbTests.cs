using System.Globalization;
using EsPipeline.Connectors.Tests.MySql;

namespace EsPipeline.Chaos;

public sealed class ElasticsearchToMariaDbTests
{
    private static readonly int Documents = Draws.Documents;
    private static readonly int Poisoned = Documents / 100;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Killed_at_random_moments_and_resumed_both_ends_are_equal_in_the_end()
    {
        await using var index = await ElasticsearchIndex.CreateAsync(Documents);
        TimeSpan whole;
        await using (var unbroken = await MariaDbTable.CreateAsync())
        {
            using var folder = FolderFor(unbroken);
            whole = await KilledJob.MeasureAsync(folder, ArgumentsFor(index, unbroken));
            ContentAssert.Same(index.Documents, await unbroken.ReadAllAsync());
        }

        var job = new KilledJob(whole);
        while (job.GoesOn)
        {
            await using var table = await MariaDbTable.CreateAsync();
            using var folder = FolderFor(table);
            await job.RunToEndAsync(folder, ArgumentsFor(index, table));
            ContentAssert.Same(index.Documents, await table.ReadAllAsync());
        }

        job.HasResumed();
        if (Documents >= 200_000) Assert.True(job.KilledAtWork * 2 >= job.Kills, $"Of {job.Kills} kills only {job.KilledAtWork} met a run that had got on.");
    }

    [Fact]
    public async Task The_server_crashes_and_comes_back_twice_within_a_run_and_nothing_is_lost()
    {
        await using var index = await ElasticsearchIndex.CreateAsync(Documents);
        await using var server = await MariaDbServer.StartAsync(Ct);

        // It goes with its server, which may be down when the test fails: dropping it would hide why.
        var table = await MariaDbTable.CreateAsync(server);
        using var folder = FolderFor(table);

        // Slow enough that the run is still at work whenever the server goes.
        using var process = folder.Start([.. ArgumentsFor(index, table), "--job", "crash", "--checkpoint-interval", "20ms", "--rate-limit", $"{Documents / 30}", "--retry-delay", "100ms"]);
        process.Input.Close();
        foreach (var enough in (int[])[1, Documents / 4])
        {
            while (await CountAsync(table) < enough) Assert.False(process.HasEnded, process.ErrorSoFar);
            server.Kill();
            await server.LaunchAsync(Ct);
        }

        var run = (await process.EndAsync()).Ended(0);
        Assert.Matches("retries [1-9]", run.Output);
        ContentAssert.Same(index.Documents, await table.ReadAllAsync());
    }

    [Fact]
    public async Task What_the_table_can_not_hold_is_set_aside_and_written_once_the_table_is_altered()
    {
        Document[] documents = [.. Enumerable.Range(0, Documents).Select(i => new Document(Key(i), Json(i)))];
        await using var index = await ElasticsearchIndex.CreateAsync(
            """{"settings":{"number_of_shards":2,"number_of_replicas":0},"mappings":{"properties":{"code":{"type":"keyword"},"size":{"type":"keyword"}}}}""", documents);
        await using var table = await MariaDbTable.CreateAsync();
        await table.ExecuteAsync("CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_nopad_bin PRIMARY KEY, code VARCHAR(12) NOT NULL, size INT NOT NULL)");
        using var folder = FolderFor(table);
        string[] arguments = [.. ArgumentsFor(index, table), "--job", "poisoned", "--max-dead-letters", $"{Documents}"];
        var run = (await folder.RunAsync(arguments)).Ended(3);
        Assert.Equal(Documents - Poisoned, await CountAsync(table));
        var shown = await folder.RunAsync("dead-letters", "list", "--job", "poisoned");
        Assert.Contains("mysql.too_long", shown.Output, StringComparison.Ordinal);
        Assert.Contains("mysql.wrong_type", shown.Output, StringComparison.Ordinal);

        // Nothing has changed: the same ones are refused again.
        string[] replay = ["dead-letters", "replay", .. arguments];
        (await folder.RunAsync(replay)).Ended(3);
        await table.ExecuteAsync("ALTER TABLE docs MODIFY code VARCHAR(100) NOT NULL, MODIFY size VARCHAR(20) NOT NULL");
        (await folder.RunAsync(replay)).Ended(0);
        var rows = (await table.ExecuteAsync("""SELECT id,CONCAT('{"code":"',code,'","size":"',size,'"}') FROM docs""")).Select(r => r.Split('\t'));
        ContentAssert.Same(documents, rows.ToDictionary(r => r[0], r => r[1]));
        Assert.Empty(run.Complaints);
    }

    private static string Key(int i) => string.Create(CultureInfo.InvariantCulture, $"doc-{i:000000}");

    // Of two hundred documents one has a code that is too long, and one a size that is no number.
    private static string Json(int i) => (i % 200) switch
    {
        17 => $$"""{"code":"C{{i:00000}}-{{new string('x', 20)}}","size":"{{i}}"}""",
        130 => $$"""{"code":"C{{i:00000}}","size":"{{i}} cm"}""",
        _ => $$"""{"code":"C{{i:00000}}","size":"{{i}}"}""",
    };

    // The table may not be there yet.
    private static async Task<int> CountAsync(MariaDbTable table) =>
        await table.ExecuteAsync("SHOW TABLES LIKE 'docs'") is [] ? 0 : int.Parse((await table.ExecuteAsync("SELECT COUNT(*) FROM docs"))[0], CultureInfo.InvariantCulture);

    private static EspipeFolder FolderFor(MariaDbTable table) => new() { Environment = { [table.Environment.Name] = table.Environment.Value } };

    private static string[] ArgumentsFor(ElasticsearchIndex index, MariaDbTable table) =>
    [
        "--source", "elasticsearch", "--es-url", index.Server.ToString(), "--es-index", index.Name, "--mode", "full-sync", "--threads", "5",
        "--sink", "mysql", .. table.Options,
    ];
}
