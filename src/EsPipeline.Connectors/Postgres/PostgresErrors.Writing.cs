using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Postgres;

/// <content>What goes wrong in writing.</content>
public static partial class PostgresErrors
{
    /// <summary>The key's column takes the key for another one, whose row is there.</summary>
    public static readonly ErrorCode KeyCollides = new(
        "postgres.key_collides", FailureKind.Permanent,
        "The table holds a row of another key that its key column (citext, or a nondeterministic collation) can't tell from this one.",
        "Make the key column tell all texts apart, or make sure that no two keys of the source differ in case or accents only.")
    {
        Steps =
        [
            "See the type and the collation of the table's key: `{pg-client} -c '\\d {--pg-table}'`",
            "Make it tell all texts apart: `{pg-client} -c 'ALTER TABLE {--pg-table} ALTER COLUMN NAME TYPE text COLLATE \"C\"'`",
            "Write what was set aside: `espipe dead-letters replay`",
        ],
    };

    /// <summary>The key holds NUL.</summary>
    public static readonly ErrorCode Nul = new(
        "postgres.nul", FailureKind.Permanent, "PostgreSQL holds no text with the character NUL.", "Take the character out, or leave the field out.")
    {
        Steps =
        [
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>The document names a field twice.</summary>
    public static readonly ErrorCode NameTwice = new(
        "postgres.name_twice", FailureKind.Permanent, "A document names a field twice in one object, of which jsonb keeps the last one only.",
        "Mend the document at its source, or write it where documents stay the bytes that they are, such as --sink jsonl.")
    {
        Steps =
        [
            "See which others are like it, with nothing written: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>A column would round or cut a value.</summary>
    public static readonly ErrorCode ValueMisfit = new(
        "postgres.value_misfit", FailureKind.Permanent, "A column takes a value only rounded, cut or as another value, so it was not written.",
        "Widen the column's type (numeric, timestamptz, text, jsonb), or change the field before it is copied.")
    {
        Steps =
        [
            "See the types of the columns: `{pg-client} -c '\\d {--pg-table}'`",
            "Widen the one that is named: `{pg-client} -c 'ALTER TABLE {--pg-table} ALTER COLUMN NAME TYPE numeric'`",
            "Write what was set aside: `espipe dead-letters replay`",
        ],
    };

    /// <summary>The document says otherwise what its key is.</summary>
    public static readonly ErrorCode KeyDiffers = new(
        "postgres.key_differs", FailureKind.Permanent, "The document has a field of a key column's name with another value than the record's key.",
        "Name another column with --pg-key, rename the field with --rename, or use the field as key with --id-field.")
    {
        Steps =
        [
            "See the table's key: `{pg-client} -c '\\d {--pg-table}'`",
            "Keep the field under another name: `--rename id=other_id`",
        ],
    };

    /// <summary>The table would keep the key as another.</summary>
    public static readonly ErrorCode BadKey = new(
        "postgres.bad_key", FailureKind.Permanent, "The table's key column writes the record's key in another way (007 as 7), in which it may be another record's.",
        "Make the key column text, or write keys as the column does: whole numbers without zeros before them, UUIDs in small letters.")
    {
        Steps =
        [
            "See the type of the table's key: `{pg-client} -c '\\d {--pg-table}'`",
            "Make it take every key as it is: `{pg-client} -c 'ALTER TABLE {--pg-table} ALTER COLUMN NAME TYPE text'`",
            "Write what was set aside: `espipe dead-letters replay`",
        ],
    };

    /// <summary>A trigger suppressed the row.</summary>
    public static readonly ErrorCode KeptOut = new(
        "postgres.kept_out", FailureKind.Permanent, "A trigger of the table did not let a record in, without an error.",
        "Change the trigger, or write to another table.")
    {
        Steps =
        [
            "See the table's triggers: `{pg-client} -c '\\d {--pg-table}'`",
            "Write what was set aside, once the trigger lets it: `espipe dead-letters replay`",
        ],
    };

    /// <summary>The record is too large.</summary>
    public static readonly ErrorCode TooLarge = new(
        "postgres.too_large", FailureKind.Permanent, "A record is larger than one write may be.", "Leave large fields out with --exclude-fields.")
    {
        Steps =
        [
            "See which others are too large, with their sizes: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>The server refused a record's content.</summary>
    public static readonly ErrorCode Rejected = new(
        "postgres.rejected", FailureKind.Permanent, "The server refused what a record holds.", "The server's own words say why.")
    {
        Steps =
        [
            "See the types and the constraints of the table: `{pg-client} -c '\\d {--pg-table}'`",
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
        ],
    };

    /// <summary>The record has a field without a column.</summary>
    public static readonly ErrorCode UnknownField = new(
        "postgres.unknown_field", FailureKind.Permanent, "A record has a field for which the table has no column.",
        "Add the column, leave the field out with --exclude-fields, or write documents (--pg-shape document).")
    {
        Steps =
        [
            "See which columns there are: `{pg-client} -c '\\d {--pg-table}'`",
            "Add one: `{pg-client} -c 'ALTER TABLE {--pg-table} ADD COLUMN NAME jsonb'`",
        ],
    };

    /// <summary>The disk is full.</summary>
    public static readonly ErrorCode DiskFull = new(
        "postgres.disk_full", FailureKind.Environment, "The server's disk is full.", "Make room, then run again: it goes on where it was.")
    {
        Steps =
        [
            "See how large the databases are, and where they lie: `{pg-client} -c 'SELECT datname,pg_size_pretty(pg_database_size(datname)) FROM pg_database' -c 'SHOW data_directory'`",
            "See whether replication slots hold back the log: `{pg-client} -c 'SELECT slot_name,active,pg_size_pretty(pg_current_wal_lsn()-restart_lsn) FROM pg_replication_slots'`",
        ],
    };

    /// <summary>The server is busy, starting or stopping.</summary>
    public static readonly ErrorCode Unavailable = new(
        "postgres.unavailable", FailureKind.Transient, "The server can't do this now.", "The server's own words say why.")
    {
        Steps =
        [
            "See whether it takes connections: `pg_isready {pg-server}`",
            "See what it is busy with: `{pg-client} -c 'SELECT pid,state,wait_event_type,now()-query_start AS since,query FROM pg_stat_activity ORDER BY query_start'`",
        ],
    };

    /// <summary>The table does not fit.</summary>
    public static readonly ErrorCode TableMisfit = new(
        "postgres.table_misfit", FailureKind.Environment, "The table that is to be written to is not made for it.",
        "Change the table, name another one with --pg-table, or choose --pg-shape.")
    {
        Steps =
        [
            "See what the table is: `{pg-client} -c '\\d {--pg-table}'`",
            "See what else would be refused, with nothing written: the same command as `espipe plan`",
        ],
    };
}
