using System.Text;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.PostgresState;

/// <summary>A job's rows while this copy holds its lease.</summary>
internal sealed class PostgresJobState(PostgresStateStore store, StateDatabase database, JobLease lease, string job, string folder) : IJobState
{
    /// <summary>Runs that are kept: a job a minute would fill a disk.</summary>
    internal const int KeptRuns = 1000;

    public string Job => job;

    public string Folder => folder;

    public CancellationToken Lost => lease.Lost;

    /// <summary>Notes the end of a run whose process died.</summary>
    public async Task CloseUnendedAsync(CancellationToken ct)
    {
        var rows = await database.QueryAsync("SELECT run FROM espipe_job WHERE job = $1 AND run IS NOT NULL", [job], ct).ConfigureAwait(false);
        if (rows is not [[{ } text]]) return;
        var run = RunRecordText.Read(text);
        await NoteRunAsync(run with { Ended = run.Updated, Outcome = RunOutcome.Killed }, ct).ConfigureAwait(false);
    }

    public Task<Checkpoint?> LoadAsync(CancellationToken ct) => store.ReadCheckpointAsync(job, ct);

    public Task SaveAsync(Checkpoint checkpoint, CancellationToken ct) => lease.ChangeAsync(
        (connection, stop) => StateDatabase.ExecuteAsync(
            connection, "UPDATE espipe_job SET checkpoint = $2 WHERE job = $1", stop, job, Encoding.UTF8.GetString(CheckpointText.Write(checkpoint))),
        ct);

    public Task ResetAsync(CancellationToken ct) => lease.ChangeAsync(
        (connection, stop) => StateDatabase.ExecuteAsync(connection, "UPDATE espipe_job SET checkpoint = NULL WHERE job = $1", stop, job), ct);

    // The row of the job holds a run that is under way; one that ended moves.
    public Task NoteRunAsync(RunRecord run, CancellationToken ct)
    {
        var text = Encoding.UTF8.GetString(RunRecordText.Write(run));
        return lease.ChangeAsync(
            async (connection, stop) =>
            {
                if (run.Ended is null)
                {
                    await StateDatabase.ExecuteAsync(connection, "UPDATE espipe_job SET run = $2 WHERE job = $1", stop, job, text).ConfigureAwait(false);
                    return;
                }

                await StateDatabase.ExecuteAsync(connection, "UPDATE espipe_job SET run = NULL WHERE job = $1", stop, job).ConfigureAwait(false);
                await StateDatabase.ExecuteAsync(
                    connection, "INSERT INTO espipe_run (job, id, run) VALUES ($1, $2, $3) ON CONFLICT (job, id) DO UPDATE SET run = excluded.run", stop, job, run.Id, text)
                    .ConfigureAwait(false);
                const string cut = "DELETE FROM espipe_run WHERE job = $1 AND number <= (SELECT number FROM espipe_run WHERE job = $1 ORDER BY number DESC OFFSET $2 LIMIT 1)";
                await StateDatabase.ExecuteAsync(connection, cut, stop, job, KeptRuns).ConfigureAwait(false);
            },
            ct);
    }

    public ValueTask DisposeAsync() => lease.DisposeAsync();
}
