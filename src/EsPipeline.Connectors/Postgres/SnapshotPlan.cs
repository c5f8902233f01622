using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Divides a table into ranges of blocks, or goes on with those that were made before.</summary>
internal static class SnapshotPlan
{
    /// <summary>A range, and where it lies.</summary>
    public sealed record Range(PartitionId Id, BlocksPosition Start, PostgresStore Store, string? StartsOverBecause, long Extent);

    /// <summary>The ranges of a snapshot.</summary>
    /// <param name="stores">Where the rows lie.</param>
    /// <param name="saved">How far the ranges that were made before are read; empty where nothing is.</param>
    /// <param name="parallelism">How many will be read at once.</param>
    /// <param name="leastBlocks">Fewer blocks than these are not divided.</param>
    /// <param name="mark">What was noted now; ranges that go on keep theirs.</param>
    public static IReadOnlyList<Range> Make(
        IReadOnlyList<PostgresStore> stores, IReadOnlyDictionary<PartitionId, BlocksPosition> saved, int parallelism, uint leastBlocks, SnapshotMark mark)
    {
        var ranges = new List<Range>();
        var each = Math.Max(leastBlocks, (uint)Math.Ceiling(stores.Sum(s => s.Blocks) / (double)Math.Max(1, parallelism)));
        foreach (var store in stores)
        {
            var before = saved.Where(s => OwnerOf(s.Key) == store.Name).OrderBy(s => s.Value.From).ToArray();
            if (before.Length > 0 && before.All(b => b.Value.Store == store.Oid && b.Value.FileNode == store.FileNode))
            {
                ranges.AddRange(before.Select(b => new Range(b.Key, b.Value, store, null, BlockReader.ExtentOf(b.Value, store))));
                continue;
            }

            var because = before.Length == 0 ? null
                : before[0].Value.Store != store.Oid ? "the table is another one under this name"
                : "the table was written anew (VACUUM FULL, TRUNCATE, CLUSTER), so that places in it mean other rows";
            uint from = 0;
            for (var part = 0; from == 0 || from < store.Blocks; part++)
            {
                uint? to = from + each < store.Blocks ? from + each : null;
                var start = new BlocksPosition(store.Oid, store.FileNode, from, to, new RowPlace(from, 0), mark);
                var id = new PartitionId($"{store.Name}#{part}");
                ranges.Add(new Range(id, start, store, saved.ContainsKey(id) ? because : null, BlockReader.ExtentOf(start, store)));
                if (to is null) break;
                from = to.Value;
            }
        }

        return ranges;
    }

    /// <summary>The name of the store that a range is of.</summary>
    public static string OwnerOf(PartitionId id) => id.Value[..Math.Max(0, id.Value.LastIndexOf('#'))];
}
