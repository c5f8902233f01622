using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Checkpoints;

/// <summary>Where jobs keep their state between runs. Reading needs no lock; changing a job's state needs its <see cref="IJobState"/>.</summary>
public interface IStateStore : IAsyncDisposable
{
    /// <summary>A name for people, such as the folder's path; without secrets.</summary>
    string Description { get; }

    /// <summary>A folder of the job's own for what belongs beside the state (dead letters); it may not exist yet.</summary>
    /// <exception cref="Errors.PipelineException"><see cref="CheckpointErrors.BadJobName"/>.</exception>
    string FolderOf(string job);

    /// <summary>Whether state can be read and written here. Returns problems rather than throwing them; leaves nothing behind.</summary>
    Task<ConnectorHealth> CheckAsync(CancellationToken ct);

    /// <summary>Takes the job's lock, which ends with the process, or so soon after it as the store can know of that.</summary>
    /// <exception cref="Errors.PipelineException"><see cref="CheckpointErrors.JobRunning"/>: another copy holds it; the message says which.</exception>
    Task<IJobState> OpenAsync(string job, CancellationToken ct);

    /// <summary>The names of all jobs that have state here, sorted.</summary>
    Task<IReadOnlyList<string>> ListJobsAsync(CancellationToken ct);

    /// <summary>The job's checkpoint; null where it has none.</summary>
    /// <exception cref="Errors.PipelineException">It is damaged or of a newer version.</exception>
    Task<Checkpoint?> ReadCheckpointAsync(string job, CancellationToken ct);

    /// <summary>The job's runs, newest first; the first may still be under way.</summary>
    Task<IReadOnlyList<RunRecord>> ReadRunsAsync(string job, int most, CancellationToken ct);
}

/// <summary>A job's state while this process holds its lock. Dispose it to let go.</summary>
public interface IJobState : IAsyncDisposable
{
    /// <summary>The job's name.</summary>
    string Job { get; }

    /// <summary>A folder of the job's own for what belongs beside the state (dead letters).</summary>
    string Folder { get; }

    /// <summary>
    /// Cancelled when the lock may have gone to another copy, as soon as the store can know of that: what is under way has to stop at once.
    /// </summary>
    CancellationToken Lost => CancellationToken.None;

    /// <summary>The checkpoint; null where there is none.</summary>
    Task<Checkpoint?> LoadAsync(CancellationToken ct);

    /// <summary>Replaces the checkpoint. Durable on return; after a crash at any moment the old or the new one is there, whole.</summary>
    Task SaveAsync(Checkpoint checkpoint, CancellationToken ct);

    /// <summary>Removes the checkpoint: the next run begins anew.</summary>
    Task ResetAsync(CancellationToken ct);

    /// <summary>Notes how the run stands, replacing what it noted before; once <see cref="RunRecord.Ended"/> is set, for the history.</summary>
    Task NoteRunAsync(RunRecord run, CancellationToken ct);
}
