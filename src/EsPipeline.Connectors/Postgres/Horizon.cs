using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// The time before which no row can appear any more: that of the oldest transaction under way, since a row's time is taken when its
/// transaction begins or later; and a margin before that, for times that the application took before it began one, or that the column's
/// precision rounds down.
/// </summary>
/// <remarks>
/// It is asked for in a statement of its own, before the rows: a transaction that is not seen here has ended, and its rows are seen there; or
/// it began after the clock was read, which comes before the look. A server's process takes its transaction's time a moment before it shows
/// it to others: the margin covers that, too, should the machine let it wait just there.
/// It needs the role pg_read_all_stats; without it the server hides when others' transactions began, in silence.
/// </remarks>
internal sealed class Horizon(TimeSpan margin, ILogger log, TimeProvider time)
{
    private const string Clock = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint::text";

    // A prepared transaction no longer says when it began, and one of a session with track_activities = off never does: nothing is sure until it has
    // ended. That such a session is in one, its lock on its own transaction tells.
    private const string Ask = """
        WITH others AS MATERIALIZED (
            SELECT pid, xact_start, state FROM pg_stat_activity
            WHERE datname = current_database() AND backend_type NOT IN ('autovacuum worker', 'walsender') AND pid <> pg_backend_pid())
        SELECT (extract(epoch FROM min(xact_start)) * 1000000)::bigint::text,
               (SELECT pid::text FROM others WHERE xact_start IS NOT NULL ORDER BY xact_start LIMIT 1),
               (SELECT count(*)::text FROM pg_prepared_xacts WHERE database = current_database()),
               (SELECT string_agg(DISTINCT pid::text, ', ') FROM others JOIN pg_locks USING (pid) WHERE state = 'disabled' AND locktype = 'virtualxid')
        FROM others
        """;

    // Of the margin that an earlier run may have had, as much as the times of transactions that begin just then may differ.
    private const long Blur = 1_000_000;

    private static readonly TimeSpan WorthSaying = TimeSpan.FromMinutes(5);
    private string? _said;

    /// <summary>
    /// Whether the user sees when others' transactions began, which takes a role and a server that keeps account of them; and whether they run
    /// elsewhere, since a standby shows none of its primary's.
    /// </summary>
    public static async Task<(bool IsVisible, bool IsStandby)> LookAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var row = await PostgresDatabase.RowAsync(
            connection, "SELECT (pg_has_role('pg_read_all_stats', 'USAGE') AND current_setting('track_activities') = 'on')::text, pg_is_in_recovery()::text", ct).ConfigureAwait(false);
        return (row[0] == "true", row[1] == "true");
    }

    /// <summary>The horizon in microseconds since 1970; null where nothing is sure at the moment.</summary>
    public async Task<long?> TakeAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var now = Microseconds((await PostgresDatabase.RowAsync(connection, Clock, ct).ConfigureAwait(false))[0]!);
        var row = await PostgresDatabase.RowAsync(connection, Ask, ct).ConfigureAwait(false);
        if (row[2] != "0")
        {
            Say(row[2]!, () => Log.PreparedTransactions(log, row[2]!));
            return null;
        }

        if (row[3] is { } hidden)
        {
            Say(hidden, () => Log.HiddenTransactions(log, hidden));
            return null;
        }

        var oldest = row[0] is { } began ? Math.Min(now, Microseconds(began)) : now;
        var horizon = oldest - (long)margin.TotalMicroseconds;
        var at = DateTimeOffset.UnixEpoch.AddMicroseconds(horizon);
        if (row[1] is { } pid && time.GetUtcNow() - at > WorthSaying) Say(pid, () => Log.OldTransaction(log, pid, at));
        return horizon;
    }

    /// <summary>
    /// True where the server's clock is behind one by which times were read, so that rows written since lie below what was read. No open
    /// transaction explains it: a horizon without its margin never goes back, since the transactions that it goes by began after the one
    /// before was taken, or were open then; and what was reached is at least a margin below that. A larger margin than before
    /// explains that the horizon itself is below, but not that it is with its margin.
    /// </summary>
    /// <param name="horizon">As taken now.</param>
    /// <param name="reached">Up to where was read before.</param>
    public bool IsClockBehind(long horizon, long reached) => horizon + Math.Max(Blur, (long)margin.TotalMicroseconds) < reached;

    private static long Microseconds(string text) => long.Parse(text, CultureInfo.InvariantCulture);

    private void Say(string what, Action say)
    {
        if (_said != what) say();
        _said = what;
    }
}
