using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Checkpoints;

/// <summary>
/// State in a folder (mode 0700), a sub-folder a job: <c>checkpoint.json</c>, <c>lock</c>, <c>run.json</c> (the last run) and
/// <c>runs.jsonl</c> (runs that ended), files of mode 0600.
/// </summary>
public sealed class FileStateStore(string root, TimeProvider time) : IStateStore
{
    private const string CheckpointName = "checkpoint.json";
    private readonly string _root = Path.GetFullPath(root);

    /// <inheritdoc/>
    public string Description => _root;

    /// <inheritdoc/>
    public string FolderOf(string job) => Path.Combine(_root, JobName.Valid(job));

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var started = time.GetTimestamp();
        var existing = _root;
        while (!Path.Exists(existing) && Path.GetDirectoryName(existing) is { } parent) existing = parent;
        var probe = Path.Combine(existing, $".espipe-check-{Environment.ProcessId}");
        try
        {
            await DurableFile.ReplaceAsync(probe, "ok"u8.ToArray(), ct).ConfigureAwait(false);
            File.Delete(probe);
            return new ConnectorHealth($"state folder {_root}", time.GetElapsedTime(started), new Dictionary<string, string>());
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return ConnectorHealth.Unwell("state folder", time.GetElapsedTime(started), Unusable(existing, e));
        }
    }

    /// <inheritdoc/>
    public async Task<IJobState> OpenAsync(string job, CancellationToken ct)
    {
        var folder = FolderOf(job);
        try
        {
            DurableFile.CreateFolder(_root);
            DurableFile.CreateFolder(folder);
            var jobLock = JobLock.Take(folder, job);
            try
            {
                var runs = new RunHistory(folder);
                await runs.CloseUnendedAsync(ct).ConfigureAwait(false);
                return new State(this, job, folder, jobLock, runs);
            }
            catch
            {
                jobLock.Dispose();
                throw;
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(folder, e);
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<string>> ListJobsAsync(CancellationToken ct)
    {
        IReadOnlyList<string> jobs = Directory.Exists(_root)
            ? [.. Directory.GetDirectories(_root).Select(d => Path.GetFileName(d)).Where(JobName.IsValid).Order(StringComparer.Ordinal)]
            : [];
        return Task.FromResult(jobs);
    }

    /// <inheritdoc/>
    public async Task<Checkpoint?> ReadCheckpointAsync(string job, CancellationToken ct)
    {
        var path = Path.Combine(FolderOf(job), CheckpointName);
        try
        {
            return CheckpointText.Read(await File.ReadAllBytesAsync(path, ct).ConfigureAwait(false), path);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Unusable(path, e);
        }
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<RunRecord>> ReadRunsAsync(string job, int most, CancellationToken ct) =>
        new RunHistory(FolderOf(job)).ReadAsync(most, ct);

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private static PipelineException Unusable(string path, Exception e) =>
        CheckpointErrors.StateUnusable.Error($"State can't be kept at {path}: {e.Message}", inner: e);

    private sealed class State(FileStateStore store, string job, string folder, JobLock jobLock, RunHistory runs) : IJobState
    {
        private readonly string _path = Path.Combine(folder, CheckpointName);

        // Not disposed: it has no timer, and may be asked after the lock was let go.
        private readonly CancellationTokenSource _lost = new();

        public string Job => job;

        public string Folder => folder;

        public CancellationToken Lost => _lost.Token;

        public Task<Checkpoint?> LoadAsync(CancellationToken ct) => store.ReadCheckpointAsync(job, ct);

        public Task SaveAsync(Checkpoint checkpoint, CancellationToken ct) =>
            Guard(() => DurableFile.ReplaceAsync(_path, CheckpointText.Write(checkpoint), ct));

        public Task ResetAsync(CancellationToken ct) => Guard(() =>
        {
            File.Delete(_path);
            DurableFile.SyncFolder(folder);
            return Task.CompletedTask;
        });

        public Task NoteRunAsync(RunRecord run, CancellationToken ct) => Guard(() => runs.NoteAsync(run, ct));

        public ValueTask DisposeAsync()
        {
            jobLock.Dispose();
            return ValueTask.CompletedTask;
        }

        private async Task Guard(Func<Task> change)
        {
            if (!jobLock.IsHeld) throw await LoseAsync().ConfigureAwait(false);
            try
            {
                await change().ConfigureAwait(false);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                throw jobLock.IsHeld ? Unusable(folder, e) : await LoseAsync().ConfigureAwait(false);
            }
        }

        private async Task<PipelineException> LoseAsync()
        {
            await _lost.CancelAsync().ConfigureAwait(false);
            return CheckpointErrors.JobLost.Error(
                $"The folder of the job '{job}', {folder}, was removed or replaced while it ran, so another copy may have begun.",
                "Put it back where it was only moved; then run again: it goes on where the positions in the folder were saved, and begins anew without them.");
        }
    }
}
