using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>How evenly a table is divided among readers: the last range that is read alone is what a copy waits for.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlRangeTests(MySqlServers servers)
{
    private const int Rows = 60_000;
    private const int Readers = 2;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("BIGINT", "seq")]
    [InlineData("BIGINT", "IF(seq=1,-9000000000000000000,seq)")]
    [InlineData("INT UNSIGNED", "IF(seq<50000,seq,4000000000+seq)")]
    [InlineData("VARCHAR(64) COLLATE utf8mb4_nopad_bin", "CONCAT('key-',LPAD(seq,9,'0'))")]
    [InlineData("VARCHAR(64) COLLATE utf8mb4_bin", "CONCAT('Key/',HEX(seq*2654435761))")]
    [InlineData("VARCHAR(64) COLLATE utf8mb4_general_ci", "CONCAT(seq)")]
    [InlineData("VARCHAR(64) COLLATE utf8mb4_unicode_ci", "INSERT(IF(seq%2=0,UPPER(MD5(seq)),MD5(seq)),9,0,'-')")]
    [InlineData("VARCHAR(64) COLLATE utf8mb4_general_ci", "CONCAT('http://example.org/é/',seq%7,'/',seq)")]
    [InlineData("VARBINARY(16)", "UNHEX(MD5(seq))")]
    public async Task The_ranges_of_a_table_hold_about_as_many_rows_each(string type, string key)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            $"CREATE TABLE docs (k {type} PRIMARY KEY, v CHAR(100) NOT NULL)",
            $"INSERT INTO docs SELECT {key},REPEAT('v',100) FROM seq_1_to_{Rows}",
            "ANALYZE TABLE docs");
        await using var source = database.Source(database.Options with { Shape = MySqlShape.Columns }, pageSize: 2000);
        var plan = new ReadPlan(ReadKind.Snapshot, Selection.Everything, Readers, new Dictionary<PartitionId, Position>());
        var ranges = new List<int>();
        foreach (var partition in await source.GetPartitionsAsync(plan, Ct))
        {
            ranges.Add(0);
            await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
            {
                ranges[^1] += batch.Count;
                batch.Dispose();
            }
        }

        Assert.Equal(Rows, ranges.Sum());
        Assert.True(ranges.Count >= 3 * Readers && ranges.Max() <= 2 * Rows / (4 * Readers), string.Join(' ', ranges));
    }
}
