using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Memory is bounded by bytes wherever documents are read, however many large ones change at once (invariant 5).</summary>
public sealed class LargeDocumentsTests(SharedPostgres shared)
{
    private const int Documents = 40;
    private const int DocumentBytes = 2 << 20;
    private const int MostBytes = 32 << 20;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(FollowWay.Changes, false)]
    [InlineData(FollowWay.Changes, true)]
    [InlineData(FollowWay.UpdatedColumn, false)]
    [InlineData(FollowWay.UpdatedColumn, true)]
    public async Task Of_many_large_documents_that_change_at_once_few_are_held_at_a_time(FollowWay way, bool joined)
    {
        await using var set = await SetAsync(way, joined, Documents, DocumentBytes);
        await using var source = set.Open(SourceTuning.Default with { HorizonMargin = TimeSpan.Zero });
        var (read, peak, saved) = await PeakAsync(source, ReadKind.Snapshot, new Dictionary<PartitionId, Position>());
        Assert.Equal(Documents, read);
        Assert.True(peak < MostBytes, $"{peak >> 20} MiB while {Documents} documents of {DocumentBytes >> 20} MiB were copied.");

        await set.ChangeAsync();
        (read, peak, _) = await PeakAsync(source, ReadKind.Changes, saved);
        Assert.Equal(Documents, read);
        Assert.True(peak < MostBytes, $"{peak >> 20} MiB while {Documents} changed documents of {DocumentBytes >> 20} MiB were read.");
    }

    [Theory]
    [InlineData(FollowWay.Changes, false)]
    [InlineData(FollowWay.Changes, true)]
    [InlineData(FollowWay.UpdatedColumn, false)]
    [InlineData(FollowWay.UpdatedColumn, true)]
    public async Task Broken_off_between_the_batches_of_one_load_nothing_is_lost(FollowWay way, bool joined)
    {
        const int few = 40;
        var small = SourceTuning.Default with { HorizonMargin = TimeSpan.Zero, BatchBytes = 5000, BatchRecords = 15 };
        await using var set = await SetAsync(way, joined, few, 1000);
        var snapshot = await ReadAsync(ReadKind.Snapshot, new Dictionary<PartitionId, Position>());
        await set.ChangeAsync();
        await set.DeleteAsync(3);
        await set.RestAsync();
        var whole = await ReadAsync(ReadKind.Changes, snapshot.Saved);
        Assert.True(whole.Batches.Count(b => b.Records.Count > 0) >= 6, $"{whole.Batches.Count} batches: their bytes had no effect.");
        var held = whole.Apply(snapshot.Apply());
        Assert.Equal(way == FollowWay.Changes ? few - 3 : few, held.Count);
        for (var batches = 0; batches <= whole.Batches.Count; batches++)
        {
            var taken = whole.Batches.Take(batches).ToArray();
            var saved = snapshot.Saved.ToDictionary();
            foreach (var partition in whole.Partitions) saved[partition.Id] = partition.Start;
            foreach (var batch in taken) saved[batch.Partition] = batch.End;
            var rest = await ReadAsync(ReadKind.Changes, saved);
            Assert.Equal(held, rest.Apply(new SourceReading(whole.Partitions, taken, saved, 0).Apply(snapshot.Apply())));
        }

        async Task<SourceReading> ReadAsync(ReadKind kind, IReadOnlyDictionary<PartitionId, Position> saved)
        {
            await using var source = set.Open(small);
            return await SourceReader.ReadAsync(source, new ReadPlan(kind, Selection.Everything, 1, saved), Ct);
        }
    }

    private async Task<LargeSet> SetAsync(FollowWay way, bool joined, int count, int bytes)
    {
        var set = new LargeSet(await shared.GetAsync(), way, joined, bytes);
        await set.CreateAsync(count);
        return set;
    }

    // The most live memory at any batch, above what there was before.
    private static async Task<(int Read, long Peak, Dictionary<PartitionId, Position> Saved)> PeakAsync(
        PostgresSource source, ReadKind kind, IReadOnlyDictionary<PartitionId, Position> saved)
    {
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var (read, peak, ends) = (0, 0L, new Dictionary<PartitionId, Position>());
        foreach (var partition in await source.GetPartitionsAsync(new ReadPlan(kind, Selection.Everything, 1, saved), Ct))
        {
            ends[partition.Id] = saved.GetValueOrDefault(partition.Id, partition.Start);
            await foreach (var batch in source.ReadAsync(partition, ends[partition.Id], Ct))
            {
                using (batch)
                {
                    read += batch.Count;
                    ends[partition.Id] = batch.End;
                    peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before);
                }
            }
        }

        return (read, peak, ends);
    }

    private sealed class LargeSet(PostgresServer server, FollowWay way, bool joined, int bytes) : IAsyncDisposable
    {
        private readonly string _table = "large_" + Guid.NewGuid().ToString("N")[..16];
        private readonly TemporaryFolder _folder = new();

        private string File => Path.Combine(_folder.Path, "documents.yaml");

        public PostgresSource Open(SourceTuning tuning) => new(
            new PostgresSourceOptions
            {
                Host = server.Host, Port = server.Port, User = server.User, Table = joined ? "" : _table, Documents = joined ? File : "",
                UpdatedColumn = joined ? "" : "updated", Follow = way, Slot = _table, Publication = _table,
            },
            new RunOptions(),
            TimeProvider.System,
            NullLogger.Instance,
            tuning);

        // What repeats takes little room on the server's disk, and all of it on the way.
        public async Task CreateAsync(int count)
        {
            await server.ExecuteAsync($"CREATE TABLE {_table} (id int PRIMARY KEY, big text, updated timestamptz NOT NULL DEFAULT now())");
            await server.ExecuteAsync($"INSERT INTO {_table} SELECT i, repeat('x', {bytes}) FROM generate_series(1, {count}) i");
            await System.IO.File.WriteAllTextAsync(File, $"root: {_table}\nupdated: updated\ndocument: SELECT id, big FROM {_table} WHERE id = ANY(@keys)\n", Ct);
            await RestAsync();
        }

        public Task ChangeAsync() => server.ExecuteAsync($"UPDATE {_table} SET big = repeat('y', {bytes}), updated = clock_timestamp()");

        public Task RestAsync() => way == FollowWay.UpdatedColumn ? server.IsAtRestAsync() : Task.CompletedTask;

        public Task DeleteAsync(int last) => server.ExecuteAsync($"DELETE FROM {_table} WHERE id <= {last}");

        public async ValueTask DisposeAsync()
        {
            _folder.Dispose();
            await server.DropSlotAsync(_table);
            await server.ExecuteAsync($"DROP TABLE {_table}");
        }
    }
}
