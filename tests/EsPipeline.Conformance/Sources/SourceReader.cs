using System.Text.Json;
using System.Text.Unicode;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Xunit;
using Record = EsPipeline.Core.Records.Record;

namespace EsPipeline.Conformance;

/// <summary>Reads a source by the rules that the engine keeps, and checks what every batch promises.</summary>
public static class SourceReader
{
    private const int MostRetries = 40;
    private const int MostPositionBytes = 4096;

    /// <summary>Reads everything that a plan asks for.</summary>
    /// <param name="source">The source; stays open.</param>
    /// <param name="plan">What to read.</param>
    /// <param name="ct">Ends reading.</param>
    /// <param name="hooks">What happens meanwhile.</param>
    public static async Task<SourceReading> ReadAsync(IDataSource source, ReadPlan plan, CancellationToken ct, ReadHooks? hooks = null)
    {
        hooks ??= new ReadHooks();
        var retries = 0;
        var partitions = await PlanWithRetriesAsync();
        var ids = partitions.Select(p => p.Id).ToArray();
        Assert.Equal(ids.Length, ids.Distinct().Count());
        var batches = new List<ReadBatch>();
        var saved = new Dictionary<PartitionId, Position>();
        foreach (var partition in partitions)
        {
            var after = partition.StartsOverBecause is null && plan.Saved.TryGetValue(partition.Id, out var position) ? position : partition.Start;
            CheckPosition(after);
            saved[partition.Id] = after;
        }

        // Partitions whose order matters are read one after the other; others at once, as the engine does.
        var lanes = partitions.Any(p => p.InOrder) ? 1 : Math.Clamp(plan.Parallelism, 1, Math.Max(1, partitions.Count));
        var remaining = new Queue<Partition>(partitions);
        using var failed = CancellationTokenSource.CreateLinkedTokenSource(ct);
        await Task.WhenAll(Enumerable.Range(0, lanes).Select(_ => LaneAsync()));
        return new SourceReading(partitions, batches, saved, retries);

        async Task LaneAsync()
        {
            await Task.Yield();
            try
            {
                while (true)
                {
                    Partition? partition;
                    lock (remaining)
                    {
                        if (!remaining.TryDequeue(out partition)) return;
                    }

                    await ReadPartitionAsync(partition);
                }
            }
            catch
            {
                await failed.CancelAsync();
                throw;
            }
        }

        async Task ReadPartitionAsync(Partition partition)
        {
            while (true)
            {
                try
                {
                    await foreach (var batch in source.ReadAsync(partition, saved[partition.Id], failed.Token))
                    {
                        int count;
                        using (batch)
                        {
                            var copy = Copy(partition.Id, batch);
                            lock (batches)
                            {
                                batches.Add(copy);
                                saved[partition.Id] = copy.End;
                                count = batches.Count;
                            }
                        }

                        await hooks.OnBatch(count);
                    }

                    return;
                }
                catch (PipelineException e) when (e.Kind == FailureKind.Transient && Interlocked.Increment(ref retries) <= MostRetries)
                {
                    // The engine goes on from the last batch's end, and so does this loop.
                    await PauseAsync(e);
                }
            }
        }

        async Task<IReadOnlyList<Partition>> PlanWithRetriesAsync()
        {
            while (true)
            {
                try
                {
                    return await source.GetPartitionsAsync(plan, ct);
                }
                catch (PipelineException e) when (e.Kind == FailureKind.Transient && ++retries <= MostRetries)
                {
                    await PauseAsync(e);
                }
            }
        }

        // As the engine pauses: a server that has just lost a client may still hold what the next one wants, such as a replication slot.
        async Task PauseAsync(PipelineException failure)
        {
            await hooks.OnFailure(failure);
            await Task.Delay(TimeSpan.FromMilliseconds(Math.Min(20 * Volatile.Read(ref retries), 500)), ct);
        }
    }

    /// <summary>Reads a snapshot of everything.</summary>
    public static async Task<SourceReading> ReadSnapshotAsync(
        SourceDataSet set,
        SourceKnobs knobs,
        int parallelism,
        CancellationToken ct,
        IReadOnlyDictionary<PartitionId, Position>? saved = null,
        ReadHooks? hooks = null)
    {
        await using var source = set.Open(knobs);
        return await ReadAsync(source, Plan(set, ReadKind.Snapshot, parallelism, saved), ct, hooks);
    }

    /// <summary>Reads what has changed since positions that were saved.</summary>
    public static async Task<SourceReading> ReadChangesAsync(
        SourceDataSet set, IReadOnlyDictionary<PartitionId, Position> saved, CancellationToken ct)
    {
        await using var source = set.Open(new SourceKnobs());
        return await ReadAsync(source, Plan(set, ReadKind.Changes, 2, saved), ct);
    }

    /// <summary>A plan over a data set.</summary>
    public static ReadPlan Plan(SourceDataSet set, ReadKind kind, int parallelism, IReadOnlyDictionary<PartitionId, Position>? saved = null) =>
        new(kind, set.Selection, parallelism, saved ?? new Dictionary<PartitionId, Position>());

    /// <summary>Checks that a position can be saved.</summary>
    public static void CheckPosition(Position position)
    {
        Assert.False(string.IsNullOrEmpty(position.Value), "A position is empty.");
        Assert.True(System.Text.Encoding.UTF8.GetByteCount(position.Value) <= MostPositionBytes, $"A position has more than {MostPositionBytes} bytes: {position}");
        Assert.DoesNotContain(position.Value, char.IsControl);
    }

    private static ReadBatch Copy(PartitionId partition, RecordBatch batch)
    {
        CheckPosition(batch.End);
        var records = new ReadRecord[batch.Count];
        for (var i = 0; i < records.Length; i++)
        {
            ref readonly var record = ref batch.Records.Span[i];
            CheckRecord(record, batch);
            records[i] = ReadRecord.Of(record);
        }

        foreach (var malformed in batch.Malformed) Assert.Equal(FailureKind.Permanent, malformed.Error.Kind);
        return new ReadBatch(partition, batch.End, records, [.. batch.Malformed.Select(m => (batch.PlaceOf(m.Place), m))]);
    }

    private static void CheckRecord(in Record record, RecordBatch batch)
    {
        var place = batch.PlaceOf(record.Place);
        Assert.False(record.Key.IsEmpty, $"{place} has an empty key.");
        Assert.True(Utf8.IsValid(record.Key.Span), $"The key of {place} is not UTF-8.");
        if (record.Operation == RecordOperation.Delete)
        {
            Assert.True(record.Json.IsEmpty, $"{place} is a delete with a document.");
            return;
        }

        Assert.True(Utf8.IsValid(record.Json.Span), $"The document of {place} is not UTF-8.");
        var reader = new Utf8JsonReader(record.Json.Span, new JsonReaderOptions { MaxDepth = 1000 });
        Assert.True(reader.Read() && reader.TokenType == JsonTokenType.StartObject, $"The document of {place} is not an object.");
        while (reader.Read())
        {
        }
    }
}
