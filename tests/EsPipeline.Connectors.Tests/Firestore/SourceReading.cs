using System.Text;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>Reads a source as the engine does, and keeps what it yields.</summary>
internal sealed class SourceReading
{
    /// <summary>The partitions as planned.</summary>
    public IReadOnlyList<Partition> Partitions { get; private init; } = [];

    /// <summary>Every batch: its partition, its documents by key, and its end.</summary>
    public List<(PartitionId Partition, (string Key, string Json, long Version)[] Records, Position End)> Batches { get; } = [];

    /// <summary>What could not be read.</summary>
    public List<MalformedRecord> Malformed { get; } = [];

    /// <summary>How far each partition was read.</summary>
    public Dictionary<PartitionId, Position> Saved { get; } = [];

    /// <summary>Every document; a key that comes twice is a failure.</summary>
    public Dictionary<string, string> Documents => Batches.SelectMany(b => b.Records).ToDictionary(r => r.Key, r => r.Json);

    /// <summary>Reads everything that a plan asks for, partition by partition.</summary>
    public static async Task<SourceReading> ReadAsync(
        FirestoreSource source,
        int parallelism = 1,
        IReadOnlyDictionary<PartitionId, Position>? saved = null,
        ReadKind kind = ReadKind.Snapshot,
        Func<int, Task>? onBatch = null,
        long? limit = null)
    {
        var ct = TestContext.Current.CancellationToken;
        var plan = new ReadPlan(kind, new Selection(Limit: limit), parallelism, saved ?? new Dictionary<PartitionId, Position>());
        var reading = new SourceReading { Partitions = await source.GetPartitionsAsync(plan, ct) };
        foreach (var partition in reading.Partitions)
        {
            var after = partition.StartsOverBecause is null && plan.Saved.TryGetValue(partition.Id, out var position) ? position : partition.Start;
            reading.Saved[partition.Id] = after;
            await foreach (var batch in source.ReadAsync(partition, after, ct))
            {
                using (batch)
                {
                    reading.Batches.Add((partition.Id, [.. Copy(batch)], batch.End));
                    reading.Malformed.AddRange(batch.Malformed);
                    reading.Saved[partition.Id] = batch.End;
                    Assert.True(batch.End.Value.Length <= 4096 && !batch.End.Value.Any(char.IsControl), batch.End.Value);
                }

                if (onBatch is not null) await onBatch(reading.Batches.Count);
            }
        }

        return reading;
    }

    private static List<(string Key, string Json, long Version)> Copy(RecordBatch batch)
    {
        var records = new List<(string, string, long)>();
        foreach (ref readonly var record in batch.Records.Span)
        {
            records.Add((Encoding.UTF8.GetString(record.Key.Span), Encoding.UTF8.GetString(record.Json.Span), record.Version));
        }

        return records;
    }
}
