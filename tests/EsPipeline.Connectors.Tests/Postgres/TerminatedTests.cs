using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A session that an administrator ends in the middle of what it sends.</summary>
public sealed class TerminatedTests(SharedPostgres shared)
{
    private const int Rows = 64;
    private const int RowBytes = 1 << 20;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FollowWay.Changes)]
    [InlineData(FollowWay.UpdatedColumn)]
    public async Task A_backend_terminated_in_the_middle_of_a_COPY_is_read_on_without_gap(FollowWay way)
    {
        var server = await shared.GetAsync();
        var table = "ended_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY, big text, updated timestamptz NOT NULL DEFAULT now())");
        await server.ExecuteAsync($"INSERT INTO {table} SELECT i, repeat('x', {RowBytes}) FROM generate_series(1, {Rows}) i");
        await server.IsAtRestAsync();
        var options = new PostgresSourceOptions
        {
            Host = server.Host, Port = server.Port, User = server.User, Table = table, UpdatedColumn = "updated", Follow = way, Slot = table, Publication = table,
        };
        await using (var source = new PostgresSource(
            options, new RunOptions(), TimeProvider.System, NullLogger.Instance, SourceTuning.Default with { HorizonMargin = TimeSpan.Zero }))
        {
            var snapshot = await ReadAsync(ReadKind.Snapshot, new Dictionary<PartitionId, Position>());
            ContentAssert.Unique(snapshot.Records);
            await server.ExecuteAsync($"UPDATE {table} SET big = repeat('y', {RowBytes}), updated = clock_timestamp()");
            await ReadAsync(ReadKind.Changes, snapshot.Saved);

            async Task<SourceReading> ReadAsync(ReadKind kind, IReadOnlyDictionary<PartitionId, Position> saved)
            {
                var ended = 0;
                var reading = await SourceReader.ReadAsync(source, new ReadPlan(kind, Selection.Everything, 1, saved), Ct, new ReadHooks
                {
                    OnBatch = async batch =>
                    {
                        if (batch == 2) ended = (await server.RowsAsync($"SELECT pg_terminate_backend(pid, 5000)::text FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'COPY%{table}%'")).Count;
                    },
                });
                Assert.True(ended == 1 && reading.Retries > 0, $"{ended} sessions were ended, and there were {reading.Retries} retries.");
                Assert.Equal(
                    (await server.RowsAsync($"SELECT id::text, md5(big) FROM {table}")).Select(r => (r[0], r[1])).Order(),
                    reading.Apply().Select(d => (d.Key, Md5(System.Text.Json.JsonDocument.Parse(d.Value).RootElement.GetProperty("big").GetString()!))).Order());
                return reading;
            }
        }

        await server.DropSlotAsync(table);
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    // As the server computes it, to compare with.
#pragma warning disable CA5351
    private static string Md5(string text) => Convert.ToHexStringLower(System.Security.Cryptography.MD5.HashData(System.Text.Encoding.UTF8.GetBytes(text)));
#pragma warning restore CA5351
}
