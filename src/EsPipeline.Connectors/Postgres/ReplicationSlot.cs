using System.Globalization;
using Microsoft.Extensions.Logging;
using Npgsql;
using Npgsql.Replication;

namespace EsPipeline.Connectors.Postgres;

/// <summary>The replication slot and the publication: made where they are missing, and watched, since a slot holds back the server's log.</summary>
internal sealed class ReplicationSlot(PostgresDatabase database, PostgresOptions options, ILogger log)
{
    // From here on it is worth saying.
    private const long MuchHeldBack = 1L << 30;

    private const string FindSlot = """
        SELECT coalesce(plugin::text, ''), coalesce(database::text, ''), coalesce(wal_status, ''),
               coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::text, (confirmed_flush_lsn - '0/0')::text, coalesce(active_pid::text, 'none')
        FROM pg_replication_slots WHERE slot_name = $1
        """;

    private const string FindIdentity = """
        SELECT c.relreplident::text, a.attname::text FROM pg_class c LEFT JOIN pg_index i ON i.indrelid = c.oid
          AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) WHERE c.oid = $1::text::oid
        """;

    private bool _saidMuch;

    /// <summary>The text of the connection that changes are streamed on: its values look as everywhere else.</summary>
    public string StreamAddress => new NpgsqlConnectionStringBuilder(database.Address.ConnectionString)
    {
        Options = "-c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=1",
    }.ConnectionString;

    /// <summary>Where the slot stands; null where it is missing or no longer of use, with the reason as a clause.</summary>
    public async Task<(ulong? ConfirmedLsn, string Reason)> FindAsync(CancellationToken ct)
    {
        var rows = await database.CallAsync(
            "Looking at the replication slot failed", (connection, stop) => PostgresDatabase.RowsAsync(connection, FindSlot, stop, options.Slot), ct)
            .ConfigureAwait(false);
        if (rows is not [var slot]) return (null, $"the replication slot {options.Slot} is missing");
        if (slot[0] != "pgoutput" || slot[1] != database.Address.Database)
        {
            throw PostgresErrors.CannotReplicate.Error(
                $"The replication slot {options.Slot} is another one's: of the database {slot[1]}, with the plugin {slot[0]}.", "Choose another name with --pg-slot.");
        }

        // As one is that a run began to make which was killed meanwhile: the server first waits for the transactions that are under way.
        if (slot[4] is not { } confirmed) throw PostgresErrors.Unavailable.Error($"The replication slot {options.Slot} is just being made (by backend {slot[5]}).");
        if (slot[2] == "lost") return (null, $"the server has removed the log that the replication slot {options.Slot} needed");
        await GuardAsync(long.Parse(slot[3]!, NumberStyles.Float, CultureInfo.InvariantCulture), ct).ConfigureAwait(false);
        return (ulong.Parse(confirmed, CultureInfo.InvariantCulture), "");
    }

    /// <summary>Makes publication and slot, and holds the moment from which the slot delivers.</summary>
    public async Task<(SnapshotView View, ulong Lsn)> CreateAsync(DocumentSet documents, CancellationToken ct)
    {
        await database.CallAsync("Preparing logical replication failed", (connection, stop) => PublishAsync(connection, documents, stop), ct).ConfigureAwait(false);
        var replication = new LogicalReplicationConnection(StreamAddress);
        await using (replication.ConfigureAwait(false))
        {
            try
            {
                await replication.Open(ct).ConfigureAwait(false);
                if ((await FindAsync(ct).ConfigureAwait(false)).Reason.EndsWith("needed", StringComparison.Ordinal))
                {
                    await replication.DropReplicationSlot(options.Slot, wait: true, ct).ConfigureAwait(false);
                }

                var slot = await replication.CreatePgOutputReplicationSlot(
                    options.Slot, slotSnapshotInitMode: LogicalSlotSnapshotInitMode.Export, cancellationToken: ct).ConfigureAwait(false);
                Log.SlotMade(log, options.Slot, options.Publication);

                // Any further command on this connection would end the snapshot.
                return (await SnapshotView.OpenAsync(database, slot.SnapshotName!, ct).ConfigureAwait(false), (ulong)slot.ConsistentPoint);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DuplicateObject)
            {
                throw PostgresErrors.Unavailable.Error($"The replication slot {options.Slot} was made by somebody else in this moment.", inner: e);
            }
            catch (Exception e) when (PostgresFailure.IsOne(e))
            {
                throw PostgresFailure.Of(e, $"Could not make the replication slot {options.Slot}");
            }
        }
    }

    private async Task<bool> PublishAsync(NpgsqlConnection connection, DocumentSet documents, CancellationToken ct)
    {
        var facts = await PostgresDatabase.RowAsync(
            connection,
            "SELECT current_setting('wal_level'), (rolreplication OR rolsuper)::text, current_user::text FROM pg_roles WHERE rolname = current_user",
            ct).ConfigureAwait(false);
        if (facts[0] != "logical")
        {
            throw PostgresErrors.CannotReplicate.Error(
                $"The server writes its log with wal_level = {facts[0]}.", "ALTER SYSTEM SET wal_level = logical; and restart the server, or follow by --pg-follow updated-column.");
        }

        if (facts[1] != "true") throw PostgresErrors.CannotReplicate.Error($"The user {facts[2]} may not replicate.", $"ALTER ROLE {SqlText.Name(facts[2]!)} REPLICATION;");
        foreach (var table in documents.Tables) await CheckIdentityAsync(connection, table, ct).ConfigureAwait(false);
        var there = await PostgresDatabase.RowsAsync(connection, "SELECT 1::text FROM pg_publication WHERE pubname = $1", ct, options.Publication).ConfigureAwait(false);
        var published = await PostgresDatabase.RowsAsync(
            connection, "SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_publication_tables WHERE pubname = $1", ct, options.Publication).ConfigureAwait(false);
        var missing = documents.Tables.Select(t => t.Table).Where(t => !published.Exists(p => p[0] == t.Name || t.Stores.Any(s => s.Name == p[0]))).Select(t => t.Name).Distinct().ToArray();
        if (missing.Length == 0) return true;
        var statement = there.Count == 0
            ? $"CREATE PUBLICATION {options.Publication} FOR TABLE {string.Join(", ", missing)} WITH (publish_via_partition_root = true)"
            : $"ALTER PUBLICATION {options.Publication} ADD TABLE {string.Join(", ", missing)}";
        try
        {
            await PostgresDatabase.ExecuteAsync(connection, $"BEGIN READ WRITE; {statement}; COMMIT", ct).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            await PostgresDatabase.ExecuteAsync(connection, "ROLLBACK", ct).ConfigureAwait(false);
            throw PostgresErrors.CannotReplicate.Error($"The user {facts[2]} may not make the publication: {e.MessageText}.", $"Let the tables' owner run: {statement};");
        }

        return true;
    }

    // Without an identity the application's own updates would fail once the table is published; with one that lacks the columns by which
    // documents are found, deletes could not be told.
    private static async Task CheckIdentityAsync(NpgsqlConnection connection, TrackedTable table, CancellationToken ct)
    {
        foreach (var oid in table.Table.Stores.Select(s => s.Oid).Append(table.Table.Oid).Distinct())
        {
            var rows = await PostgresDatabase.RowsAsync(connection, FindIdentity, ct, oid.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
            if (rows.Count == 0 || rows[0][0] == "f") continue;
            if (table.Columns.FirstOrDefault(c => !rows.Exists(r => r[1] == c.Name)) is not { } lacking) continue;
            throw PostgresErrors.CannotReplicate.Error(
                $"The log does not tell '{lacking.Name}' of deleted rows of {table.Table.Name}, by which their documents are found.",
                $"ALTER TABLE {table.Table.Name} REPLICA IDENTITY FULL; or USING INDEX one that has the column.");
        }
    }

    private async Task GuardAsync(long heldBack, CancellationToken ct)
    {
        if (options.MaxSlotBytes > 0 && heldBack > options.MaxSlotBytes)
        {
            await database.CallAsync("Dropping the replication slot failed", (connection, stop) => PostgresDatabase.ExecuteAsync(
                connection,
                "BEGIN READ WRITE; SELECT pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = " + SqlText.Literal(options.Slot)
                + " AND active; SELECT pg_drop_replication_slot(" + SqlText.Literal(options.Slot) + "); COMMIT",
                stop), ct).ConfigureAwait(false);
            throw PostgresErrors.SlotTooLarge.Error($"The replication slot {options.Slot} held back {heldBack} bytes of the server's log, more than --pg-max-slot-bytes {options.MaxSlotBytes}.");
        }

        if (heldBack > MuchHeldBack && !_saidMuch) Log.SlotHoldsMuch(log, options.Slot, heldBack >> 20);
        _saidMuch = heldBack > MuchHeldBack;
    }
}
