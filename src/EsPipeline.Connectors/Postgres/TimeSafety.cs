using Microsoft.Extensions.Logging;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Whether changes of a table can be found by the column that every update sets.</summary>
internal sealed class TimeSafety(PostgresDatabase database, PostgresSourceOptions options, SourceTuning tuning, TimeProvider time, ILogger log)
{
    private readonly Dictionary<string, (long At, string Count)> _nulls = [];
    private bool _saidStandby;

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
                var isSafe = isVisible && !isStandby;
                await CountNullsAsync(connection, name, column.Name, stop).ConfigureAwait(false);
                if (HasSaid) return isSafe;
                if (isStandby && !_saidStandby) Log.Standby(log, name);
                _saidStandby |= isStandby;
                if (!isStandby && !isVisible) Log.NoTransactionTimes(log, name);
                return isSafe;
            },
            ct).ConfigureAwait(false);
    }

    // Without an index it takes a look at every row, and so is not for every pass.
    private async Task CountNullsAsync(NpgsqlConnection connection, string table, string column, CancellationToken ct)
    {
        var before = _nulls.GetValueOrDefault(table, (At: 0, Count: "0"));
        if (_nulls.ContainsKey(table) && time.GetElapsedTime(before.At) < tuning.NullTimesLooks) return;
        var count = (await PostgresDatabase.RowAsync(connection, $"SELECT count(*)::text FROM {table} WHERE {SqlText.Name(column)} IS NULL", ct).ConfigureAwait(false))[0]!;
        _nulls[table] = (time.GetTimestamp(), count);
        if (count != "0" && count != before.Count) Log.NullTimes(log, count, table, column);
    }
}
