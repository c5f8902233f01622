using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Whether changes of a table can be found by the column that every update sets.</summary>
internal sealed class TimeSafety(PostgresDatabase database, PostgresSourceOptions options, SourceTuning tuning, TimeProvider time, ILogger log)
{
    // A subscription may write to the table itself, to one that it is a part of, or to a part of it.
    private const string FindSubscription = """
        WITH RECURSIVE above(oid) AS (SELECT $1::text::oid UNION SELECT i.inhparent FROM pg_inherits i JOIN above a ON i.inhrelid = a.oid),
             below(oid) AS (SELECT $1::text::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN below b ON i.inhparent = b.oid)
        SELECT EXISTS (SELECT FROM pg_subscription_rel WHERE srrelid IN (SELECT oid FROM above UNION SELECT oid FROM below))::text
        """;

    // What it is where nobody sets it, unless that is UTC by another name, in winter as in summer.
    private const string FindLocalZone = """
        SELECT reset_val FROM pg_settings WHERE name = 'TimeZone'
        AND EXISTS (SELECT FROM (VALUES (timestamp '2024-01-01'), ('2024-07-01')) t(at) WHERE at AT TIME ZONE reset_val <> at AT TIME ZONE 'UTC')
        """;

    private readonly Dictionary<string, (long At, string Count)> _nulls = [];
    private readonly HashSet<string> _subscribed = [];
    private bool _saidStandby;
    private bool _saidLocal;

    /// <summary>True once it has been said how changes are found, which is not said again.</summary>
    public bool HasSaid { get; set; }

    /// <summary>True where no row of a table can appear below the <see cref="Horizon"/>; says once why not.</summary>
    public async Task<bool> IsSafeAsync(TrackedTable table, CancellationToken ct)
    {
        if (options.Follow != FollowWay.UpdatedColumn || table.Updated is not { } column) return false;
        var name = table.Table.Name;
        if (column.Form != ValueForm.TimestampTz)
        {
            if (!HasSaid) Log.TimeWithoutZone(log, column.Name, name);
            return false;
        }

        return await database.CallAsync(
            $"Looking at {name} failed",
            async (connection, stop) =>
            {
                var (isVisible, isStandby) = await Horizon.LookAsync(connection, stop).ConfigureAwait(false);
                var isSubscribed = (await PostgresDatabase.RowAsync(connection, FindSubscription, stop, table.Table.Oid.ToString(System.Globalization.CultureInfo.InvariantCulture)).ConfigureAwait(false))[0] == "true";
                var isSafe = isVisible && !isStandby && !isSubscribed;
                await CountNullsAsync(connection, name, column.Name, stop).ConfigureAwait(false);
                if (HasSaid) return isSafe;
                if (isStandby && !_saidStandby) Log.Standby(log, name);
                _saidStandby |= isStandby;
                if (isStandby) return false;
                if (isSubscribed && _subscribed.Add(name)) Log.Subscribed(log, name);
                if (!isSubscribed && !isVisible) Log.NoTransactionTimes(log, name);
                return isSafe;
            },
            ct).ConfigureAwait(false);
    }

    /// <summary>
    /// Says once where times without a zone are selected that may not be UTC, for which they are taken: those of a database, or of a user, whose own
    /// time zone is another one.
    /// </summary>
    public async Task SayLocalTimesAsync(TrackedTable table, Selection selection, CancellationToken ct)
    {
        if (_saidLocal || DocumentCatalog.TimeColumn(selection, table) is not { Form: ValueForm.Timestamp or ValueForm.Date } column) return;
        _saidLocal = true;
        var zones = await database.CallAsync(
            "Asking for the time zone failed", (connection, stop) => PostgresDatabase.RowsAsync(connection, FindLocalZone, stop), ct).ConfigureAwait(false);
        if (zones is [[{ } zone]]) Log.LocalTimes(log, column.Name, table.Table.Name, zone);
    }

    // Without an index it takes a look at every row, and so is not for every pass.
    private async Task CountNullsAsync(NpgsqlConnection connection, string table, string column, CancellationToken ct)
    {
        var before = _nulls.GetValueOrDefault(table, (At: 0, Count: "0"));
        if (_nulls.ContainsKey(table) && time.GetElapsedTime(before.At) < tuning.NullTimesLooks) return;
        var count = before.Count;
        try
        {
            count = (await PostgresDatabase.RowAsync(connection, $"SELECT count(*)::text FROM {table} WHERE {SqlText.Name(column)} IS NULL", ct).ConfigureAwait(false))[0]!;
        }
        catch (Exception e) when (PostgresFailure.IsOne(e) && PostgresFailure.Of(e, "").Error == PostgresErrors.Timeout)
        {
            // Reading can do without the number; the connection is not used any more.
            Log.NullTimesUncounted(log, table, column, tuning.Timeout.TotalSeconds);
        }

        _nulls[table] = (time.GetTimestamp(), count);
        if (count != "0" && count != before.Count) Log.NullTimes(log, count, table, column);
    }
}
