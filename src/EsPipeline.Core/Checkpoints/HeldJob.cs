using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Checkpoints;

/// <summary>Work that only the holder of a job's lock may do.</summary>
internal static class HeldJob
{
    /// <summary>Does the work, and ends it at once where the lock is lost.</summary>
    /// <param name="state">The job's state, open.</param>
    /// <param name="work">The work.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="PipelineException"><see cref="CheckpointErrors.JobLost"/>, beside what the work throws.</exception>
    public static async Task<T> WhileHeldAsync<T>(this IJobState state, Func<CancellationToken, Task<T>> work, CancellationToken ct)
    {
        var lost = state.Lost;
        using var held = CancellationTokenSource.CreateLinkedTokenSource(ct, lost);
        try
        {
            return await work(held.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException e) when (lost.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            throw Lost(state.Job, e);
        }
    }

    /// <summary>What ends a copy that has lost the lock.</summary>
    public static PipelineException Lost(string job, Exception? inner = null) =>
        CheckpointErrors.JobLost.Error($"The lock on the job '{job}' could not be kept, so this copy has stopped.", inner: inner);
}
