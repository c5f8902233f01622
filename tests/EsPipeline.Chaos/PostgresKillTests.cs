using System.Globalization;
using EsPipeline.Connectors.Tests.Postgres;

namespace EsPipeline.Chaos;

/// <summary>Copies of everything out of and into PostgreSQL that are killed at random moments.</summary>
public sealed class PostgresKillTests
{
    // What one search of a test may answer with is 10,000.
    private const int Documents = 9_000;
    private const int Rows = 60_000;

    [Fact]
    public async Task From_PostgreSQL_to_Elasticsearch_killed_and_resumed_both_ends_are_equal_in_the_end()
    {
        await using var server = await PostgresServer.FindAsync();
        await using var table = new PostgresTable(server);
        await table.CreateAsync(Documents);
        await table.ExecuteAsync("ALTER TABLE {0} ADD big text; UPDATE {0} SET big = repeat('x', 2000)");
        var wanted = await table.DocumentsAsync();
        TimeSpan whole;
        await using (var unbroken = new ElasticsearchCopy(TestServers.Elasticsearch))
        {
            using var folder = new EspipeFolder();
            whole = await KilledJob.MeasureAsync(folder, ArgumentsFor(unbroken));
            ContentAssert.Same(wanted, await unbroken.ReadAllAsync());
        }

        var job = new KilledJob(whole, most: 6);
        while (job.GoesOn)
        {
            await using var copy = new ElasticsearchCopy(TestServers.Elasticsearch);
            using var folder = new EspipeFolder();
            await job.RunToEndAsync(folder, ArgumentsFor(copy));
            ContentAssert.Same(wanted, await copy.ReadAllAsync());
        }

        job.HasResumed();

        string[] ArgumentsFor(ElasticsearchCopy copy) =>
            [.. table.Source, .. copy.Arguments(TestServers.Elasticsearch), "--mode", "full-sync", "--max-batch-size", "500"];
    }

    [Fact]
    public async Task From_CSV_to_PostgreSQL_killed_and_resumed_the_table_is_the_file_in_the_end()
    {
        await using var server = await PostgresServer.FindAsync();
        using var origin = new EspipeFolder();
        Document[] wanted = [.. Enumerable.Range(0, Rows).Select(Row)];
        await File.WriteAllLinesAsync(origin.File("in.csv"), Enumerable.Range(0, Rows).Select(i => $"k{i:000000},item {i},\"zwei, {i}\"").Prepend("id,name,note"), TestContext.Current.CancellationToken);
        TimeSpan whole;
        await using (var unbroken = new PostgresTable(server))
        {
            whole = await KilledJob.MeasureAsync(origin, ArgumentsFor(unbroken));
            ContentAssert.Same(wanted, await unbroken.WrittenAsync());
        }

        var job = new KilledJob(whole, most: 6);
        while (job.GoesOn)
        {
            await using var table = new PostgresTable(server);
            using var folder = new EspipeFolder();
            await job.RunToEndAsync(folder, ArgumentsFor(table));
            ContentAssert.Same(wanted, await table.WrittenAsync());
        }

        job.HasResumed();

        string[] ArgumentsFor(PostgresTable table) => ["--source", "csv", "--csv-file", origin.File("in.csv"), .. table.Sink];
    }

    private static Document Row(int i) =>
        new(string.Create(CultureInfo.InvariantCulture, $"k{i:000000}"), string.Create(CultureInfo.InvariantCulture, $$"""{"id":"k{{i:000000}}","name":"item {{i}}","note":"zwei, {{i}}"}"""));
}
