using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Postgres;

/// <summary>What can go wrong with a PostgreSQL server.</summary>
public static partial class PostgresErrors
{
    /// <summary>No connection, or one that broke.</summary>
    public static readonly ErrorCode Unreachable = new(
        "postgres.unreachable", FailureKind.Transient, "The server could not be reached, or the connection broke.",
        "Check --pg-url (or PG_HOST and PG_PORT), and that the server runs.")
    {
        Steps =
        [
            "See whether the server answers this machine: `pg_isready {pg-server}`",
            "Look at what listens there: `ss -ltn`",
        ],
    };

    /// <summary>No answer in time.</summary>
    public static readonly ErrorCode Timeout = new(
        "postgres.timeout", FailureKind.Transient, "The server did not answer in time.", "Check the server's load and its locks (pg_stat_activity); what takes long by its nature (a SELECT that sorts much) needs a longer --pg-timeout.")
    {
        Steps = ["See what the server is busy with, and what waits for locks: `{pg-client} -c 'SELECT pid,state,wait_event_type,now()-query_start AS since,query FROM pg_stat_activity ORDER BY query_start'`"],
    };

    /// <summary>TLS.</summary>
    public static readonly ErrorCode Tls = new(
        "postgres.tls", FailureKind.Environment, "No trusted TLS connection could be made.",
        "Give the authority's certificate with --pg-ca, or choose another --pg-sslmode if the network is trusted.")
    {
        Steps =
        [
            "Look at the certificate that the server shows: `openssl s_client -starttls postgres -connect {--pg-host}:{--pg-port} </dev/null | openssl x509 -noout -subject -issuer -dates -ext subjectAltName`",
            "Where its authority is the right one, name the authority's file: `--pg-ca FILE`",
        ],
    };

    /// <summary>Wrong credentials.</summary>
    public static readonly ErrorCode Unauthorized = new(
        "postgres.auth", FailureKind.Environment, "The server did not accept the user and password.", "Check PG_USER and PG_PASSWORD, and the server's pg_hba.conf.")
    {
        Steps =
        [
            "Sign in by hand, with the password typed in: `{pg-client} -c 'SELECT current_user'`",
            "See which origin each value has, since the environment goes before the .env file: the same command with `--config-check`",
        ],
    };

    /// <summary>No such database.</summary>
    public static readonly ErrorCode NoDatabase = new(
        "postgres.no_database", FailureKind.Environment, "There is no such database.", "Check PG_DATABASE.")
    {
        Steps = ["See which databases there are: `psql {pg-server} -U {--pg-user} -d postgres -l`"],
    };

    /// <summary>A right is missing.</summary>
    public static readonly ErrorCode Forbidden = new(
        "postgres.forbidden", FailureKind.Environment, "The user may not do this.", "Grant the right that is named, or use another user.")
    {
        Steps =
        [
            "See who may do what: `{pg-client} -c '\\dp {--pg-table}'`",
            "Where reading is what is missing, grant it as the owner: `{pg-client} -c 'GRANT SELECT ON {--pg-table} TO \"{--pg-user}\"'`",
        ],
    };

    /// <summary>Row security hides rows.</summary>
    public static readonly ErrorCode RowSecurity = new(
        "postgres.row_security", FailureKind.Environment, "Row security of a table would leave rows out, which would be missing from the copy, or count as deleted.",
        "Read as a role with BYPASSRLS, or as the table's owner (without FORCE ROW LEVEL SECURITY): ALTER ROLE … BYPASSRLS. That is needed even where a policy shows the user every row.")
    {
        Steps =
        [
            "See the policies, and who owns the table: `{pg-client} -c '\\d {--pg-table}' -c '\\dt {--pg-table}'`",
            "Let the user see every row, as a superuser: `{pg-client} -c 'ALTER ROLE \"{--pg-user}\" BYPASSRLS'`",
            "Where it is the user's own table: `{pg-client} -c 'ALTER TABLE {--pg-table} NO FORCE ROW LEVEL SECURITY'`",
        ],
    };

    /// <summary>A pooler of transactions is in between.</summary>
    public static readonly ErrorCode TransactionPooling = new(
        "postgres.transaction_pooling", FailureKind.Environment, "A pooler gives each transaction any of its sessions, so that settings and temporary tables would go to others.",
        "Give the server's own address, or one where the pooler keeps a session for each connection (pgbouncer: pool_mode = session).")
    {
        EndsRun = true,
        Steps =
        [
            "Where it is pgbouncer, see how it pools: `psql {pg-server} -U {--pg-user} -d pgbouncer -c 'SHOW CONFIG'`",
            "Name the server itself: `--pg-host HOST --pg-port 5432`",
        ],
    };

    /// <summary>No such table.</summary>
    public static readonly ErrorCode NoTable = new(
        "postgres.no_table", FailureKind.Environment, "There is no such table.", "Check --pg-table; a name in another schema is written schema.name.")
    {
        Steps = ["See which tables there are, in every schema: `{pg-client} -c '\\dt *.*'`"],
    };

    /// <summary>It is not a table.</summary>
    public static readonly ErrorCode NotATable = new(
        "postgres.not_a_table", FailureKind.Environment, "What is named is no table that rows can be read from by place.",
        "Name the table itself, or describe the view's documents with --pg-documents.")
    {
        Steps = ["See what it is: `{pg-client} -c '\\d {--pg-table}'`"],
    };

    /// <summary>No such column.</summary>
    public static readonly ErrorCode NoColumn = new(
        "postgres.no_column", FailureKind.Environment, "The table has no such column.", "Check --pg-key and --pg-updated-column.")
    {
        Steps = ["See which columns there are: `{pg-client} -c '\\d {--pg-table}'`"],
    };

    /// <summary>No key.</summary>
    public static readonly ErrorCode NoKey = new(
        "postgres.no_key", FailureKind.Environment, "The table has no primary key, so its rows have no names.", "Name columns that are unique together with --pg-key.")
    {
        Steps =
        [
            "See which columns and unique indexes there are: `{pg-client} -c '\\d {--pg-table}'`",
            "Name the columns: `--pg-key COLUMN`",
        ],
    };

    /// <summary>The updated column is of no use.</summary>
    public static readonly ErrorCode NotATime = new(
        "postgres.not_a_time", FailureKind.Environment, "The column that is to tell the time of an update is of another type.",
        "Name a column of type timestamptz or timestamp, or leave --pg-updated-column out.")
    {
        Steps = ["See each column's type: `{pg-client} -c '\\d {--pg-table}'`"],
    };

    /// <summary>The server is too old.</summary>
    public static readonly ErrorCode TooOld = new(
        "postgres.too_old", FailureKind.Environment, "The server is older than PostgreSQL 14, the first that reads a table from a place on.", "Upgrade the server.")
    {
        Steps = ["See which release it is: `{pg-client} -c 'SHOW server_version'`"],
    };

    /// <summary>The table was written anew.</summary>
    public static readonly ErrorCode Rewritten = new(
        "postgres.rewritten", FailureKind.Environment, "The table was written anew while it was being read, so that places in it mean other rows.",
        "Run again: this table is then read from its beginning.")
    {
        EndsRun = true,
        Steps = ["Where it happens again, see whether VACUUM FULL or CLUSTER runs: `{pg-client} -c 'SELECT pid,state,wait_event_type,now()-query_start AS since,query FROM pg_stat_activity ORDER BY query_start'`"],
    };

    /// <summary>Any other refusal.</summary>
    public static readonly ErrorCode Refused = new(
        "postgres.refused", FailureKind.Environment, "The server refused a statement.", "The server's own words say why.")
    {
        Steps =
        [
            "See what the table is: `{pg-client} -c '\\d {--pg-table}'`",
            "See the statement that was refused, too: the same command with `--log-level debug`",
        ],
    };

    /// <summary>Logical replication is not possible.</summary>
    public static readonly ErrorCode CannotReplicate = new(
        "postgres.cannot_replicate", FailureKind.Environment, "Changes can't be followed by logical replication.",
        "Do what the message says, or follow by --pg-follow updated-column.")
    {
        Steps =
        [
            "See how the server logs, and how many slots it allows: `{pg-client} -c 'SHOW wal_level' -c 'SHOW max_replication_slots' -c 'SHOW max_wal_senders'`",
            "See which slots there are: `{pg-client} -c 'SELECT slot_name,plugin,database,active FROM pg_replication_slots'`",
            "Or follow without it: `--pg-follow updated-column --pg-updated-column COLUMN`",
        ],
    };

    /// <summary>The source is not as it was when the pass was planned.</summary>
    public static readonly ErrorCode Outdated = new(
        "postgres.outdated", FailureKind.Environment, "What was to be read has changed while it was read: columns of a table, or the replication slot.",
        "Run again: what is there then is read.")
    {
        PlansAnew = true,
        Steps =
        [
            "See which columns there are now: `{pg-client} -c '\\d {--pg-table}'`",
            "See which slots there are: `{pg-client} -c 'SELECT slot_name,active,wal_status FROM pg_replication_slots'`",
        ],
    };

    /// <summary>The slot holds too much back.</summary>
    public static readonly ErrorCode SlotTooLarge = new(
        "postgres.slot_too_large", FailureKind.Environment, "The replication slot held back more than --pg-max-slot-bytes and was dropped.",
        "Run again: everything is copied anew, with a new slot.")
    {
        EndsRun = true,
        Steps =
        [
            "See which slots are left, and what they hold back: `{pg-client} -c 'SELECT slot_name,active,pg_size_pretty(pg_current_wal_lsn()-restart_lsn) FROM pg_replication_slots'`",
            "Allow it more than {--pg-max-slot-bytes}: `--pg-max-slot-bytes 10737418240`",
        ],
    };

    /// <summary>The table was emptied.</summary>
    public static readonly ErrorCode Truncated = new(
        "postgres.truncated", FailureKind.Environment, "The table was emptied by TRUNCATE, and the log does not tell which rows that were.",
        "Run once with --pg-truncate keep to go on, and remove the documents that are left over with 'espipe verify --prune'.")
    {
        EndsRun = true,
        Steps =
        [
            "Go on: the same command with `--pg-truncate keep`",
            "Then see what is left over: the same command as `espipe verify`",
        ],
    };

    /// <summary>The log no longer names the rows.</summary>
    public static readonly ErrorCode IdentityChanged = new(
        "postgres.identity_changed", FailureKind.Environment, "The table's replica identity was changed, so that the log does not tell which rows were changed or deleted.",
        "Give the table an identity with its key, and drop the replication slot: the next run copies everything anew.")
    {
        EndsRun = true,
        Steps =
        [
            "Let it be told by its key again: `{pg-client} -c 'ALTER TABLE {--pg-table} REPLICA IDENTITY DEFAULT'`",
            "See which slot is the job's: `{pg-client} -c 'SELECT slot_name,active FROM pg_replication_slots'`",
        ],
    };

    /// <summary>A whole SELECT can't be followed.</summary>
    public static readonly ErrorCode QueryNotFollowed = new(
        "postgres.query_not_followed", FailureKind.Environment, "A whole SELECT is read once: which of its rows change, nothing tells.",
        "Run it with --mode custom, give a condition on --pg-table instead, or describe the documents with --pg-documents.")
    {
        EndsRun = true,
        Steps = ["Read it once: the same command with `--mode custom`"],
    };

    /// <summary>Rows did not come as they lie.</summary>
    public static readonly ErrorCode OutOfOrder = new(
        "postgres.out_of_order", FailureKind.Environment, "The server gave rows in another order than they lie in, so that nothing would tell which are read.",
        "Read with a whole SELECT as --query, which goes by the key.")
    {
        EndsRun = true,
        Steps =
        [
            "See which extensions there are, of which one may scan tables in its own way: `{pg-client} -c '\\dx'`",
            "Say with which server and which condition it happened: `{pg-client} -c 'SELECT version()'`",
        ],
    };

    /// <summary>The documents' file is wrong.</summary>
    public static readonly ErrorCode BadDocuments = new(
        "postgres.documents", FailureKind.Environment, "The file that describes the documents can't be used.", "Mend the file of --pg-documents.")
    {
        Steps =
        [
            "See what is in it: `cat {--pg-documents}`",
            "See the columns of the tables: `{pg-client} -c '\\d *'`",
        ],
    };
}
