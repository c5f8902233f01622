using System.Globalization;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;
using Npgsql;
using Npgsql.Replication;

namespace EsPipeline.Connectors.Postgres;

/// <summary>The replication slot: made where it is missing, together with the publication, and watched, since a slot holds back the server's log.</summary>
/// <param name="database">Where it is.</param>
/// <param name="options">Its name and its publication's.</param>
/// <param name="isNamed">True where a person has named it, so that one of that name may be somebody else's.</param>
/// <param name="guard">What is told how much it holds back.</param>
/// <param name="log">Where to log.</param>
internal sealed class ReplicationSlot(PostgresDatabase database, PostgresSourceOptions options, bool isNamed, SlotGuard guard, ILogger log)
{
    private const string FindSlot = """
        SELECT coalesce(plugin::text, ''), coalesce(database::text, ''), coalesce(wal_status, ''),
               coalesce(pg_wal_lsn_diff(pg_current_wal_lsn(), restart_lsn), 0)::text, (confirmed_flush_lsn - '0/0')::text, coalesce(active_pid::text, 'none'), (pg_current_wal_flush_lsn() - '0/0')::text
        FROM pg_replication_slots WHERE slot_name = $1
        """;

    // The first digits of the name of the file that is written to.
    private const string FindTimeline = "SELECT left(pg_walfile_name(pg_current_wal_lsn()), 8)";

    /// <summary>The server's timeline when the slot was last looked for.</summary>
    public uint Timeline { get; private set; }

    /// <summary>The text of the connection that changes are streamed on: its values look as everywhere else.</summary>
    public string StreamAddress => new NpgsqlConnectionStringBuilder(database.Address.ConnectionString)
    {
        Options = database.Address.Options + " -c timezone=UTC -c datestyle=ISO -c intervalstyle=postgres -c bytea_output=hex -c extra_float_digits=1"
            + " -c idle_session_timeout=0 -c statement_timeout=0 -c lock_timeout=0" + (database.LimitsTransactions ? " -c transaction_timeout=0" : ""),
    }.ConnectionString;

    /// <summary>Where the slot stands, null where it is missing or does not send all tables; and why it does not go on from a place, as a clause, empty where it does.</summary>
    /// <remarks>
    /// A slot is moved only up to what is saved (<see cref="LogReader.AcknowledgeAsync"/>). One that is further has been made anew, by a run
    /// that was killed before it could save that, or by a person; or somebody else has moved it. Either way it skips changes.
    /// </remarks>
    /// <param name="documents">What it has to tell of.</param>
    /// <param name="reached">The place up to which it may have been moved; null where nothing is saved.</param>
    /// <param name="ct">Ends it.</param>
    public Task<(LogPlace? Confirmed, string Reason)> FindAsync(DocumentSet documents, LogPlace? reached, CancellationToken ct) =>
        database.CallAsync("Looking at the replication slot failed", (connection, stop) => FindAsync(connection, documents, reached, stop), ct);

    /// <summary>The same, with a connection that is in no transaction.</summary>
    public async Task<(LogPlace? Confirmed, string Reason)> FindAsync(NpgsqlConnection connection, DocumentSet documents, LogPlace? reached, CancellationToken ct)
    {
        guard.ThrowIfDropped();
        Timeline = await TimelineAsync(connection, ct).ConfigureAwait(false);
        var rows = await PostgresDatabase.RowsAsync(connection, FindSlot, ct, options.Slot).ConfigureAwait(false);
        if (rows is not [var slot]) return (null, $"the replication slot {options.Slot} is missing");
        if (slot[0] != "pgoutput" || slot[1] != database.Address.Database)
        {
            throw PostgresErrors.CannotReplicate.Error(
                $"The replication slot {options.Slot} is another one's: of the database {slot[1]}, with the plugin {slot[0]}.", "Choose another name with --pg-slot.");
        }

        // As one is that a run began to make which was killed meanwhile: the server first waits for the transactions that are under way.
        if (slot[4] is not { } confirmed) throw PostgresErrors.Unavailable.Error($"The replication slot {options.Slot} is just being made (by backend {slot[5]}).");
        if (slot[2] == "lost") return (null, $"the server has removed the log that the replication slot {options.Slot} needed");
        await guard.WeighAsync(connection, slot[3]!, ct).ConfigureAwait(false);
        var lacking = await Publication.LackingAsync(connection, options.Publication, documents, ct).ConfigureAwait(false);
        if (lacking is not null) return (null, lacking);
        var (at, end) = (ulong.Parse(confirmed, CultureInfo.InvariantCulture), ulong.Parse(slot[6]!, CultureInfo.InvariantCulture));
        return (new LogPlace(at, Timeline),
            at > reached?.Lsn ? $"the replication slot {options.Slot} is another one than before, or has been moved by somebody else, over changes that were not read"
            : end < reached?.Lsn ? "the server's log ends before what was read: the server was put back to an earlier state"
            : reached?.Timeline is { } before && before != Timeline ? $"the server was promoted (its timeline is {Timeline}, and was {before}), and may not have got the end of the log that was read"
            : "");
    }

    /// <summary>Makes the publication and the slot, in the place of one that is of no use, and holds the moment from which the slot delivers.</summary>
    /// <param name="documents">What it has to tell of.</param>
    /// <param name="reached">The place up to which the job has read a slot of this name; null where it has not.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="PipelineException">There is one that may be somebody else's, to whom all that it holds back would be lost.</exception>
    public async Task<(SnapshotView View, LogPlace Place)> CreateAsync(DocumentSet documents, ulong? reached, CancellationToken ct)
    {
        var replication = new LogicalReplicationConnection(StreamAddress);
        await using (replication.ConfigureAwait(false))
        {
            try
            {
                // Whether the user may replicate the server alone knows: by an attribute of the role, or as the member of one that a managed service has.
                await database.CallAsync("Looking at the server's log failed", Publication.CheckLogAsync, ct).ConfigureAwait(false);
                await replication.Open(ct).ConfigureAwait(false);

                // The old one goes first, once it is known that a new one can be made, so that a run which is killed in between leaves none that
                // seems to be good. One that was there before the publication sent these tables does not tell what transactions did that were
                // under way then.
                var old = await database.CallAsync(
                    "Looking at the replication slot failed", (connection, stop) => PostgresDatabase.RowsAsync(connection, FindSlot, stop, options.Slot), ct).ConfigureAwait(false);
                if (old.Count > 0)
                {
                    // One that is ahead of what was read was moved by somebody else, or is another one under this name: what it holds back is theirs.
                    var isOurs = old[0][4] is { } confirmed && ulong.Parse(confirmed, CultureInfo.InvariantCulture) <= reached;
                    if (isNamed && !isOurs) throw NotOurs(reached);
                    await PublishAsync(documents, keep: false, ct).ConfigureAwait(false);
                    await replication.DropReplicationSlot(options.Slot, wait: true, ct).ConfigureAwait(false);
                }

                await PublishAsync(documents, keep: true, ct).ConfigureAwait(false);
                var slot = await replication.CreatePgOutputReplicationSlot(
                    options.Slot, slotSnapshotInitMode: LogicalSlotSnapshotInitMode.Export, cancellationToken: ct).ConfigureAwait(false);
                Log.SlotMade(log, options.Slot, options.Publication);

                // Any further command on this connection would end the snapshot.
                return (await SnapshotView.OpenAsync(database, slot.SnapshotName!, ct).ConfigureAwait(false), new LogPlace((ulong)slot.ConsistentPoint, Timeline));
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
            {
                var user = database.Address.Username ?? "";
                throw PostgresErrors.CannotReplicate.Error(
                    $"The user {user} may not replicate: {e.MessageText}.",
                    $"ALTER ROLE {SqlText.Name(user)} REPLICATION; or, where a managed service has a role for that instead, GRANT that role TO {SqlText.Name(user)};",
                    e);
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

    private static async Task<uint> TimelineAsync(NpgsqlConnection connection, CancellationToken ct) => uint.Parse(
        (await PostgresDatabase.RowAsync(connection, FindTimeline, ct).ConfigureAwait(false))[0]!, NumberStyles.HexNumber, CultureInfo.InvariantCulture);

    // Which publication its reader uses, a slot does not tell.
    private PipelineException NotOurs(ulong? reached) => PostgresErrors.CannotReplicate.Error(
        $"There is a replication slot {options.Slot} already{(reached is null ? "" : ", which is further than this job has read")}, and the publication {options.Publication} does not send the changes of these tables: it may be another one's, so it is not made anew.",
        $"Choose another name with --pg-slot, or name the slot's publication with --pg-publication; if nobody needs it: SELECT pg_drop_replication_slot({SqlText.Literal(options.Slot)});");

    private Task<bool> PublishAsync(DocumentSet documents, bool keep, CancellationToken ct) => database.CallAsync(
        "Preparing logical replication failed", (connection, stop) => Publication.MakeAsync(connection, options.Publication, documents, keep, stop), ct);
}
