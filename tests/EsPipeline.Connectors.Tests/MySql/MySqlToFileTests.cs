using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What a file holds of a table whose changes are found by time, run after run.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlToFileTests(MySqlServers servers) : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_second_run_appends_only_what_has_changed()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "CREATE TABLE docs (id INT PRIMARY KEY, v INT, updated_at TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6))",
            "INSERT INTO docs (id,v) SELECT seq,seq FROM seq_1_to_500");
        var first = await RunAsync(database);
        Assert.Equal(500, first.Length);
        Assert.Equal(first, await RunAsync(database));

        await database.ExecuteAsync("UPDATE docs SET v=0 WHERE id=7");
        var third = await RunAsync(database);
        Assert.Equal(first, third[..500]);
        Assert.Contains("\"id\":7,\"v\":0,", Assert.Single(third[500..]), StringComparison.Ordinal);
        Assert.Equal(third, await RunAsync(database));
    }

    // The lines of the file.
    private async Task<string[]> RunAsync(MySqlDatabase database)
    {
        var output = _folder.File("out.jsonl");
        await using var source = database.Source(database.SourceOptions with { UpdatedColumn = "updated_at" }, new RunOptions());
        await using var sink = new EnvelopeSink(new OutputFileOptions { File = output }, TimeProvider.System, NullLogger<EnvelopeSink>.Instance);
        await EngineRun.CopyAsync(source, sink, _folder.File("state"), TestContext.Current.CancellationToken, s => s with { Mode = PipelineMode.Single });
        return await File.ReadAllLinesAsync(output, TestContext.Current.CancellationToken);
    }
}
