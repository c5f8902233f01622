using System.Globalization;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EsPipeline.Connectors.PostgresState;

/// <summary>
/// One copy's lease of a job, renewed for as long as the copy lives. It is lost before the server gives it to another copy; its token makes
/// sure that a copy which was paused can't write over what the next one has saved. An advisory lock would end with its connection, and then
/// another copy could begin while this one does not know.
/// </summary>
internal sealed class JobLease : IAsyncDisposable
{
    /// <summary>How long the server keeps it for a copy of which it hears nothing.</summary>
    internal static readonly TimeSpan Duration = TimeSpan.FromSeconds(30);

    /// <summary>How often it is renewed.</summary>
    internal static readonly TimeSpan Renewal = TimeSpan.FromSeconds(5);

    // What is under way has to have ended before another copy begins.
    private static readonly TimeSpan Margin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    private readonly StateDatabase _database;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly string _job;
    private readonly long _token;
    private readonly CancellationTokenSource _lost;
    private readonly CancellationTokenSource _ended = new();
    private readonly Task _renewing;
    private int _waiting;

    private JobLease(StateDatabase database, string job, long token, TimeSpan left, TimeProvider time, ILogger log)
    {
        (_database, _job, _token, _time, _log) = (database, job, token, time, log);
        _lost = new CancellationTokenSource(left, time);
        Lost = _lost.Token;
        _renewing = RenewAsync();
    }

    /// <summary>Cancelled when another copy may have it, or soon could.</summary>
    public CancellationToken Lost { get; }

    private static string Holder => $"by process {Environment.ProcessId} on {Environment.MachineName}";

    private static double Seconds => Duration.TotalSeconds;

    /// <summary>Takes it; waits for the rest of that of a copy which has died.</summary>
    /// <exception cref="PipelineException"><see cref="CheckpointErrors.JobRunning"/>: another copy renews it.</exception>
    public static async Task<JobLease> TakeAsync(StateDatabase database, string job, TimeProvider time, ILogger log, CancellationToken ct)
    {
        const string take = """
            INSERT INTO espipe_job (job, token, holder, held_until) VALUES ($1, 1, $2, clock_timestamp() + $3 * interval '1 s')
            ON CONFLICT (job) DO UPDATE SET token = espipe_job.token + 1, holder = excluded.holder, held_until = excluded.held_until
            WHERE espipe_job.held_until <= clock_timestamp() OR (espipe_job.token::text = $4 AND espipe_job.held_until::text = $5)
            RETURNING token::text
            """;
        var (seen, since) = ((string?[]?)null, 0L);
        while (true)
        {
            var started = time.GetTimestamp();

            // The server's clock may have been set back since it was renewed. Nobody renews what stays as it is for all of its time: whoever held
            // it has given it up by its own clock.
            var dead = seen is not null && time.GetElapsedTime(since) >= Duration ? seen : ["", ""];
            if (await database.QueryAsync(take, [job, Holder, Seconds, dead[0]!, dead[1]!], ct).ConfigureAwait(false) is [[{ } token]])
            {
                var left = Left(time, started);
                if (left > TimeSpan.Zero) return new JobLease(database, job, long.Parse(token, CultureInfo.InvariantCulture), left, time, log);

                // This copy was paused, or the server slow, and nothing is left of it: it is taken again once it has ended.
                seen = null;
            }

            var held = await database.QueryAsync("SELECT token::text, held_until::text, holder FROM espipe_job WHERE job = $1 AND held_until > clock_timestamp()", [job], ct).ConfigureAwait(false);

            // It has ended between the two questions, and is there to be taken.
            if (held is not [var now]) continue;
            if (seen is null)
            {
                since = time.GetTimestamp();
                Log.JobHeld(log, job, now[2]!, Renewal.TotalSeconds, Seconds);
            }
            else if (seen[0] != now[0] || seen[1] != now[1])
            {
                throw CheckpointErrors.JobRunning.Error($"The job '{job}' is already being run {now[2]}.");
            }

            seen = now;
            await Task.Delay(Pause, time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>Changes the job's state, in one transaction that fails where the lease is another copy's; waits for a server that is away.</summary>
    /// <param name="change">What is changed.</param>
    /// <param name="ct">Ends it before it is changed.</param>
    /// <exception cref="PipelineException"><see cref="CheckpointErrors.JobLost"/>.</exception>
    public async Task ChangeAsync(Func<NpgsqlConnection, CancellationToken, Task> change, CancellationToken ct)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(ct, _lost.Token);
        while (true)
        {
            try
            {
                var held = await _database.TransactAsync(
                    async (connection, stop) =>
                    {
                        var mine = await StateDatabase.ExecuteAsync(
                            connection, "UPDATE espipe_job SET holder = holder WHERE job = $1 AND token = $2", stop, _job, _token).ConfigureAwait(false);
                        if (mine > 0) await change(connection, stop).ConfigureAwait(false);
                        return mine;
                    },
                    keep: true,
                    either.Token).ConfigureAwait(false);
                if (held == 0) await _lost.CancelAsync().ConfigureAwait(false);
                Lost.ThrowIfCancellationRequested();
                return;
            }
            catch (PipelineException e) when (e.Kind == FailureKind.Transient)
            {
                await AwaitServerAsync(e, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
            catch (OperationCanceledException) when (_lost.IsCancellationRequested)
            {
            }

            ct.ThrowIfCancellationRequested();
            if (_lost.IsCancellationRequested) throw CheckpointErrors.JobLost.Error($"The lease on the job '{_job}' in {_database.Description} could not be kept.");
        }
    }

    /// <summary>Lets go, so that the next copy need not wait.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_ended.IsCancellationRequested) return;
        await _ended.CancelAsync().ConfigureAwait(false);
        await _renewing.ConfigureAwait(false);
        if (!Lost.IsCancellationRequested) await LetGoAsync().ConfigureAwait(false);
        _lost.Dispose();
        _ended.Dispose();
    }

    // Counted from before the server was asked: what it took to answer is not a part of what it has given.
    private static TimeSpan Left(TimeProvider time, long started) => Duration - Margin - time.GetElapsedTime(started);

    private async Task LetGoAsync()
    {
        try
        {
            using var patience = new CancellationTokenSource(Margin, _time);
            await _database.TransactAsync(
                (connection, stop) => StateDatabase.ExecuteAsync(
                    connection, "UPDATE espipe_job SET held_until = '-infinity' WHERE job = $1 AND token = $2", stop, _job, _token),
                keep: true,
                patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PipelineException or OperationCanceledException)
        {
            Log.JobNotLetGo(_log, _job, Seconds, e.Message);
        }
    }

    private async Task RenewAsync()
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token, _lost.Token);
        while (!either.IsCancellationRequested)
        {
            await Task.Delay(Renewal, _time, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            while (!either.IsCancellationRequested)
            {
                try
                {
                    await RenewOnceAsync(either.Token).ConfigureAwait(false);
                    break;
                }
                catch (PipelineException e)
                {
                    await AwaitServerAsync(e, either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                }
                catch (OperationCanceledException) when (either.IsCancellationRequested)
                {
                    break;
                }
            }
        }
    }

    private async Task RenewOnceAsync(CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        var held = await _database.TransactAsync(
            (connection, stop) => StateDatabase.ExecuteAsync(
                connection, "UPDATE espipe_job SET held_until = clock_timestamp() + $3 * interval '1 s' WHERE job = $1 AND token = $2", stop, _job, _token, Seconds),
            keep: true,
            ct).ConfigureAwait(false);

        var left = held == 0 ? TimeSpan.Zero : Left(_time, started);
        if (left <= TimeSpan.Zero) await _lost.CancelAsync().ConfigureAwait(false);
        else _lost.CancelAfter(left);
        if (Interlocked.Exchange(ref _waiting, 0) == 1) Log.StateIsBack(_log, _database.Description);
    }

    private Task AwaitServerAsync(PipelineException failure, CancellationToken ct)
    {
        if (Interlocked.Exchange(ref _waiting, 1) == 0) Log.StateIsDown(_log, _database.Description, failure.Message);
        return Task.Delay(Pause, _time, ct);
    }
}
