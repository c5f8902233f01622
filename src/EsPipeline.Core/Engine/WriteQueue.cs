using EsPipeline.Core.Records;

namespace EsPipeline.Core.Engine;

/// <summary>How much one write may take.</summary>
/// <param name="Records">The most records.</param>
/// <param name="Bytes">The most bytes; one record may be larger.</param>
internal readonly record struct UnitSize(int Records, long Bytes);

/// <summary>What stands between readers and writers.</summary>
internal abstract class WriteQueue
{
    /// <summary>
    /// Batches that may wait. The byte budget is the bound that keeps memory; this one keeps what waits small enough to be in the processor's
    /// cache when its turn comes: with 64 instead of 8, CSV to JSON Lines took a fifth longer.
    /// </summary>
    protected const int WaitingBatches = 8;

    /// <summary>Hands a batch with at least one record to the writers; waits while they are behind.</summary>
    public abstract ValueTask AddAsync(InFlightBatch batch, CancellationToken ct);

    /// <summary>Called before a batch takes its bytes, which others may have to give back first. May hand batches on, so that only the end of the pass cancels it.</summary>
    public virtual ValueTask MakeRoomAsync(long bytes, CancellationToken ct) => ValueTask.CompletedTask;

    /// <summary>Nothing more will be added: writers take what is there and end.</summary>
    public abstract void Complete();

    /// <summary>The next records for a writer; null when there will be no more.</summary>
    /// <param name="writer">The writer's number, from 0.</param>
    /// <param name="size">How much it wants.</param>
    /// <param name="ct">Ends the wait.</param>
    public abstract ValueTask<WriteUnit?> TakeAsync(int writer, UnitSize size, CancellationToken ct);

    /// <summary>How many of <paramref name="records"/> still fit a unit, and their bytes; at least one where the unit is empty.</summary>
    protected static (int Count, long Bytes) Fit(WriteUnit unit, ReadOnlySpan<Record> records, UnitSize size)
    {
        long bytes = 0;
        var most = Math.Min(records.Length, size.Records - unit.Count);
        for (var i = 0; i < most; i++)
        {
            var more = records[i].Bytes;
            if (unit.Bytes + bytes + more > size.Bytes && (i > 0 || unit.Count > 0)) return (i, bytes);
            bytes += more;
        }

        return (most, bytes);
    }
}
