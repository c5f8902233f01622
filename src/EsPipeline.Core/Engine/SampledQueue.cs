using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Engine;

/// <summary>
/// Holds back the first batches of a pass until there are enough for the sink to learn from, then hands them on. Until <see cref="Learnt"/>
/// only one reader may add, so that the sample is the same in every run.
/// </summary>
/// <param name="queue">Where the batches go.</param>
/// <param name="sink">Who learns.</param>
/// <param name="retry">How the sink's failures are tried again.</param>
/// <param name="readAheadBytes">Bytes that batches may hold together before one of them has to be written.</param>
internal sealed class SampledQueue(WriteQueue queue, ISamplingSink sink, RetryPolicy retry, long readAheadBytes) : WriteQueue
{
    /// <summary>Records that a sink is given to learn from, where there are so many.</summary>
    public const int Records = 10_000;

    // Fewer than a CheckpointTracker has room for, which those count in, too, of which no record is left to be held back.
    private const int MostBatches = CheckpointTracker.DefaultCapacity / 4;

    private readonly TaskCompletionSource _learnt = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly Queue<InFlightBatch> _held = [];
    private int _records;
    private long _bytes;
    private int _behind;

    /// <summary>Completed once nothing is held back any more.</summary>
    public Task Learnt => _learnt.Task;

    public override async ValueTask AddAsync(InFlightBatch batch, CancellationToken ct)
    {
        if (Learnt.IsCompleted)
        {
            await queue.AddAsync(batch, ct).ConfigureAwait(false);
            return;
        }

        _held.Enqueue(batch);
        _records += batch.Batch.Count;
        _bytes += batch.Batch.Bytes;
        if (_records >= Records) await EndAsync(ct).ConfigureAwait(false);
    }

    // What is held back gives no bytes back: a batch that waits for them would wait for ever.
    public override ValueTask MakeRoomAsync(long bytes, CancellationToken ct) =>
        _held.Count > 0 && (_bytes + bytes > readAheadBytes || ++_behind >= MostBatches) ? EndAsync(ct) : ValueTask.CompletedTask;

    /// <summary>Lets the sink learn from what there is, and hands it on. Cut short only by a token that ends the whole pass.</summary>
    public async ValueTask EndAsync(CancellationToken ct)
    {
        if (Learnt.IsCompleted) return;
        if (_held.Count > 0)
        {
            RecordSlice[] sample = [.. _held.Select(b => new RecordSlice(b.Batch.Records))];
            await retry.CallAsync(stop => sink.LearnAsync(sample, stop), ct).ConfigureAwait(false);
        }

        // A batch that was handed on, if only in part, belongs to the writers, who may be done with it before the next one finds room.
        while (_held.TryDequeue(out var batch)) await queue.AddAsync(batch, ct).ConfigureAwait(false);
        _learnt.TrySetResult();
    }

    public override void Complete() => queue.Complete();

    public override ValueTask<WriteUnit?> TakeAsync(int writer, UnitSize size, CancellationToken ct) => queue.TakeAsync(writer, size, ct);
}
