using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Postgres;

/// <summary>What can go wrong with a PostgreSQL server.</summary>
public static class PostgresErrors
{
    /// <summary>No connection, or one that broke.</summary>
    public static readonly ErrorCode Unreachable = new(
        "postgres.unreachable", FailureKind.Transient, "The server could not be reached, or the connection broke.",
        "Check --pg-url (or PG_HOST and PG_PORT), and that the server runs.");

    /// <summary>No answer in time.</summary>
    public static readonly ErrorCode Timeout = new(
        "postgres.timeout", FailureKind.Transient, "The server did not answer in time.", "Check the server's load and its locks (pg_stat_activity).");

    /// <summary>TLS.</summary>
    public static readonly ErrorCode Tls = new(
        "postgres.tls", FailureKind.Environment, "No trusted TLS connection could be made.",
        "Give the authority's certificate with --pg-ca, or choose another --pg-sslmode if the network is trusted.");

    /// <summary>Wrong credentials.</summary>
    public static readonly ErrorCode Unauthorized = new(
        "postgres.auth", FailureKind.Environment, "The server did not accept the user and password.", "Check PG_USER and PG_PASSWORD, and the server's pg_hba.conf.");

    /// <summary>No such database.</summary>
    public static readonly ErrorCode NoDatabase = new(
        "postgres.no_database", FailureKind.Environment, "There is no such database.", "Check PG_DATABASE.");

    /// <summary>A right is missing.</summary>
    public static readonly ErrorCode Forbidden = new(
        "postgres.forbidden", FailureKind.Environment, "The user may not do this.", "Grant the right that is named, or use another user.");

    /// <summary>No such table.</summary>
    public static readonly ErrorCode NoTable = new(
        "postgres.no_table", FailureKind.Environment, "There is no such table.", "Check --pg-table; a name in another schema is written schema.name.");

    /// <summary>It is not a table.</summary>
    public static readonly ErrorCode NotATable = new(
        "postgres.not_a_table", FailureKind.Environment, "What is named is no table that rows can be read from by place.",
        "Name the table itself, or describe the view's documents with --pg-documents.");

    /// <summary>No such column.</summary>
    public static readonly ErrorCode NoColumn = new(
        "postgres.no_column", FailureKind.Environment, "The table has no such column.", "Check --pg-key and --pg-updated-column.");

    /// <summary>No key.</summary>
    public static readonly ErrorCode NoKey = new(
        "postgres.no_key", FailureKind.Environment, "The table has no primary key, so its rows have no names.", "Name columns that are unique together with --pg-key.");

    /// <summary>The updated column is of no use.</summary>
    public static readonly ErrorCode NotATime = new(
        "postgres.not_a_time", FailureKind.Environment, "The column that is to tell the time of an update is of another type.",
        "Name a column of type timestamptz or timestamp, or leave --pg-updated-column out.");

    /// <summary>The server is too old.</summary>
    public static readonly ErrorCode TooOld = new(
        "postgres.too_old", FailureKind.Environment, "The server is older than PostgreSQL 14, the first that reads a table from a place on.", "Upgrade the server.");

    /// <summary>The table was written anew.</summary>
    public static readonly ErrorCode Rewritten = new(
        "postgres.rewritten", FailureKind.Environment, "The table was written anew while it was being read, so that places in it mean other rows.",
        "Run again: this table is then read from its beginning.")
    {
        EndsRun = true,
    };

    /// <summary>A row without a key.</summary>
    public static readonly ErrorCode NullKey = new(
        "postgres.null_key", FailureKind.Permanent, "A row's key is null or empty.", "Give the row a key, or choose other columns with --pg-key.");

    /// <summary>A content column without a document.</summary>
    public static readonly ErrorCode NotADocument = new(
        "postgres.not_a_document", FailureKind.Permanent, "A row's content is null or no JSON object.", "Mend the row, or read the table with --pg-shape columns.");

    /// <summary>Text that is not UTF-8.</summary>
    public static readonly ErrorCode NotUtf8 = new(
        "postgres.not_utf8", FailureKind.Permanent, "A row of a SQL_ASCII database holds text that is not UTF-8.", "Mend the row's text.");

    /// <summary>A column would round or cut a value.</summary>
    public static readonly ErrorCode ValueMisfit = new(
        "postgres.value_misfit", FailureKind.Permanent, "A column takes a value only rounded, cut or as another value, so it was not written.",
        "Widen the column's type (numeric, timestamptz, text, jsonb), or change the field before it is copied.");

    /// <summary>The document says otherwise what its key is.</summary>
    public static readonly ErrorCode KeyDiffers = new(
        "postgres.key_differs", FailureKind.Permanent, "The document has a field of a key column's name with another value than the record's key.",
        "Name another column with --pg-key, rename the field with --rename, or use the field as key with --id-field.");

    /// <summary>The key holds NUL.</summary>
    public static readonly ErrorCode Nul = new(
        "postgres.nul", FailureKind.Permanent, "PostgreSQL holds no text with the character NUL.", "Take the character out, or leave the field out.");

    /// <summary>The record is too large.</summary>
    public static readonly ErrorCode TooLarge = new(
        "postgres.too_large", FailureKind.Permanent, "A record is larger than one write may be.", "Leave large fields out with --exclude-fields.");

    /// <summary>The server refused a record's content.</summary>
    public static readonly ErrorCode Rejected = new(
        "postgres.rejected", FailureKind.Permanent, "The server refused what a record holds.", "The server's own words say why.");

    /// <summary>The record has a field without a column.</summary>
    public static readonly ErrorCode UnknownField = new(
        "postgres.unknown_field", FailureKind.Permanent, "A record has a field for which the table has no column.",
        "Add the column, leave the field out with --exclude-fields, or write documents (--pg-shape document).");

    /// <summary>The disk is full.</summary>
    public static readonly ErrorCode DiskFull = new(
        "postgres.disk_full", FailureKind.Environment, "The server's disk is full.", "Make room, then run again: it goes on where it was.");

    /// <summary>The server is busy, starting or stopping.</summary>
    public static readonly ErrorCode Unavailable = new(
        "postgres.unavailable", FailureKind.Transient, "The server can't do this now.", "The server's own words say why.");

    /// <summary>The table does not fit.</summary>
    public static readonly ErrorCode TableMisfit = new(
        "postgres.table_misfit", FailureKind.Environment, "The table that is to be written to is not made for it.",
        "Change the table, name another one with --pg-table, or choose --pg-shape.");

    /// <summary>Any other refusal.</summary>
    public static readonly ErrorCode Refused = new(
        "postgres.refused", FailureKind.Environment, "The server refused a statement.", "The server's own words say why.");

    /// <summary>Logical replication is not possible.</summary>
    public static readonly ErrorCode CannotReplicate = new(
        "postgres.cannot_replicate", FailureKind.Environment, "Changes can't be followed by logical replication.",
        "Do what the message says, or follow by --pg-follow updated-column.");

    /// <summary>The slot holds too much back.</summary>
    public static readonly ErrorCode SlotTooLarge = new(
        "postgres.slot_too_large", FailureKind.Environment, "The replication slot held back more than --pg-max-slot-bytes and was dropped.",
        "Run again: everything is copied anew, with a new slot.")
    {
        EndsRun = true,
    };

    /// <summary>The table was emptied.</summary>
    public static readonly ErrorCode Truncated = new(
        "postgres.truncated", FailureKind.Environment, "The table was emptied by TRUNCATE, and the log does not tell which rows that were.",
        "Run once with --pg-truncate keep to go on, and remove the documents that are left over with 'espipe verify --prune'.")
    {
        EndsRun = true,
    };

    /// <summary>The log no longer names the rows.</summary>
    public static readonly ErrorCode IdentityChanged = new(
        "postgres.identity_changed", FailureKind.Environment, "The table's replica identity was changed, so that the log does not tell which rows were changed or deleted.",
        "Give the table an identity with its key, and drop the replication slot: the next run copies everything anew.")
    {
        EndsRun = true,
    };

    /// <summary>A whole SELECT can't be followed.</summary>
    public static readonly ErrorCode QueryNotFollowed = new(
        "postgres.query_not_followed", FailureKind.Environment, "A whole SELECT is read once: which of its rows change, nothing tells.",
        "Run it with --mode custom, give a condition on --pg-table instead, or describe the documents with --pg-documents.")
    {
        EndsRun = true,
    };

    /// <summary>The documents' file is wrong.</summary>
    public static readonly ErrorCode BadDocuments = new(
        "postgres.documents", FailureKind.Environment, "The file that describes the documents can't be used.", "Mend the file of --pg-documents.");
}
