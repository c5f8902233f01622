using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Divides changes into partitions, one a shard. A shard that was not there before (an index that came to match, one that was made again)
/// is read from its first operation on, which is all of it.
/// </summary>
internal static class ChangesPlan
{
    /// <summary>The positions of the partitions.</summary>
    /// <param name="facts">The shards.</param>
    /// <param name="saved">What was reached before.</param>
    /// <param name="byTime">Whether shards that have no position yet are followed by time.</param>
    /// <exception cref="Core.Errors.PipelineException">
    /// <see cref="ElasticsearchErrors.CannotFollow"/>: a shard was followed by sequence number, and the user may not see these any more.
    /// </exception>
    public static IReadOnlyList<PlannedPart> Make(DataFacts facts, SavedPositions saved, bool byTime) =>
    [
        .. facts.Shards.Select(shard => PartOf(shard, facts.IsFinal, saved.Of(shard.Name), byTime)),
        .. facts.Unnumbered.Select(index => SliceOf(index, saved.Of(index.Name))),
    ];

    private static PlannedPart PartOf(
        ShardFacts shard, bool isFinal, IReadOnlyList<(PartitionId Id, ElasticsearchPosition Position)> saved, bool byTime)
    {
        var before = saved.Count == 0 ? null : saved[0].Position;
        if (!isFinal && before is FollowPosition { Time: null })
        {
            throw ElasticsearchErrors.CannotFollow.Error($"The user may no longer see how far {shard.Name} is (index privilege monitor).");
        }

        var why = before is null ? null : SavedPositions.ReasonToStartOver(before, shard, isFinal);
        var position = ByTime(why is null ? before : null, byTime) is { } time
            ? new TimePosition(shard.Index.Uuid, shard.Shard, shard.History, time.UpTo, time.Next, time.After)
            : (ElasticsearchPosition)new FollowPosition(shard.Index.Uuid, shard.Shard, shard.History, why is null ? CheckpointOf(before) : -1);
        return new PlannedPart(new PartitionId(shard.Name), position, shard, why)
        {
            Extent = position is FollowPosition follow ? Math.Max(0, shard.Checkpoint - follow.After) : null,
        };
    }

    // What was begun by time stays by time, whatever the user may see by now: it says nothing of sequence numbers.
    private static (long? UpTo, long? Next, long After)? ByTime(ElasticsearchPosition? start, bool byTime) => start switch
    {
        TimePosition time => (time.UpTo, time.Next, time.After),
        FollowPosition { Time: null } => null,
        FollowPosition { Time: { } upTo } => (upTo, null, -1),
        RangePosition { History: ElasticsearchPosition.Unknown } range => (range.Time, null, -1),
        _ when !byTime => null,
        RangePosition range => (range.Time, null, -1),
        _ => (null, null, -1),
    };

    private static long CheckpointOf(ElasticsearchPosition? before) => before switch
    {
        FollowPosition follow => follow.After,
        RangePosition range => range.Checkpoint,
        _ => -1,
    };

    private static PlannedPart SliceOf(ConcreteIndex index, IReadOnlyList<(PartitionId Id, ElasticsearchPosition Position)> saved)
    {
        var before = saved.Count > 0 ? saved[0].Position as SlicePosition : null;
        var why = before is not null && SavedPositions.Differ(before.IndexUuid, index.Uuid) ? "the index was deleted and made again" : null;

        // Where nothing was read before there is no time to begin with, which means all of it.
        var upTo = why is not null ? null : before is { Ended: true } ? before.Next : before?.UpTo;
        return new PlannedPart(new PartitionId(index.Name), new SlicePosition(index.Uuid, 0, 1, upTo, null, Ended: false), null, why) { Index = index };
    }
}
