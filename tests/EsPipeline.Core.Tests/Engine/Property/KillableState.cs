using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>
/// The real state folder, seen by one life: when that ends its lock is let go and nothing of it is written any more. Checks invariant 1 at
/// every save.
/// </summary>
internal sealed class KillableState(FileStateStore store, Life life, Action<Checkpoint> check) : IStateStore
{
    private Job? _job;

    public string Description => store.Description;

    public string FolderOf(string job) => store.FolderOf(job);

    /// <summary>The last checkpoint that was saved in this life.</summary>
    public Checkpoint? Saved { get; private set; }

    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => store.CheckAsync(ct);

    public async Task<IJobState> OpenAsync(string job, CancellationToken ct)
    {
        await life.StepAsync(ct);
        return _job = new Job(this, await store.OpenAsync(job, ct));
    }

    /// <summary>Lets go of the lock, as the system does for a dead process.</summary>
    public async Task ReleaseAsync()
    {
        if (_job is not null) await _job.Inner.DisposeAsync();
    }

    public Task<IReadOnlyList<string>> ListJobsAsync(CancellationToken ct) => store.ListJobsAsync(ct);

    public Task<Checkpoint?> ReadCheckpointAsync(string job, CancellationToken ct) => store.ReadCheckpointAsync(job, ct);

    public Task<IReadOnlyList<RunRecord>> ReadRunsAsync(string job, int most, CancellationToken ct) => store.ReadRunsAsync(job, most, ct);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Job(KillableState state, IJobState inner) : IJobState
    {
        public IJobState Inner => inner;

        string IJobState.Job => inner.Job;

        public string Folder => inner.Folder;

        public async Task<Checkpoint?> LoadAsync(CancellationToken ct)
        {
            await state.Life.StepAsync(ct);
            return state.Saved = await inner.LoadAsync(ct);
        }

        public async Task SaveAsync(Checkpoint checkpoint, CancellationToken ct)
        {
            await state.Life.StepAsync(ct);
            await state.Life.ActAsync(_ =>
            {
                state.CheckForward(checkpoint);
                state.Check(checkpoint);

                // Small, to a file in memory: it is over before another life could begin.
                inner.SaveAsync(checkpoint, CancellationToken.None).GetAwaiter().GetResult();
                return state.Saved = checkpoint;
            });
        }

        public Task ResetAsync(CancellationToken ct) => inner.ResetAsync(ct);

        // A note guards nothing, and this clock asks for very many.
        public Task NoteRunAsync(RunRecord run, CancellationToken ct) => Task.CompletedTask;

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }

    private Life Life => life;

    private void Check(Checkpoint checkpoint) => check(checkpoint);

    private void CheckForward(Checkpoint checkpoint)
    {
        foreach (var (partition, progress) in checkpoint.Partitions)
        {
            if (Saved is not null && Saved.Partitions.TryGetValue(partition, out var before)
                && ScriptedSource.NumberOf(progress.Position) < ScriptedSource.NumberOf(before.Position))
            {
                life.Violated($"{partition} went back from {before.Position} to {progress.Position}.");
            }
        }

        if (Saved?.Phase == ReadKind.Changes && checkpoint.Phase == ReadKind.Snapshot) life.Violated("Changes became a snapshot again.");
    }
}
