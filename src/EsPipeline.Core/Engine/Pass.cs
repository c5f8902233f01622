using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Engine;

/// <summary>
/// One pass over the source: readers, the queue, writers and the checkpoint, running together until everything that the plan asked for
/// is in the sink, or the first of them fails, or the run is stopped.
/// </summary>
internal sealed class Pass(PipelineSetup setup, CheckpointSaver saver, UnitWriter writer, AdaptiveSize size, RetryPolicy sinkRetry)
{
    private readonly Dictionary<PartitionId, CheckpointTracker> _trackers = [];
    private IReadOnlyList<Partition> _partitions = [];
    private PipelineException? _error;

    /// <summary>Why the source is not as it was planned any more, so that the rest has to be planned anew; null where it is.</summary>
    public PipelineException? Outdated { get; private set; }

    /// <summary>Reads and writes the partitions.</summary>
    /// <param name="kind">What is read.</param>
    /// <param name="partitions">The partitions, with the positions that <paramref name="from"/> does not have.</param>
    /// <param name="from">How far each was safe before.</param>
    /// <param name="readerFor">Makes the reader for this pass's queue and budget.</param>
    /// <param name="stop">Stops reading; what was read is written.</param>
    /// <param name="abort">Stops everything.</param>
    /// <returns>True where every partition was read to its end, or to where it was <see cref="Outdated"/>, and all of it is safe.</returns>
    /// <exception cref="PipelineException">The first failure; what was safe until then is saved.</exception>
    public async Task<bool> RunAsync(
        ReadKind kind,
        IReadOnlyList<Partition> partitions,
        IReadOnlyDictionary<PartitionId, PartitionProgress> from,
        Func<WriteQueue, PartitionReader> readerFor,
        CancellationToken stop,
        CancellationToken abort)
    {
        _partitions = partitions;
        foreach (var partition in partitions)
        {
            _trackers[partition.Id] = new CheckpointTracker(from.GetValueOrDefault(partition.Id, new PartitionProgress(partition.Start, 0)));
        }

        saver.IsDurable &= partitions.All(p => p.Resumable);
        await saver.SaveAsync(kind, Progress, abort).ConfigureAwait(false);

        using var failing = CancellationTokenSource.CreateLinkedTokenSource(abort);
        using var reading = CancellationTokenSource.CreateLinkedTokenSource(stop, failing.Token);
        using var saving = CancellationTokenSource.CreateLinkedTokenSource(failing.Token);

        var resumable = setup.Sink is IResumableSink;
        var writers = resumable ? 1 : Math.Clamp(setup.Sink.Limits.Concurrency, 1, 256);
        var uniqueKeys = partitions.All(p => p.UniqueKeys) && setup.Transform is not { ChangesKeys: true };
        await BeginAtSinkAsync(kind, uniqueKeys, partitions.Any(p => p.Repeats), stop).ConfigureAwait(false);
        WriteQueue queue = !resumable && uniqueKeys ? new SharedQueue() : new KeyLanes(writers, compact: !resumable && !setup.Sink.KeepsFirst);
        // A pass over changes may never end, and nothing may be held back for what comes hours later: there a sink learns from its first write.
        var sample = kind == ReadKind.Snapshot && setup.Sink is ISamplingSink { NeedsSample: true } sampling
            ? new SampledQueue(queue, sampling, sinkRetry, setup.ReadAheadBytes)
            : null;
        queue = sample ?? queue;
        var reader = readerFor(queue);

        var saves = Guard(ct => SaveRegularlyAsync(kind, ct), failing, saving.Token);
        var writing = Enumerable.Range(0, writers)
            .Select(n => Guard(ct => resumable ? WriteInOrderAsync(queue, failing, stop, ct) : WriteAsync(queue, n, ct), failing, failing.Token)).ToArray();
        var remaining = new Queue<Partition>(partitions);
        var threads = partitions.Any(p => p.InOrder) ? 1 : Math.Min(setup.Threads, partitions.Count);
        var readers = Enumerable.Range(0, threads)
            .Select(n => Guard(ct => ReadAsync(n, reader, remaining, sample, ct, failing.Token), failing, reading.Token)).ToArray();

        await Task.WhenAll(readers).ConfigureAwait(false);
        if (sample is not null) await Guard(async ct => await sample.EndAsync(ct).ConfigureAwait(false), failing, failing.Token).ConfigureAwait(false);
        queue.Complete();
        await Task.WhenAll(writing).ConfigureAwait(false);
        await saving.CancelAsync().ConfigureAwait(false);
        await saves.ConfigureAwait(false);

        // Saved even after a failure, so that what is safe is not done again; a failure to save does not hide the one that came first.
        await Guard(ct => saver.SaveAsync(kind, Progress, ct), failing, CancellationToken.None).ConfigureAwait(false);
        var complete = !stop.IsCancellationRequested && !abort.IsCancellationRequested && _trackers.Values.All(t => t.Outstanding == 0);
        foreach (var tracker in _trackers.Values) tracker.Dispose();
        return _error is null ? complete : throw _error;
    }

    // A sink may ask its system something here, which may be down like at any other time.
    private async Task BeginAtSinkAsync(ReadKind kind, bool uniqueKeys, bool repeats, CancellationToken stop)
    {
        await sinkRetry.CallAsync(ct => setup.Sink.BeginPassAsync(kind, uniqueKeys, ct), stop).ConfigureAwait(false);
        if (repeats && setup.Sink is IResumableSink file) await sinkRetry.CallAsync(file.ExpectRepeatsAsync, stop).ConfigureAwait(false);
    }

    // Of partitions in order a later one must not be saved ahead of an earlier one that is not safe yet: reading that again would put its
    // old records over the newer ones. Asked from the last to the first: what holds of a later one has begun after the earlier one was read.
    private Dictionary<PartitionId, PartitionProgress> Progress()
    {
        var progress = new Dictionary<PartitionId, PartitionProgress>();
        foreach (var partition in _partitions.Reverse())
        {
            var tracker = _trackers[partition.Id];
            var isDone = tracker.Outstanding == 0;
            progress[partition.Id] = tracker.Safe;
            if (!partition.InOrder || isDone) continue;
            foreach (var later in progress.Keys.Where(id => id != partition.Id).ToArray()) progress[later] = _trackers[later].Start;
        }

        return progress;
    }

    private async Task ReadAsync(
        int number, PartitionReader reader, Queue<Partition> remaining, SampledQueue? sample, CancellationToken ct, CancellationToken abort)
    {
        if (sample is not null && number > 0) await sample.Learnt.WaitAsync(ct).ConfigureAwait(false);
        while (true)
        {
            Partition? next;
            lock (remaining)
            {
                if (!remaining.TryDequeue(out next)) break;
            }

            if (await reader.ReadAsync(next, _trackers[next.Id], ct, abort).ConfigureAwait(false) is not { } outdated) continue;
            lock (remaining)
            {
                Outdated ??= outdated;
                remaining.Clear();
            }
        }

        if (sample is not null && number == 0) await sample.EndAsync(abort).ConfigureAwait(false);
    }

    private async Task WriteAsync(WriteQueue queue, int number, CancellationToken ct)
    {
        while (await queue.TakeAsync(number, Size(), ct).ConfigureAwait(false) is { } unit)
        {
            await writer.WriteAsync(unit, ct).ConfigureAwait(false);
        }
    }

    // The only writer of a resumable sink: a checkpoint is saved between two batches, never within one.
    private async Task WriteInOrderAsync(WriteQueue queue, CancellationTokenSource failing, CancellationToken stop, CancellationToken ct)
    {
        try
        {
            await WriteInOrderAsync(queue, ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            // Stopped while it was still getting ready to write (IResumableSink.ExpectRepeatsAsync): nobody writes what was read.
            await failing.CancelAsync().ConfigureAwait(false);
        }
    }

    private async Task WriteInOrderAsync(WriteQueue queue, CancellationToken ct)
    {
        while (await queue.TakeAsync(0, Size(), ct).ConfigureAwait(false) is { } unit)
        {
            await saver.WriteGate.WaitAsync(ct).ConfigureAwait(false);
            try
            {
                saver.MidBatch = true;
                await writer.WriteAsync(unit, ct).ConfigureAwait(false);
                while (!unit.EndsBatch)
                {
                    unit = await queue.TakeAsync(0, Size(), ct).ConfigureAwait(false) ?? throw new InvalidOperationException("A batch has no end.");
                    await writer.WriteAsync(unit, ct).ConfigureAwait(false);
                }

                saver.MidBatch = false;
            }
            finally
            {
                saver.WriteGate.Release();
            }
        }
    }

    private UnitSize Size() => new(size.Records, setup.Sink.Limits.MaxBytes);

    private async Task SaveRegularlyAsync(ReadKind kind, CancellationToken ct)
    {
        while (true)
        {
            await Task.Delay(setup.CheckpointInterval, setup.Time, ct).ConfigureAwait(false);
            await saver.SaveAsync(kind, Progress, ct).ConfigureAwait(false);
        }
    }

    // Runs one part of the pass. The first failure stops the others; being stopped is none.
    private async Task Guard(Func<CancellationToken, Task> part, CancellationTokenSource failing, CancellationToken ct)
    {
        try
        {
            await Task.Yield();
            await part(ct).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
        }
        catch (PipelineException e)
        {
            await FailAsync(e, failing).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            await FailAsync(EngineErrors.Of(e), failing).ConfigureAwait(false);
        }
    }

    private async Task FailAsync(PipelineException error, CancellationTokenSource failing)
    {
        Interlocked.CompareExchange(ref _error, error, null);
        await failing.CancelAsync().ConfigureAwait(false);
    }
}
