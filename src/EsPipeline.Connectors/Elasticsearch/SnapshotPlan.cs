using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Divides a snapshot into parts: every shard, and large ones by ranges of sequence numbers, so that as many readers as there are have
/// work to the end. A snapshot that was begun keeps its parts, however many readers there are now.
/// </summary>
internal static class SnapshotPlan
{
    // Parts are not equally full, so there are some for each reader.
    private const int PartsPerReader = 4;

    /// <summary>The positions of a snapshot's partitions.</summary>
    /// <param name="facts">The shards.</param>
    /// <param name="saved">What an earlier run or pass reached.</param>
    /// <param name="parallelism">Readers at once.</param>
    /// <param name="leastSpan">The fewest sequence numbers in a part.</param>
    /// <param name="time">The latest time there is, where changes are to be followed by time.</param>
    public static IReadOnlyList<PlannedPart> Make(DataFacts facts, SavedPositions saved, int parallelism, long leastSpan, long? time)
    {
        var perShard = new List<PlannedPart>[facts.Shards.Count];
        var total = Math.Max(1, facts.Shards.Sum(s => s.Checkpoint + 1));
        var wanted = parallelism == 1 ? 1 : parallelism * PartsPerReader;
        var loses = saved.Owners.Select(o => o.Split('#')[0]).Except(facts.Indices.Select(i => i.Name)).Any();
        for (var i = 0; i < perShard.Length; i++)
        {
            var shard = facts.Shards[i];
            var why = saved.Of(shard.Name).Count == 0 && loses && shard.Index.IsShared
                ? "the alias was moved to this index while another was being copied"
                : StartOver(facts, saved.Of(shard.Name), shard);
            perShard[i] = saved.Of(shard.Name).Count > 0 && why is null
                ? [.. saved.Of(shard.Name).Select(s => new PlannedPart(s.Id, s.Position, shard, null) { Extent = LeftOf(s.Position, shard) })]
                : [.. Divide(shard, (int)Math.Clamp(wanted * (shard.Checkpoint + 1) / total, 1, ((shard.Checkpoint + 1) / leastSpan) + 1), time, why)];
        }

        // Without the servers' checkpoints a shard whose view is lost begins anew, so its parts come one after the other: while they waited for
        // another shard's turn, their view would run out.
        var parts = CatchUp(perShard);
        return [.. facts.IsFinal ? Interleave(parts) : parts.SelectMany(s => s), .. Slices(facts, saved, parallelism, time)];
    }

    // Once every part of every shard has been read, what remains of a snapshot that is not of one moment is what has changed since it began.
    private static IReadOnlyList<PlannedPart>[] CatchUp(List<PlannedPart>[] perShard)
    {
        var parts = perShard.SelectMany(p => p).ToArray();
        if (parts.Length == 0 || parts.Any(p => p.Position is RangePosition { After: not null } || p.StartsOverBecause is not null)) return perShard;
        return [.. perShard.Select(p => new[] { p[0].Position is RangePosition range ? Follow(p[0].Shard!, range) : p[0] })];
    }

    private static PlannedPart Follow(ShardFacts shard, RangePosition range) =>
        new(new PartitionId(shard.Name), new FollowPosition(range.IndexUuid, range.Shard, range.History, range.Checkpoint, range.Time), shard, null)
        {
            Extent = shard.Checkpoint - range.Checkpoint,
        };

    // Without the servers' checkpoints nothing says what changed since, so a snapshot that was not read in one go begins anew.
    private static string? StartOver(DataFacts facts, IReadOnlyList<(PartitionId Id, ElasticsearchPosition Position)> saved, ShardFacts shard)
    {
        if (saved.Count > 0 && !facts.IsFinal) return "without the privilege monitor a snapshot that was interrupted can't be gone on with";
        return saved.Select(s => SavedPositions.ReasonToStartOver(s.Position, shard, facts.IsFinal)).FirstOrDefault(w => w is not null);
    }

    private static IEnumerable<PlannedPart> Divide(ShardFacts shard, int parts, long? time, string? why)
    {
        var span = (shard.Checkpoint + 1) / parts;
        for (var i = 0; i < parts; i++)
        {
            // The last part has no end: what is still under way while the view is opened belongs to it.
            var from = -1 + (i * span);
            long? to = i == parts - 1 ? null : from + span;
            var position = new RangePosition(shard.Index.Uuid, shard.Shard, shard.History, shard.Checkpoint, time, from, to, from);
            yield return new PlannedPart(SavedPositions.PartOf(shard.Name, i), position, shard, why) { Extent = LeftOf(position, shard) };
        }
    }

    private static long LeftOf(ElasticsearchPosition position, ShardFacts shard) => position switch
    {
        RangePosition { After: { } after } range => Math.Max(0, (range.To ?? range.Checkpoint) - after),
        FollowPosition follow => Math.Max(0, shard.Checkpoint - follow.After),
        _ => 0,
    };

    // The first part of each shard, then the second of each, so that readers work on different shards as long as there are several.
    private static IEnumerable<PlannedPart> Interleave(IReadOnlyList<PlannedPart>[] perShard)
    {
        for (var i = 0; i < perShard.Select(p => p.Count).DefaultIfEmpty().Max(); i++)
        {
            foreach (var parts in perShard.Where(p => p.Count > i)) yield return parts[i];
        }
    }

    private static IEnumerable<PlannedPart> Slices(DataFacts facts, SavedPositions saved, int parallelism, long? time)
    {
        foreach (var index in facts.Unnumbered)
        {
            var before = saved.Of(index.Name);
            var why = before.Any(s => SavedPositions.Differ(s.Position.IndexUuid, index.Uuid)) ? "the index was deleted and made again" : null;
            var slices = before.Count > 0 && why is null ? before : null;
            for (var i = 0; i < (slices?.Count ?? parallelism); i++)
            {
                yield return slices is not null
                    ? new PlannedPart(slices[i].Id, slices[i].Position, null, null) { Index = index }
                    : new PlannedPart(SavedPositions.PartOf(index.Name, i), new SlicePosition(index.Uuid, i, parallelism, null, time, Ended: false), null, why) { Index = index };
            }
        }
    }
}

/// <summary>A partition to be.</summary>
/// <param name="Id">Its name.</param>
/// <param name="Position">Where it starts.</param>
/// <param name="Shard">Its shard; null for a slice.</param>
/// <param name="StartsOverBecause">Why what is saved of it is of no use.</param>
internal sealed record PlannedPart(PartitionId Id, ElasticsearchPosition Position, ShardFacts? Shard, string? StartsOverBecause)
{
    /// <summary>How many sequence numbers there are to read; null where it is not known.</summary>
    public long? Extent { get; init; }

    /// <summary>The index of a slice.</summary>
    public ConcreteIndex? Index { get; init; }
}
