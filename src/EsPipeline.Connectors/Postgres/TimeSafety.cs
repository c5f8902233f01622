using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Whether changes of a table can be found by the column that every update sets.</summary>
internal sealed class TimeSafety(PostgresDatabase database, PostgresSourceOptions options, ILogger log)
{
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
                if (HasSaid) return isSafe;
                if (isStandby && !_saidStandby) Log.Standby(log, name);
                _saidStandby |= isStandby;
                if (!isStandby && !isVisible) Log.NoTransactionTimes(log, name);
                var nulls = await PostgresDatabase.RowAsync(
                    connection, $"SELECT count(*)::text FROM {name} WHERE {SqlText.Name(column.Name)} IS NULL", stop).ConfigureAwait(false);
                if (nulls[0] != "0") Log.NullTimes(log, nulls[0]!, name, column.Name);
                return isSafe;
            },
            ct).ConfigureAwait(false);
    }
}
