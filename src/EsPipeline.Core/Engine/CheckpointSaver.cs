using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Core.Engine;

/// <summary>
/// Saves how far everything is safe, in the one right order: what the positions speak of is durable in the sink and in the dead letters
/// before they are written; the source is told after that (invariant 1). Not for two threads at once, but for <see cref="SaveNoteAsync"/>.
/// </summary>
/// <param name="state">The job's state, held.</param>
/// <param name="identity">What the checkpoint is saved as.</param>
/// <param name="source">Told how far everything is safe.</param>
/// <param name="sink">Where that is.</param>
/// <param name="note">What the sink has noted.</param>
/// <param name="wrote">Whether the run has found or put any of its records in the sink so far; asked after the positions.</param>
/// <param name="saved">What the run goes on from; null where it begins anew.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where what went wrong is told.</param>
internal sealed class CheckpointSaver(
    IJobState state, JobIdentity identity, IDataSource source, IDataSink sink, SinkNote note, Func<bool> wrote, Checkpoint? saved, TimeProvider time, ILogger log)
    : IDisposable
{
    private readonly IResumableSink? _resumable = sink as IResumableSink;
    private readonly SemaphoreSlim _saving = new(1, 1);

    /// <summary>
    /// Held by the one writer of a resumable sink from a batch's first record to its last, so that token and positions speak of the same
    /// moment.
    /// </summary>
    public SemaphoreSlim WriteGate { get; } = new(1, 1);

    /// <summary>
    /// True where a resumable sink holds a part of a batch: its token then stands for more than any position does, and nothing is saved.
    /// Stays true where the writer failed in there; the next run goes back to what was saved before. Only changed with the gate held.
    /// </summary>
    public bool MidBatch { get; set; }

    /// <summary>How far everything is safe, as far as it was asked for last; null where nothing has been read.</summary>
    public Checkpoint? Saved { get; private set; } = saved;

    /// <summary>False where a later run could not go on from here (standard input or output): positions are then kept in memory only.</summary>
    public bool IsDurable { get; set; } = true;

    /// <summary>
    /// The times that the snapshot selects by; saved with it, since an age such as <c>5m</c> means another time in a later run, and with the
    /// changes after it, since what the copy began with is all that it holds.
    /// </summary>
    public (DateTimeOffset? Since, DateTimeOffset? Until) Times { get; set; } = (saved?.Since, saved?.Until);

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
            safe = progress();
        }
        else
        {
            await WriteGate.WaitAsync(ct).ConfigureAwait(false);
            try
            {
                safe = progress();
                if (MidBatch || IsSaved(phase, safe)) return;
                token = await _resumable.FlushAsync(ct).ConfigureAwait(false);
                IsDurable &= token is not null;
            }
            finally
            {
                WriteGate.Release();
            }
        }

        await _saving.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (!IsSaved(phase, safe)) await ReplaceAsync(phase, safe, token, ct).ConfigureAwait(false);
        }
        finally
        {
            _saving.Release();
        }
    }

    /// <summary>Saves what the sink has noted, at once and at any moment; with the next positions where there are none yet.</summary>
    public async Task SaveNoteAsync(CancellationToken ct)
    {
        await _saving.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (Saved is null) return;
            var next = Saved with { SinkNote = note.Text };
            if (IsDurable) await state.SaveAsync(next, ct).ConfigureAwait(false);
            Saved = next;
        }
        finally
        {
            _saving.Release();
        }
    }

    /// <summary>Forgets everything saved: the next run begins anew.</summary>
    public async Task ResetAsync(CancellationToken ct)
    {
        if (Saved is not null && IsDurable) await state.ResetAsync(ct).ConfigureAwait(false);
        Saved = null;
    }

    public void Dispose()
    {
        WriteGate.Dispose();
        _saving.Dispose();
    }

    private async Task ReplaceAsync(ReadKind phase, IReadOnlyDictionary<PartitionId, PartitionProgress> safe, string? token, CancellationToken ct)
    {
        var before = Saved?.Partitions;
        var next = new Checkpoint
        {
            Identity = identity,
            Phase = phase,
            Partitions = safe,
            SinkToken = token,
            SinkNote = note.Text,
            Wrote = Saved?.Wrote == true || wrote(),
            Since = Times.Since,
            Until = Times.Until,
            SavedAt = time.GetUtcNow(),
        };
        if (IsDurable) await state.SaveAsync(next, ct).ConfigureAwait(false);
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

    private bool IsSaved(ReadKind phase, IReadOnlyDictionary<PartitionId, PartitionProgress> safe) =>
        Saved is { } now && now.Phase == phase && now.Partitions.Count == safe.Count
        && safe.All(p => now.Partitions.TryGetValue(p.Key, out var old) && old == p.Value);
}
