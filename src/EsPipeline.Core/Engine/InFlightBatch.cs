using EsPipeline.Core.Records;

namespace EsPipeline.Core.Engine;

/// <summary>
/// A batch on its way through the engine. When the last of its records is finished the batch is resolved for the checkpoint and its
/// memory goes back. Safe for many threads.
/// </summary>
internal sealed class InFlightBatch
{
    private readonly CheckpointTracker.Ticket _ticket;
    private readonly ByteBudget _budget;
    private readonly RunAccount _account;
    private readonly Action? _finished;
    private readonly long _bytes;
    private int _unfinished;

    /// <param name="batch">The batch; owned from here on.</param>
    /// <param name="partition">Where it came from.</param>
    /// <param name="ticket">Its place in the partition's order.</param>
    /// <param name="budget">Where its bytes were taken from.</param>
    /// <param name="account">Where finished records are counted.</param>
    /// <param name="filtered">Records that were read with the batch and are not in it any more.</param>
    /// <param name="finished">Told when the last record is finished.</param>
    public InFlightBatch(
        RecordBatch batch, PartitionId partition, CheckpointTracker.Ticket ticket, ByteBudget budget, RunAccount account, int filtered,
        Action? finished = null)
    {
        (Batch, Partition, _ticket, _budget, _account, _finished) = (batch, partition, ticket, budget, account, finished);
        _bytes = batch.Bytes;
        _unfinished = batch.Count + batch.Malformed.Count + filtered;
    }

    public RecordBatch Batch { get; }

    public PartitionId Partition { get; }

    /// <summary>
    /// Counts records as finished: written, unchanged, filtered or durably set aside (invariant 1). The call that finishes the last one
    /// resolves the batch, so that a writer's file and the checkpoint move on together; a batch without any record is finished by a call
    /// with 0.
    /// </summary>
    public void Finish(int records)
    {
        _account.AddFinished(records);
        if (Interlocked.Add(ref _unfinished, -records) != 0) return;
        Batch.Dispose();
        _budget.Give(_bytes);
        _ticket.Resolve();
        _finished?.Invoke();
    }
}
