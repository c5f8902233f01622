using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Snapshots with a condition on an indexed column, which the server likes to read by the index.</summary>
public sealed class ConditionTests(SharedPostgres shared)
{
    private const string Condition = "n BETWEEN 1000 AND 1700";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(false, true)]
    public async Task Its_rows_are_all_read_and_each_once_whether_or_not_it_is_resumed_at_every_boundary(bool isJoined, bool resumes)
    {
        var server = await shared.GetAsync();
        var table = "ordered_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY, n int, body text)");
        await server.ExecuteAsync($"INSERT INTO {table} SELECT i, i / 4 + i * 7919 % 1300, repeat(md5(i::text), 3) FROM generate_series(1, 20000) i");
        await server.ExecuteAsync($"CREATE INDEX ON {table} (n)");
        await server.ExecuteAsync($"ANALYZE {table}");
        using var folder = new TemporaryFolder();
        var file = folder.File("documents.yaml");
        await File.WriteAllTextAsync(file, $"root: {table}\ndocument: SELECT id, n FROM {table} WHERE id = ANY(@keys)\n", Ct);
        var options = new PostgresSourceOptions
        {
            Host = server.Host, Port = server.Port, User = server.User, Table = isJoined ? "" : table, Documents = isJoined ? file : "", UpdatedColumn = "",
        };
        var (keys, batches) = (new List<string>(), 0);
        await ReadAsync();
        var wanted = (await server.RowsAsync($"SELECT id::text AS key FROM {table} WHERE {Condition} ORDER BY id")).Select(r => r[0]);
        Assert.Equal(wanted, keys.OrderBy(int.Parse));
        Assert.True(batches > 20);
        await server.ExecuteAsync($"DROP TABLE {table}");

        async Task ReadAsync()
        {
            var saved = new Dictionary<PartitionId, Position>();
            for (var isDone = false; !isDone;)
            {
                await using var source = new PostgresSource(
                    options, new RunOptions { Query = Condition }, TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance,
                    new SourceTuning { BatchRecords = 100, CopyRecords = 100, WindowBlocks = resumes ? 2048u : 100 });
                var partition = Assert.Single(await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, new Selection(Condition), 1, saved), Ct));
                isDone = true;
                await foreach (var batch in source.ReadAsync(partition, saved.GetValueOrDefault(partition.Id, partition.Start), Ct))
                {
                    foreach (var record in batch.Records.ToArray()) keys.Add(Encoding.UTF8.GetString(record.Key.Span));
                    saved[partition.Id] = batch.End;
                    isDone = ((BlocksPosition)PostgresPosition.Parse(batch.End)).After is null;
                    batch.Dispose();
                    batches++;
                    if (resumes && !isDone) break;
                }
            }
        }
    }
}
