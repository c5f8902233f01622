using System.Globalization;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Watches how much of the server's log the replication slot holds back, all the time that a run follows it: that grows most while nobody plans or
/// reads on, as when the sink is down or everything is being copied.
/// </summary>
internal sealed class SlotGuard(PostgresDatabase database, PostgresSourceOptions options, SourceTuning tuning, TimeProvider time, ILogger log) : IAsyncDisposable
{
    private const string Find = "SELECT coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::text FROM pg_replication_slots WHERE slot_name = $1";

    // Of the server's, whoever uses the slot is ended by then, or it stays for the next look.
    private const int LongestGoodbye = 5000;

    private readonly CancellationTokenSource _ending = new();
    private volatile PipelineException? _failure;
    private Task _watching = Task.CompletedTask;
    private bool _isWatching;
    private bool _saidMuch;

    /// <exception cref="PipelineException">The slot was dropped, since it held too much back: the run has to end.</exception>
    public void ThrowIfDropped()
    {
        if (_failure is { } failure) throw failure;
    }

    /// <summary>Begins to watch, where it does not yet.</summary>
    public void Begin()
    {
        if (_isWatching) return;
        _isWatching = true;
        _watching = WatchAsync(_ending.Token);
    }

    /// <summary>Warns of what the slot holds back, or drops it where that is more than it may be.</summary>
    /// <param name="connection">Any connection that is in no transaction.</param>
    /// <param name="bytes">As the server tells it.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="PipelineException"><see cref="PostgresErrors.SlotTooLarge"/>.</exception>
    public async Task WeighAsync(NpgsqlConnection connection, string bytes, CancellationToken ct)
    {
        var heldBack = long.Parse(bytes, NumberStyles.Float, CultureInfo.InvariantCulture);
        if (options.MaxSlotBytes > 0 && heldBack > options.MaxSlotBytes) throw await DropAsync(connection, heldBack).ConfigureAwait(false);
        if (heldBack > tuning.MuchHeldBack && !_saidMuch) Log.SlotHoldsMuch(log, options.Slot, heldBack >> 20);
        _saidMuch = heldBack > tuning.MuchHeldBack;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_ending.IsCancellationRequested) return;
        await _ending.CancelAsync().ConfigureAwait(false);
        await _watching.ConfigureAwait(false);
        _ending.Dispose();
    }

    // From the moment on in which the stream is ended nobody begins another one: it would hold the slot again. A run that ends because of that does
    // not cut this off.
    private async Task<PipelineException> DropAsync(NpgsqlConnection connection, long heldBack)
    {
        var failure = PostgresErrors.SlotTooLarge.Error(
            $"The replication slot {options.Slot} held back {heldBack} bytes of the server's log, more than --pg-max-slot-bytes {options.MaxSlotBytes}.");
        _failure = failure;
        try
        {
            var slot = SqlText.Literal(options.Slot);
            await PostgresDatabase.ExecuteAsync(connection, string.Create(CultureInfo.InvariantCulture,
                $"BEGIN READ WRITE; SELECT pg_terminate_backend(active_pid, {LongestGoodbye}) FROM pg_replication_slots WHERE slot_name = {slot} AND active; SELECT pg_drop_replication_slot({slot}); COMMIT"), CancellationToken.None)
                .ConfigureAwait(false);
            return failure;
        }
        catch
        {
            _failure = null;
            throw;
        }
    }

    private async Task WatchAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(tuning.SlotLooks, time);
        try
        {
            while (await timer.WaitForNextTickAsync(ct).ConfigureAwait(false))
            {
                try
                {
                    await LookAsync(ct).ConfigureAwait(false);
                }
                catch (PipelineException e) when (e.Error == PostgresErrors.SlotTooLarge)
                {
                    // Whoever reads next is told, which may be long after this.
                    Log.SlotDropped(log, e.Message);
                    return;
                }
                catch (Exception e) when (PostgresFailure.IsOne(e))
                {
                    // A server that is down is told by whoever reads; a slot that can't be dropped holds its log back as before.
                    if (e is PostgresException refusal) Log.SlotNotWatched(log, options.Slot, refusal.MessageText);
                    else Log.SlotNotSeen(log, options.Slot, e.Message);
                }
            }
        }
        catch (OperationCanceledException)
        {
            // Nobody follows it any more.
        }
    }

    // Not with a connection of the pool, which all may be waiting for the sink just then.
    private async Task LookAsync(CancellationToken ct)
    {
        var connection = new NpgsqlConnection(new NpgsqlConnectionStringBuilder(database.Address.ConnectionString) { Pooling = false }.ConnectionString);
        await using (connection.ConfigureAwait(false))
        {
            await connection.OpenAsync(ct).ConfigureAwait(false);
            if (await PostgresDatabase.RowsAsync(connection, Find, ct, options.Slot).ConfigureAwait(false) is [[var bytes]]) await WeighAsync(connection, bytes!, ct).ConfigureAwait(false);
        }
    }
}
