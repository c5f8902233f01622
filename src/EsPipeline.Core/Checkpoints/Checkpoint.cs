using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Checkpoints;

/// <summary>How far one partition is safe.</summary>
/// <param name="Position">Everything up to here is in the sink or durably set aside.</param>
/// <param name="Records">How many records that were, counted from the partition's start.</param>
public readonly record struct PartitionProgress(Position Position, long Records);

/// <summary>A job's saved state: immutable, saved as a whole, and only ever moved forward over safe records.</summary>
public sealed record Checkpoint
{
    /// <summary>The job's identity; a run with another one is refused.</summary>
    public required JobIdentity Identity { get; init; }

    /// <summary>What is being read: a snapshot that is not finished, or changes after it.</summary>
    public required ReadKind Phase { get; init; }

    /// <summary>Every partition of the phase.</summary>
    public required IReadOnlyDictionary<PartitionId, PartitionProgress> Partitions { get; init; }

    /// <summary>The resumable sink's token that belongs to these positions; null for other sinks.</summary>
    public string? SinkToken { get; init; }

    /// <summary>What the sink has noted for later runs; null where it has noted nothing.</summary>
    public string? SinkNote { get; init; }

    /// <summary>
    /// True where the sink has held records up to these positions: a target that is missing now has lost them. False where it has held none, or
    /// the checkpoint comes from a release that did not note it.
    /// </summary>
    public bool Wrote { get; init; }

    /// <summary>The earliest time that the snapshot selected, be it finished or not; null where it does not select by time.</summary>
    public DateTimeOffset? Since { get; init; }

    /// <summary>The latest time that the snapshot selected; null where it does not select by time.</summary>
    public DateTimeOffset? Until { get; init; }

    /// <summary>When it was saved (UTC).</summary>
    public DateTimeOffset SavedAt { get; init; }

    /// <summary>The positions alone, as a <see cref="ReadPlan"/> wants them.</summary>
    public IReadOnlyDictionary<PartitionId, Position> Positions() => Partitions.ToDictionary(p => p.Key, p => p.Value.Position);
}
