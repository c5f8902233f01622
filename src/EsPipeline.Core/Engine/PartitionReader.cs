using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Engine;

/// <summary>
/// Reads partitions of one pass, hands their batches to the writers in order, and goes on from the last batch's end when the source
/// fails in between. One object serves all readers of a pass.
/// </summary>
internal sealed class PartitionReader(
    IDataSource source,
    IRecordTransform? transform,
    WriteQueue queue,
    ByteBudget budget,
    RecordLimit limit,
    RetryPolicy retry,
    DeadLetterGate deadLetters,
    RunAccount account,
    Action<long> advanced)
{
    /// <summary>
    /// Reads a partition to its end. <paramref name="stop"/> ends it early, but a batch that counts as read is still handed over, which only
    /// <paramref name="abort"/> ends: the account of a run that was stopped has no loose end.
    /// </summary>
    /// <returns>Null; or why the source is not as it was planned any more (<see cref="ErrorCode.PlansAnew"/>), where the rest was not read.</returns>
    public async Task<PipelineException?> ReadAsync(Partition partition, CheckpointTracker tracker, CancellationToken stop, CancellationToken abort)
    {
        var after = tracker.Safe.Position;
        var attempts = retry.Begin();
        var share = new LimitShare(limit);
        while (true)
        {
            var begun = after;
            var batches = source.ReadAsync(partition, begun, stop).GetAsyncEnumerator(stop);
            await using (batches.ConfigureAwait(false))
            {
                while (true)
                {
                    if (share.Reached) return null;
                    try
                    {
                        var more = await batches.MoveNextAsync().ConfigureAwait(false);
                        if (!more || batches.Current.End != begun) attempts.Succeeded();
                        else attempts.Answered();
                        if (!more) return null;
                    }
                    catch (PipelineException e) when (e.Error.PlansAnew)
                    {
                        return e;
                    }
                    catch (PipelineException e)
                    {
                        await attempts.AgainAsync(e, stop).ConfigureAwait(false);
                        share.BeginAgain();
                        break;
                    }

                    var moves = batches.Current.End != after;
                    after = batches.Current.End;
                    await HandOverAsync(partition.Id, batches.Current, moves, share, tracker, stop, abort).ConfigureAwait(false);
                }
            }
        }
    }

    private async Task HandOverAsync(
        PartitionId partition, RecordBatch batch, bool moves, LimitShare share, CheckpointTracker tracker, CancellationToken stop, CancellationToken abort)
    {
        var found = batch.Count + batch.Malformed.Count;
        var read = share.Take(found);
        if (read < found) batch.CutTo(read);
        var extent = batch.Extent;
        long bytes = 0;
        foreach (ref readonly var record in batch.Records.Span) bytes += record.Bytes;

        var filtered = 0;
        if (transform is not null) batch = transform.Apply(batch, out filtered);

        // What another run would read again is not counted as copied yet; of a partition that is not read on, everything is.
        var behind = moves || share.Reached ? share.Settle() : 0;
        var ticket = await tracker.TrackAsync(read < found ? null : batch.End, behind, stop).ConfigureAwait(false);
        await queue.MakeRoomAsync(batch.Bytes, abort).ConfigureAwait(false);
        await budget.TakeAsync(batch.Bytes, stop).ConfigureAwait(false);
        account.AddRead(read, bytes);
        var inFlight = new InFlightBatch(batch, partition, ticket, budget, account, filtered, () => advanced(extent));
        if (filtered > 0)
        {
            account.AddFiltered(filtered);
            inFlight.Finish(filtered);
        }

        if (batch.Malformed.Count > 0)
        {
            await deadLetters.SetAsideAsync(partition, batch, abort).ConfigureAwait(false);
            account.AddDeadLettered(batch.Malformed.Count);
            inFlight.Finish(batch.Malformed.Count);
        }

        if (batch.Count > 0) await queue.AddAsync(inFlight, abort).ConfigureAwait(false);
        else if (read == 0) inFlight.Finish(0);
    }
}
