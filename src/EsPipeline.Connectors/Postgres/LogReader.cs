using System.Globalization;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Records;
using Microsoft.Extensions.Logging;
using Npgsql;
using NpgsqlTypes;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Reads the documents that belong to the changes of a replication slot, as these are now, up to where the log ends when it begins.</summary>
internal sealed class LogReader(PostgresDatabase database, ReplicationSlot slot, PostgresSourceOptions options, SourceTuning tuning, TimeProvider time, ILogger log)
    : IAsyncDisposable
{
    private const string FindSender = "SELECT active_pid::text FROM pg_replication_slots WHERE slot_name = $1 AND active_pid IS NOT NULL";

    private LogStream? _stream;
    private string _tables = "";

    /// <summary>
    /// Why changes can't be read on, as it was found while they were read; empty where nothing was. It holds until everything is copied anew: what
    /// it was seen by, such as a log that ends before what was read, may be gone by the time of the next plan.
    /// </summary>
    public string Lost { get; private set; } = "";

    /// <summary>Notes why changes can't be read on.</summary>
    /// <returns>The error that ends the reading.</returns>
    public Core.Errors.PipelineException Lose(string reason, Exception? inner = null)
    {
        Lost = reason;
        return PostgresErrors.Outdated.Error($"Changes can't be read on: {reason}.", inner: inner);
    }

    /// <summary>Everything is copied anew.</summary>
    public void BeginAnew() => Lost = "";

    /// <summary>Reads on behind a position.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(DocumentSet documents, LogPosition start, [EnumeratorCancellation] CancellationToken ct)
    {
        var connection = await database.OpenAsync(ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var end = await PostgresDatabase.RowAsync(connection, "SELECT (pg_current_wal_flush_lsn() - '0/0')::text", ct).ConfigureAwait(false);
            var target = ulong.Parse(end[0]!, CultureInfo.InvariantCulture);
            var stream = await StreamAsync(connection, documents, start, ct).ConfigureAwait(false);
            var (safe, waitedSince) = (OnTimeline(start), time.GetTimestamp());
            while (safe.Commit < target)
            {
                var rows = new List<ChangedRow>();
                var transactions = new HashSet<uint>();
                var next = safe;

                // Asked before the groups: one that comes in between is then taken in the next round instead of being left behind.
                var (idleAt, isDrained) = (stream.IdleAt, stream.HasStalled);
                while (rows.Count < tuning.BatchRecords && stream.TryTake(out var group))
                {
                    rows.AddRange(group.Rows);
                    transactions.Add(group.Transaction);
                    next = group.End with { Safe = safe.Safe with { Lsn = Math.Max(group.End.Safe.Lsn, safe.Safe.Lsn) } };
                }

                if (next == safe)
                {
                    if (isDrained)
                    {
                        stream = await StreamAsync(connection, documents, safe, ct).ConfigureAwait(false);
                        continue;
                    }

                    if (idleAt >= target)
                    {
                        // Nothing more concerns these tables up to there: once that is saved, the server may forget its log so far.
                        if (target > safe.Safe.Lsn) yield return RecordBatch.Empty(At(safe, target).ToPosition());
                        break;
                    }

                    // What the server has read meanwhile is saved at once: should the stream break, it need not read that again.
                    if (idleAt > safe.Safe.Lsn)
                    {
                        (safe, waitedSince) = (At(safe, idleAt), time.GetTimestamp());
                        yield return RecordBatch.Empty(safe.ToPosition());
                    }

                    if (time.GetElapsedTime(waitedSince) > tuning.Timeout)
                    {
                        await CheckServerAsync(connection, stream, safe, ct).ConfigureAwait(false);
                        waitedSince = time.GetTimestamp();
                    }

                    await WaitAsync(stream, ct).ConfigureAwait(false);
                    continue;
                }

                await VisibleTransactions.WaitForAsync(connection, transactions, tuning.Timeout, time, ct).ConfigureAwait(false);
                var keys = new HashSet<string>();
                if (rows.Any(r => r.Key is null))
                {
                    await foreach (var batch in AllAsync(connection, documents, safe, ct).ConfigureAwait(false)) yield return batch;
                }

                foreach (var table in rows.Where(r => r.Key is not null).GroupBy(r => r.Table, r => r.Key!))
                {
                    keys.UnionWith(await DocumentSet.RootsAsync(connection, table.Key, table.ToHashSet(), ct).ConfigureAwait(false));
                }

                var loaded = documents.ReadAsync(connection, keys, safe.ToPosition(), next.ToPosition(), "change", ct);
                await foreach (var batch in loaded.ConfigureAwait(false)) yield return batch;
                (safe, waitedSince) = (next, time.GetTimestamp());
            }
        }
    }

    // Every document as it is now; where to go on is not behind them.
    private async IAsyncEnumerable<RecordBatch> AllAsync(
        NpgsqlConnection connection, DocumentSet documents, LogPosition position, [EnumeratorCancellation] CancellationToken ct)
    {
        await PostgresDatabase.ExecuteAsync(
            connection, $"BEGIN; DECLARE roots NO SCROLL CURSOR FOR SELECT {documents.Root.SelectColumns} FROM {documents.Root.Table.Name}", ct).ConfigureAwait(false);
        while (await PostgresDatabase.RowsAsync(connection, $"FETCH {tuning.BatchRecords} FROM roots", ct).ConfigureAwait(false) is { Count: > 0 } roots)
        {
            string[] keys = [.. roots.Where(r => r[0] is not null).Select(r => r[0]!)];
            var loaded = documents.ReadAsync(connection, keys, position.ToPosition(), position.ToPosition(), "change", ct);
            await foreach (var batch in loaded.ConfigureAwait(false)) yield return batch;
        }

        await PostgresDatabase.ExecuteAsync(connection, "COMMIT", ct).ConfigureAwait(false);
    }

    /// <summary>Lets the server forget its log up to a position that is safe in the sink.</summary>
    public async ValueTask AcknowledgeAsync(LogPosition safe, CancellationToken ct)
    {
        if (_stream is not { } stream) return;
        try
        {
            await stream.AcknowledgeAsync(safe.Safe.Lsn, ct).ConfigureAwait(false);
        }
        catch (Exception e) when (PostgresFailure.IsOne(e))
        {
            throw PostgresFailure.Of(e, "The server could not be told what is safe");
        }
    }

    /// <summary>Ends the stream; the next reading begins another.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_stream is not null) await _stream.DisposeAsync().ConfigureAwait(false);
        _stream = null;
    }

    private static LogPosition At(LogPosition position, ulong safe) => position with { Safe = position.Safe with { Lsn = safe } };

    // One that was saved without its timeline is taken to be of this one.
    private LogPosition OnTimeline(LogPosition position) => position with { Safe = position.Safe with { Timeline = position.Safe.Timeline ?? slot.Timeline } };

    // A slot is looked at each time that a stream of it is begun: in another one of this name (after a failover, made again by somebody) the
    // server passes over what it does not have, without a word.
    private async Task<LogStream> StreamAsync(NpgsqlConnection connection, DocumentSet documents, LogPosition start, CancellationToken ct)
    {
        var tables = string.Join(';', documents.Tables.Select(t => $"{t.Table.Oid}:{string.Join(',', t.Table.Stores.Select(s => s.Oid))}:{t.SelectColumns}"));
        if (_stream is { HasEnded: false } open && (open.After.Commit, open.After.Index) == (start.Commit, start.Index) && _tables == tables) return open;
        await DisposeAsync().ConfigureAwait(false);
        var (_, reason) = await slot.FindAsync(connection, documents, start.Safe, ct).ConfigureAwait(false);
        if (reason.Length > 0) throw Lose(reason);
        _tables = tables;
        var decoder = new ChangeDecoder(documents, new TrackedRelations(documents, slot.StreamAddress), options.Truncate, log);
        return _stream = new LogStream(slot.StreamAddress, options, start, decoder, tuning.LongestStall, time);
    }

    private async Task WaitAsync(LogStream stream, CancellationToken ct)
    {
        try
        {
            await stream.WaitAsync(ct).ConfigureAwait(false);
        }
        catch (Core.Errors.PipelineException)
        {
            await DisposeAsync().ConfigureAwait(false);
            throw;
        }
    }

    // Nothing comes while the server reads much of its log that concerns no table here, or is at one large transaction. Whoever ends the stream
    // then lets it begin at the same place again, and the next stream, too, gets no further. That the connection itself is alive is Npgsql's
    // to find out (WalReceiverTimeout): the server answers it while it reads.
    private async Task CheckServerAsync(NpgsqlConnection connection, LogStream stream, LogPosition position, CancellationToken ct)
    {
        var sender = await PostgresDatabase.RowsAsync(connection, FindSender, ct, options.Slot).ConfigureAwait(false);
        if (stream.HasEnded) return;
        if (sender.Count > 0)
        {
            Log.LogIsSilent(log, options.Slot, tuning.Timeout.TotalSeconds, new NpgsqlLogSequenceNumber(position.Safe.Lsn).ToString());
            return;
        }

        await DisposeAsync().ConfigureAwait(false);
        throw PostgresErrors.Timeout.Error($"Nobody on the server sends the changes of the replication slot {options.Slot} any more; nothing came for {tuning.Timeout.TotalSeconds} s.");
    }
}
