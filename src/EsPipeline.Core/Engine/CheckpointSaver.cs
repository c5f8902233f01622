using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Core.Engine;

/// <summary>
/// Saves how far everything is safe, in the one right order: what the positions speak of is durable in the sink and in the dead letters
/// before they are written; the source is told after that (invariant 1). Not for two threads at once.
/// </summary>
internal sealed class CheckpointSaver(
    IJobState state, JobIdentity identity, IDataSource source, IDataSink sink, Checkpoint? saved, TimeProvider time, ILogger log)
    : IDisposable
{
    private readonly IResumableSink? _resumable = sink as IResumableSink;

    /// <summary>Held by the one writer of a resumable sink during each write, so that token and positions speak of the same moment.</summary>
    public SemaphoreSlim WriteGate { get; } = new(1, 1);

    /// <summary>What is on disk; null where nothing is.</summary>
    public Checkpoint? Saved { get; private set; } = saved;

    /// <summary>How far everything is safe, on disk or not (nothing of what goes to standard output is saved); null where nothing is.</summary>
    public IReadOnlyDictionary<PartitionId, PartitionProgress>? Reached { get; private set; } = saved?.Partitions;

    /// <summary>Saves, unless nothing has changed since the last time.</summary>
    /// <param name="phase">What is being read.</param>
    /// <param name="progress">How far each partition is safe, asked for at the right moment.</param>
    /// <param name="ct">Cancels before anything is changed.</param>
    public async Task SaveAsync(ReadKind phase, Func<IReadOnlyDictionary<PartitionId, PartitionProgress>> progress, CancellationToken ct)
    {
        IReadOnlyDictionary<PartitionId, PartitionProgress> safe;
        string? token = null;
        if (_resumable is null)
        {
            Reached = safe = progress();
        }
        else
        {
            await WriteGate.WaitAsync(ct).ConfigureAwait(false);
            try
            {
                Reached = safe = progress();
                if (IsSaved(phase, safe)) return;
                token = await _resumable.FlushAsync(ct).ConfigureAwait(false);
                if (token is null) return;
            }
            finally
            {
                WriteGate.Release();
            }
        }

        if (IsSaved(phase, safe)) return;
        var before = Saved?.Partitions;
        var next = new Checkpoint { Identity = identity, Phase = phase, Partitions = safe, SinkToken = token, SavedAt = time.GetUtcNow() };
        await state.SaveAsync(next, ct).ConfigureAwait(false);
        Saved = next;
        foreach (var (partition, reached) in safe)
        {
            if (before is not null && before.TryGetValue(partition, out var old) && old.Position == reached.Position) continue;
            try
            {
                await source.AcknowledgeAsync(partition, reached.Position, ct).ConfigureAwait(false);
            }
            catch (PipelineException e)
            {
                // Nothing depends on it: the position is on disk, and the next save acknowledges a later one.
                Log.AcknowledgeFailed(log, partition.Value, e.Message);
            }
        }
    }

    /// <summary>Forgets everything saved: the next run begins anew.</summary>
    public async Task ResetAsync(CancellationToken ct)
    {
        Reached = null;
        if (Saved is null) return;
        await state.ResetAsync(ct).ConfigureAwait(false);
        Saved = null;
    }

    public void Dispose() => WriteGate.Dispose();

    private bool IsSaved(ReadKind phase, IReadOnlyDictionary<PartitionId, PartitionProgress> safe) =>
        Saved is { } now && now.Phase == phase && now.Partitions.Count == safe.Count
        && safe.All(p => now.Partitions.TryGetValue(p.Key, out var old) && old == p.Value);
}
