using EsPipeline.Core.Records;

namespace EsPipeline.Core.Sources;

/// <summary>A part of the data that is read by one reader, in order.</summary>
/// <param name="Id">Its name, the same after a restart.</param>
/// <param name="Start">Where reading begins when nothing of it has been read.</param>
public sealed record Partition(PartitionId Id, Position Start)
{
    /// <summary>
    /// True where no key comes twice in this partition nor in any other of the same pass, as in a snapshot of a keyed store: any writer
    /// may take any batch. False for changes and files: records of one key are written in the order in which they were read.
    /// </summary>
    public bool UniqueKeys { get; init; }

    /// <summary>
    /// True where the partitions of a pass are to be read one after the other in the order in which they are listed, because a record of a
    /// later one counts as newer than one of an earlier one with the same key, as in several files.
    /// </summary>
    public bool InOrder { get; init; }

    /// <summary>False where reading cannot go on from a saved position (standard input): such a run always begins anew.</summary>
    public bool Resumable { get; init; } = true;

    /// <summary>
    /// True where records that an earlier pass or run has handed on may come again as they were, as from a source that is followed by time
    /// and reaches back a little each time. To a sink by key it is nothing; a file leaves them out.
    /// </summary>
    public bool Repeats { get; init; }

    /// <summary>
    /// Why the saved position is of no use any more (the index was restored, the file replaced), as a clause for the log; the partition is
    /// then read from <see cref="Start"/>. Null where all is as it was.
    /// </summary>
    public string? StartsOverBecause { get; init; }

    /// <summary>
    /// How much there is still to read, from the saved position where there is one, in records or bytes as the source likes; null where
    /// it does not know.
    /// </summary>
    public long? Extent { get; init; }
}
