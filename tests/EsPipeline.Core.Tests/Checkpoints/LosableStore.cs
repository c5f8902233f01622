using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Checkpoints;

/// <summary>A store whose locks are lost when a test says so, as a lease on a server may be.</summary>
internal sealed class LosableStore(IStateStore store) : IStateStore
{
    private readonly CancellationTokenSource _lost = new();

    public string Description => store.Description;

    public void Lose() => _lost.Cancel();

    public string FolderOf(string job) => store.FolderOf(job);

    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => store.CheckAsync(ct);

    public async Task<IJobState> OpenAsync(string job, CancellationToken ct) => new State(await store.OpenAsync(job, ct), _lost.Token);

    public Task<IReadOnlyList<string>> ListJobsAsync(CancellationToken ct) => store.ListJobsAsync(ct);

    public Task<Checkpoint?> ReadCheckpointAsync(string job, CancellationToken ct) => store.ReadCheckpointAsync(job, ct);

    public Task<IReadOnlyList<RunRecord>> ReadRunsAsync(string job, int most, CancellationToken ct) => store.ReadRunsAsync(job, most, ct);

    public async ValueTask DisposeAsync()
    {
        await store.DisposeAsync();
        _lost.Dispose();
    }

    private sealed class State(IJobState state, CancellationToken lost) : IJobState
    {
        public string Job => state.Job;

        public string Folder => state.Folder;

        public CancellationToken Lost => lost;

        public Task<Checkpoint?> LoadAsync(CancellationToken ct) => state.LoadAsync(ct);

        public Task SaveAsync(Checkpoint checkpoint, CancellationToken ct) => state.SaveAsync(checkpoint, ct);

        public Task ResetAsync(CancellationToken ct) => state.ResetAsync(ct);

        public Task NoteRunAsync(RunRecord run, CancellationToken ct) => state.NoteRunAsync(run, ct);

        public ValueTask DisposeAsync() => state.DisposeAsync();
    }
}
