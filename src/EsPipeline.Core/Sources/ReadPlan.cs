using EsPipeline.Core.Records;

namespace EsPipeline.Core.Sources;

/// <summary>What a pass over the source is to read.</summary>
public enum ReadKind
{
    /// <summary>Everything that <see cref="ReadPlan.Selection"/> selects, as consistent as the source can make it.</summary>
    Snapshot,

    /// <summary>What has changed since <see cref="ReadPlan.Saved"/>.</summary>
    Changes,
}

/// <summary>A request to divide a pass over the source into partitions.</summary>
/// <param name="Kind">A snapshot or changes.</param>
/// <param name="Selection">Which records; with <see cref="ReadKind.Changes"/> only the query applies, not the times.</param>
/// <param name="Parallelism">How many partitions will be read at once; more partitions than that are welcome, fewer waste readers.</param>
/// <param name="Saved">The checkpoint's partitions and positions; empty in a job's first pass.</param>
public sealed record ReadPlan(
    ReadKind Kind,
    Selection Selection,
    int Parallelism,
    IReadOnlyDictionary<PartitionId, Position> Saved)
{
    /// <summary>
    /// True where the records are only looked at (<c>espipe plan</c>): nothing that outlives the process may be made at the source, such as a
    /// replication slot. Such a plan is always a snapshot, and is never followed by changes.
    /// </summary>
    public bool LooksOnly { get; init; }

    /// <summary>
    /// True for the later passes of a run that ends by itself: where a run takes no more than so much at once, earlier passes have taken some of
    /// it. In a run that goes on for ever each pass stands for itself.
    /// </summary>
    public bool IsLater { get; init; }
}

/// <summary>Which records a run is about.</summary>
/// <param name="Query">In the source's own language (query DSL, SQL); null for everything.</param>
/// <param name="Since">Only records whose time field is at or after this.</param>
/// <param name="Until">Only records whose time field is at or before this.</param>
/// <param name="TimestampField">The time field.</param>
/// <param name="Limit">Exactly this many records, where there are as many; the engine counts, a source may read less ahead.</param>
public sealed record Selection(
    string? Query = null,
    DateTimeOffset? Since = null,
    DateTimeOffset? Until = null,
    string TimestampField = "@timestamp",
    long? Limit = null)
{
    /// <summary>No selection: every record.</summary>
    public static Selection Everything { get; } = new();

    /// <summary>True where a query or a time narrows the records.</summary>
    public bool Narrows => Query is not null || Since is not null || Until is not null;
}
