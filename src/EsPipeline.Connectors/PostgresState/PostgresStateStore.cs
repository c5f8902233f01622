using System.Text;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.PostgresState;

/// <summary>
/// State in a PostgreSQL database, for jobs that move between machines: <c>espipe_job</c> holds one row a job with its checkpoint, as the text
/// that the file store writes, and the lease of the copy that runs it; <c>espipe_run</c> holds the runs that ended. Dead letters stay in a
/// folder.
/// </summary>
/// <param name="address">A valid address, <c>postgres://user@host/database</c>.</param>
/// <param name="folder">The folder for what belongs beside the state.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where waiting is told.</param>
public sealed class PostgresStateStore(Secret address, string folder, TimeProvider time, ILogger log) : IStateStore
{
    private static readonly TimeSpan LongestCheck = TimeSpan.FromSeconds(4.5);

    private readonly StateDatabase _database = new(address);
    private readonly string _folder = Path.GetFullPath(folder);

    /// <inheritdoc/>
    public string Description => _database.Description;

    /// <inheritdoc/>
    public string FolderOf(string job) => Path.Combine(_folder, JobName.Valid(job));

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var started = time.GetTimestamp();
        using var limit = new CancellationTokenSource(LongestCheck, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, limit.Token);
        try
        {
            await _database.TryAsync(either.Token).ConfigureAwait(false);
            return new ConnectorHealth($"state in {Description}", time.GetElapsedTime(started), new Dictionary<string, string>());
        }
        catch (PipelineException e)
        {
            return ConnectorHealth.Unwell("state database", time.GetElapsedTime(started), e);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return ConnectorHealth.Unwell("state database", time.GetElapsedTime(started), StateDatabaseErrors.Unreachable.Error($"{Description} did not answer in time."));
        }
    }

    /// <inheritdoc/>
    public async Task<IJobState> OpenAsync(string job, CancellationToken ct)
    {
        var beside = FolderOf(job);
        await _database.PrepareAsync(ct).ConfigureAwait(false);
        var lease = await JobLease.TakeAsync(_database, job, time, log, ct).ConfigureAwait(false);
        var state = new PostgresJobState(this, _database, lease, job, beside);
        try
        {
            DurableFile.CreateFolder(_folder);
            DurableFile.CreateFolder(beside);
            await state.CloseUnendedAsync(ct).ConfigureAwait(false);
            return state;
        }
        catch (Exception e)
        {
            await state.DisposeAsync().ConfigureAwait(false);
            if (e is IOException or UnauthorizedAccessException) throw CheckpointErrors.StateUnusable.Error($"Dead letters can't be kept at {beside}: {e.Message}", inner: e);
            throw;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<string>> ListJobsAsync(CancellationToken ct) =>
        [.. (await RowsAsync("SELECT job FROM espipe_job", [], ct).ConfigureAwait(false)).Select(r => r[0]!).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public async Task<Checkpoint?> ReadCheckpointAsync(string job, CancellationToken ct)
    {
        var rows = await RowsAsync("SELECT checkpoint FROM espipe_job WHERE job = $1", [JobName.Valid(job)], ct).ConfigureAwait(false);
        return rows is [[{ } text]] ? CheckpointText.Read(Encoding.UTF8.GetBytes(text), $"of job '{job}' in {Description}") : null;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RunRecord>> ReadRunsAsync(string job, int most, CancellationToken ct)
    {
        const string sql = """
            (SELECT run FROM espipe_job WHERE job = $1 AND run IS NOT NULL)
            UNION ALL (SELECT run FROM espipe_run WHERE job = $1 ORDER BY number DESC LIMIT $2)
            """;
        var rows = await RowsAsync(sql, [JobName.Valid(job), most], ct).ConfigureAwait(false);
        return [.. rows.Select(r => RunRecordText.Read(r[0]!)).Take(most)];
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _database.DisposeAsync();

    // Reading makes no tables: where there are none, there is no state.
    private async Task<List<string?[]>> RowsAsync(string sql, object[] parameters, CancellationToken ct) =>
        await _database.IsPreparedAsync(ct).ConfigureAwait(false) ? await _database.QueryAsync(sql, parameters, ct).ConfigureAwait(false) : [];
}
