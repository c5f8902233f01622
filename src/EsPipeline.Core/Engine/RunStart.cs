using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Engine;

/// <summary>
/// The beginning of a run: checks both ends before anything is changed, then makes sure that the saved positions are this job's, and the sink
/// ready for them.
/// </summary>
internal sealed class RunStart(PipelineSetup setup, RetryPolicy sourceRetry, RetryPolicy sinkRetry, DocumentCounter counter, SinkNote note)
{
    /// <summary>Does it.</summary>
    /// <returns>
    /// What the checkpoint is saved as; the one that the run goes on from, null where it begins anew; and whether there was something to write
    /// to before, in which records may be already.
    /// </returns>
    /// <exception cref="PipelineException">An end is not as it has to be, or the checkpoint is another job's.</exception>
    public async Task<(JobIdentity Identity, Checkpoint? Saved, bool HadTarget)> BeginAsync(IJobState state, CancellationToken stop)
    {
        var source = await sourceRetry.CallAsync(async ct => (await setup.Source.CheckAsync(ct).ConfigureAwait(false)).OrThrow(), stop).ConfigureAwait(false);
        var sink = await sinkRetry.CallAsync(async ct => (await setup.Sink.CheckAsync(ct).ConfigureAwait(false)).OrThrow(), stop).ConfigureAwait(false);
        foreach (var warning in source.Warnings.Concat(sink.Warnings)) Log.EndWarning(setup.Log, warning);
        var hadTarget = !sink.TargetIsMissing;
        var identity = setup.IdentityOf(source, sink);
        var saved = await state.LoadAsync(stop).ConfigureAwait(false);
        if (saved is not null && saved.Identity.Hash != identity.Hash)
        {
            throw CheckpointErrors.JobChanged.Error(
                $"The checkpoint of job '{setup.Job}' belongs to another job: {string.Join("; ", saved.Identity.Differences(identity))}.");
        }

        // A first single run copies the last minutes alone, and nobody who asks for everything means these.
        if (saved?.Since is { } since && setup is { Mode: PipelineMode.FullSync, Bounded: false, Selection.Since: null })
        {
            Log.CopiedSinceOnly(setup.Log, since);
            saved = null;
        }

        if (saved is not null && !hadTarget && (saved.Wrote || await HasWrittenAsync(stop).ConfigureAwait(false)))
        {
            throw CheckpointErrors.JobChanged.Error(
                $"The checkpoint of job '{setup.Job}' says that records were copied, and what they were copied to is not there any more ({sink.System}).");
        }

        note.Recall(setup.Sink, saved);
        var schema = await sourceRetry.CallAsync(setup.Source.DescribeAsync, stop).ConfigureAwait(false);
        await sinkRetry.CallAsync(ct => setup.Sink.PrepareAsync(schema, ct), stop).ConfigureAwait(false);
        var isWhole = saved is null && !setup.Bounded && setup.Mode is PipelineMode.Continuous or PipelineMode.FullSync;
        await counter.BeginAsync(isWhole, stop).ConfigureAwait(false);
        if (saved is null)
        {
            // What preparing has just made, such as an index, is a part of what the sink is from now on.
            sink = await sinkRetry.CallAsync(async ct => (await setup.Sink.CheckAsync(ct).ConfigureAwait(false)).OrThrow(), stop).ConfigureAwait(false);
            identity = setup.IdentityOf(source, sink);
        }

        if (setup.Sink is IResumableSink resumable && !await resumable.RestoreAsync(saved?.SinkToken, stop).ConfigureAwait(false))
        {
            Log.OutputGone(setup.Log);
            await resumable.RestoreAsync(null, stop).ConfigureAwait(false);
            await state.ResetAsync(stop).ConfigureAwait(false);
            saved = null;
        }

        if (saved is not null) Log.Resuming(setup.Log, saved.SavedAt);
        return (identity, saved, hadTarget);
    }

    // A table that is made with the first documents is not there where all records so far were set aside or left out. The history is short, and
    // is asked for checkpoints that don't say it.
    private async Task<bool> HasWrittenAsync(CancellationToken ct) =>
        (await setup.State.ReadRunsAsync(setup.Job, int.MaxValue, ct).ConfigureAwait(false)).Any(r => r.Account.Written > 0);
}
