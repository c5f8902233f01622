using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>One thing that a source holds.</summary>
/// <param name="Partition">The number of its partition.</param>
/// <param name="Number">Its place in its partition.</param>
/// <param name="Tag">Unique in the world; stands in the document.</param>
/// <param name="Key">Its key; empty for some malformed ones.</param>
/// <param name="Json">The document; empty for a delete; the raw bytes of a malformed one.</param>
/// <param name="Operation">Upsert or delete.</param>
/// <param name="Bad">True where the sink refuses it for good.</param>
/// <param name="Malformed">True where the source can't read it.</param>
internal sealed record WorldItem(
    int Partition, int Number, string Tag, string Key, string Json, RecordOperation Operation, bool Bad, bool Malformed)
{
    /// <summary>Grows along the order that each key has; above 0. The source gives it as the record's version.</summary>
    public long Order => ((long)Partition << 32) + Number + 1;

    public override string ToString() => $"{Key}/{Tag}{(Malformed ? " (malformed)" : Bad ? " (refused)" : Operation == RecordOperation.Delete ? " (delete)" : "")}";
}

/// <summary>A part of the source.</summary>
internal sealed record WorldPartition(PartitionId Id, IReadOnlyList<WorldItem> Items);

/// <summary>
/// What a run of the property test is about: the data, the ends' limits and the engine's settings, all from one seed. A world is the same
/// however often its run is killed.
/// </summary>
internal sealed class World
{
    public World(int seed)
    {
        Seed = seed;
        var random = new Random(seed);
        IsFile = random.Next(3) == 0;
        UniqueKeys = random.Next(2) == 0;
        InOrder = !UniqueKeys && random.Next(2) == 0;
        Transforms = random.Next(3) == 0;
        Concurrency = random.Next(1, 7);
        MaxRecords = random.Next(1, 40);
        MaxBytes = random.Next(100, 4000);
        MaxRecordBytes = random.Next(4) == 0 ? 400 : long.MaxValue;
        MaxSourceBatch = random.Next(1, 60);
        ReadAheadBytes = random.Next(1, 64) * 8192;
        Threads = random.Next(1, 5);
        CheckpointEvery = TimeSpan.FromMilliseconds(random.Next(1, 200));
        FaultRate = random.Next(3) switch { 0 => 0, 1 => 0.05, _ => 0.3 };
        Kills = random.Next(4);
        Partitions = MakePartitions(random);

        // Of partitions in order only the last one grows: what is added to an earlier one has no clear place in that order.
        FirstPass = [.. Partitions.Select((p, i) => UniqueKeys || (InOrder && i < Partitions.Count - 1) ? p.Items.Count : random.Next(p.Items.Count + 1))];
    }

    public int Seed { get; }

    /// <summary>True for a sink that is gone back to its token instead of writing by key.</summary>
    public bool IsFile { get; }

    /// <summary>True where no key comes twice.</summary>
    public bool UniqueKeys { get; }

    /// <summary>True where the partitions are read one after the other, and share their keys.</summary>
    public bool InOrder { get; }

    /// <summary>True where a transform leaves out about half of the keys.</summary>
    public bool Transforms { get; }

    public int Concurrency { get; }

    public int MaxRecords { get; }

    public long MaxBytes { get; }

    public long MaxRecordBytes { get; }

    public int MaxSourceBatch { get; }

    public long ReadAheadBytes { get; }

    public int Threads { get; }

    public TimeSpan CheckpointEvery { get; }

    /// <summary>The share of reads, writes and records that fail and may be tried again.</summary>
    public double FaultRate { get; }

    /// <summary>How often the process is killed.</summary>
    public int Kills { get; }

    public IReadOnlyList<WorldPartition> Partitions { get; }

    /// <summary>How many items of each partition are there in the first pass; the others come afterwards, as changes.</summary>
    public IReadOnlyList<int> FirstPass { get; }

    /// <summary>The part of the keys that is copied.</summary>
    public Shard Shard => Transforms ? new Shard(1, 2) : new Shard(0, 1);

    /// <summary>Every item, in an order that respects the order of each key.</summary>
    public IEnumerable<WorldItem> Items => Partitions.SelectMany(p => p.Items);

    /// <summary>True where a rule of the job leaves the item out.</summary>
    public bool IsFiltered(WorldItem item) => !Shard.Has(System.Text.Encoding.UTF8.GetBytes(item.Key.Length > 0 ? item.Key : item.Json));

    public override string ToString() =>
        $"seed {Seed}: {(IsFile ? "file" : "keyed sink")}, {(UniqueKeys ? "unique keys" : InOrder ? "in order" : "repeated keys")}, "
        + $"{Partitions.Count} partitions, {Items.Count()} items, faults {FaultRate:0.##}, {Kills} kills";

    private WorldPartition[] MakePartitions(Random random)
    {
        var partitions = new WorldPartition[random.Next(1, 5)];
        var keys = random.Next(1, 40);
        for (var p = 0; p < partitions.Length; p++)
        {
            var items = new WorldItem[random.Next(0, 80)];
            for (var i = 0; i < items.Length; i++)
            {
                var tag = $"{p}.{i}";
                var key = UniqueKeys ? $"k{tag}" : InOrder ? $"k{random.Next(keys)}" : $"k{p}.{random.Next(keys)}";
                items[i] = MakeItem(random, p, i, tag, key);
            }

            partitions[p] = new WorldPartition(new PartitionId($"part-{p}"), items);
        }

        return partitions;
    }

    private WorldItem MakeItem(Random random, int partition, int number, string tag, string key)
    {
        var kind = random.Next(100);
        if (kind < 4) return new WorldItem(partition, number, tag, random.Next(2) == 0 ? "" : key, $"broken #{tag}#", RecordOperation.Upsert, Bad: false, Malformed: true);
        if (kind < 16 && !UniqueKeys && !IsFile) return new WorldItem(partition, number, tag, key, "", RecordOperation.Delete, Bad: false, Malformed: false);
        var refused = kind >= 92;
        var large = kind is >= 88 and < 92 && MaxRecordBytes < long.MaxValue;
        var padding = large ? 600 : random.Next(60);
        var json = $$"""{"tag":"#{{tag}}#"{{(refused ? ",\"refuse\":true" : "")}},"pad":"{{new string('x', padding)}}"}""";
        return new WorldItem(partition, number, tag, key, json, RecordOperation.Upsert, refused || large, Malformed: false);
    }
}
