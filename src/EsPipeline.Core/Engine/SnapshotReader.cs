using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Engine;

/// <summary>
/// Reads everything that a selection selects, to look at it: nothing is saved, and nothing that outlives the process is made at the source.
/// Goes on from the last batch's end when the source fails in between. For one reading.
/// </summary>
/// <param name="source">The source, which has been checked.</param>
/// <param name="retry">How its failures are tried again.</param>
/// <param name="selection">Which records.</param>
/// <param name="threads">Partitions read at once.</param>
internal sealed class SnapshotReader(IDataSource source, RetryPolicy retry, Selection selection, int threads)
{
    private readonly RecordLimit _limit = new(selection.Limit);

    /// <summary>Divides it into partitions.</summary>
    public Task<IReadOnlyList<Partition>> PlanAsync(CancellationToken ct)
    {
        var plan = new ReadPlan(ReadKind.Snapshot, selection, threads, new Dictionary<PartitionId, Position>()) { LooksOnly = true };
        return retry.CallAsync(stop => source.GetPartitionsAsync(plan, stop), ct);
    }

    /// <summary>Reads partitions, several at once unless they are in order.</summary>
    /// <param name="partitions">What <see cref="PlanAsync"/> has answered.</param>
    /// <param name="inOrder">True to read them one after the other in any case.</param>
    /// <param name="take">Takes each batch over and disposes it; called by several at once, but not for one partition.</param>
    /// <param name="ct">Ends it.</param>
    public Task ReadAsync(
        IReadOnlyList<Partition> partitions, bool inOrder, Func<Partition, RecordBatch, CancellationToken, Task> take, CancellationToken ct)
    {
        var readers = inOrder || partitions.Any(p => p.InOrder) ? 1 : Math.Max(1, threads);
        var options = new ParallelOptions { MaxDegreeOfParallelism = readers, CancellationToken = ct };
        return Parallel.ForEachAsync(partitions, options, async (partition, stop) => await ReadAsync(partition, take, stop).ConfigureAwait(false));
    }

    private async Task ReadAsync(Partition partition, Func<Partition, RecordBatch, CancellationToken, Task> take, CancellationToken ct)
    {
        var after = partition.Start;
        var attempts = retry.Begin();
        var share = new LimitShare(_limit);
        while (true)
        {
            var begun = after;
            var batches = source.ReadAsync(partition, begun, ct).GetAsyncEnumerator(ct);
            await using (batches.ConfigureAwait(false))
            {
                while (true)
                {
                    if (share.Reached) return;
                    try
                    {
                        var more = await batches.MoveNextAsync().ConfigureAwait(false);
                        if (!more || batches.Current.End != begun) attempts.Succeeded();
                        else attempts.Answered();
                        if (!more) return;
                    }
                    catch (PipelineException e)
                    {
                        await attempts.AgainAsync(e, ct).ConfigureAwait(false);
                        share.BeginAgain();
                        break;
                    }

                    var batch = batches.Current;
                    var found = batch.Count + batch.Malformed.Count;
                    var read = share.Take(found);
                    if (read < found) batch.CutTo(read);
                    if (batch.End != after) share.Settle();
                    after = batch.End;
                    await take(partition, batch, ct).ConfigureAwait(false);
                }
            }
        }
    }
}
