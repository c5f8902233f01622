using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>What can be wrong with a table, a query or a record.</summary>
public static class TableErrors
{
    /// <summary>The table is missing.</summary>
    public static readonly ErrorCode NoTable = new(
        "mysql.no_table", FailureKind.Environment, "The table is not there.", "Check --db-name and --db-table.")
    {
        Steps = ["See which tables are there: `{db-client} -e 'SHOW TABLES FROM {db-name}'`"],
    };

    /// <summary>The table does not fit.</summary>
    public static readonly ErrorCode DoesNotFit = new(
        "mysql.table_does_not_fit", FailureKind.Environment, "The table exists and can't hold these documents.",
        "Change the table, choose another with --db-table, or another --db-shape.")
    {
        Steps = ["See how the table is made: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>There is no key to read or write by.</summary>
    public static readonly ErrorCode NoKey = new(
        "mysql.no_key", FailureKind.Environment, "The table has no primary key, so that its rows can't be told apart.",
        "Name columns with a unique index and without NULL with --db-key, or give the table a primary key.")
    {
        Steps = ["See which indexes it has: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>A column is missing.</summary>
    public static readonly ErrorCode NoColumn = new(
        "mysql.no_column", FailureKind.Environment, "A column that an option names is not there.", "Check the name.")
    {
        Steps = ["See which columns it has: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>The table was changed while it was used.</summary>
    public static readonly ErrorCode Changed = new(
        "mysql.table_changed", FailureKind.Environment, "The table is not any more as it was when the run began.", "Start the run again.")
    {
        Steps = ["See how the table is now: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>The query can't be used.</summary>
    public static readonly ErrorCode BadQuery = new(
        "mysql.query", FailureKind.Environment, "The query can't be used.", "Give one SELECT statement that the server understands.")
    {
        Steps = ["See what the server says to the query itself: `{db-client} {--db-name}`"],
    };

    /// <summary>Changes can't be seen.</summary>
    public static readonly ErrorCode CannotFollow = new(
        "mysql.cannot_follow", FailureKind.Environment, "Changes can't be seen without a column that says when a row was changed.",
        "Name it with --db-updated-column, or use --mode full-sync.")
    {
        Steps = ["See which columns hold times: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>A time was asked for, and there is no column of times.</summary>
    public static readonly ErrorCode CannotSelect = new(
        "mysql.cannot_select", FailureKind.Environment, "--since and --until need a column of times, and so does a first --mode single, which takes the last 5 minutes.",
        "Name it with --db-updated-column or --timestamp-field; with --match-all a first --mode single takes everything.")
    {
        Steps = ["See which columns hold times: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>The times of DATETIME columns are not UTC.</summary>
    public static readonly ErrorCode LocalTimes = new(
        "mysql.local_times", FailureKind.Environment,
        "The column of times is a DATETIME, the server's time zone is not UTC, and so its times may lie hours away from the truth.",
        "Use a TIMESTAMP column, or --db-utc-times where the column does hold UTC.")
    {
        Steps = ["See the server's time zone and now: `{db-client} -e 'SELECT @@global.time_zone,@@system_time_zone,NOW(),UTC_TIMESTAMP()'`"],
    };

    /// <summary>Something for this record is too large for a packet.</summary>
    public static readonly ErrorCode PacketTooLarge = new(
        "mysql.packet_too_large", FailureKind.Permanent, "The record is larger than max_allowed_packet lets a statement be.",
        "Raise max_allowed_packet on the server.")
    {
        Steps = ["See the limit, then raise it in the server's configuration: `{db-client} -e \"SHOW GLOBAL VARIABLES LIKE 'max_allowed_packet'\"`"],
    };

    /// <summary>Too long.</summary>
    public static readonly ErrorCode TooLong = new(
        "mysql.too_long", FailureKind.Permanent, "A value is longer than its column.", "Make the column longer, or leave the field out with --exclude-fields.")
    {
        Steps = ["See how long the column may be: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>Out of range.</summary>
    public static readonly ErrorCode OutOfRange = new(
        "mysql.out_of_range", FailureKind.Permanent, "A number or a time is beyond what its column can hold.", "Give the column a larger type.")
    {
        Steps = ["See the column's type: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>Digits would be lost.</summary>
    public static readonly ErrorCode Inexact = new(
        "mysql.inexact", FailureKind.Permanent, "A number or a time has more digits than its column can hold, and rounding would change it.",
        "Give the column a type with more digits, such as DECIMAL or DATETIME(6); for JSON on MySQL, LONGTEXT.")
    {
        Steps = ["See the column's type: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>The wrong type.</summary>
    public static readonly ErrorCode WrongType = new(
        "mysql.wrong_type", FailureKind.Permanent, "A value is not of its column's type.", "Give the column another type, or mend the document at the source.")
    {
        Steps = ["See the column's type: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>No column for a field.</summary>
    public static readonly ErrorCode UnknownField = new(
        "mysql.unknown_field", FailureKind.Permanent, "A document has a field for which the table has no column.",
        "Add the column, or leave the field out with --exclude-fields or --fields.")
    {
        Steps = ["See which columns there are: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>Not JSON for the server.</summary>
    public static readonly ErrorCode InvalidJson = new(
        "mysql.invalid_json", FailureKind.Permanent, "The server does not take the document as JSON; MariaDB takes at most 32 levels.",
        "Make the column LONGTEXT without a check, or mend the document at the source.")
    {
        Steps = ["See the column's type and check: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>A rule of the table.</summary>
    public static readonly ErrorCode Constraint = new(
        "mysql.constraint", FailureKind.Permanent, "A rule of the table (NOT NULL, CHECK, a foreign key, a trigger) forbids the row.",
        "Mend the document at the source, or change the table's rule.")
    {
        Steps = ["See the table's rules: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>A row that the table can't tell from another, or that shares a unique value with another.</summary>
    public static readonly ErrorCode Collides = new(
        "mysql.key_collides", FailureKind.Permanent,
        "The table already holds another row that its key column's collation can't tell from this one, or that has the same value in another unique index.",
        "Give the key column a binary collation, such as utf8mb4_nopad_bin or utf8mb4_0900_bin, or remove the other unique index.")
    {
        Steps = ["See the key's collation and the other indexes: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>The key can't be stored.</summary>
    public static readonly ErrorCode BadKey = new(
        "mysql.bad_key", FailureKind.Permanent, "The record's key can't be held by the key column.",
        "Give the key column another type, such as VARBINARY(3072), which holds any key of up to that many bytes.")
    {
        Steps = ["See the key column's type: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>Two values for one column.</summary>
    public static readonly ErrorCode KeyDiffers = new(
        "mysql.key_differs", FailureKind.Permanent, "The document has a field of the key column's name with another value than the record's key.",
        "Name another column with --db-key, rename the field with --rename, or use the field as key with --id-field.")
    {
        Steps = ["See which column is the key: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>The server refused the values for another reason.</summary>
    public static readonly ErrorCode Refused = new(
        "mysql.refused", FailureKind.Permanent, "The server refuses the record's values.", "The message is the server's own.")
    {
        Steps = ["See the table's rules and triggers: `{db-client} -e 'SHOW CREATE TABLE {db-table}; SHOW TRIGGERS FROM {db-name}'`"],
    };

    /// <summary>A row that is no document.</summary>
    public static readonly ErrorCode NotADocument = new(
        "mysql.not_a_document", FailureKind.Permanent, "The row's content is not one JSON object.",
        "Mend the row; where the column does not hold JSON documents, use --db-shape columns.")
    {
        Steps = ["See which column holds the documents: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>A row whose bytes are no text.</summary>
    public static readonly ErrorCode NotUtf8 = new(
        "mysql.not_utf8", FailureKind.Permanent, "A row's text is not valid UTF-8.", "Mend the row at the source.")
    {
        Steps = ["See the columns' character sets: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>A row without a key.</summary>
    public static readonly ErrorCode EmptyKey = new(
        "mysql.empty_key", FailureKind.Permanent, "A row's key is empty or NULL.", "Mend the row, or choose another key with --db-key.")
    {
        Steps = ["See which columns may be NULL: `{db-client} -e 'SHOW CREATE TABLE {db-table}'`"],
    };

    /// <summary>Two rows of a query with one key.</summary>
    public static readonly ErrorCode DuplicateKey = new(
        "mysql.duplicate_key", FailureKind.Permanent, "Two rows of the query have the same key.", "Choose columns with --db-key that differ from row to row.")
    {
        Steps = ["Count the rows of each key in the query, GROUP BY the key HAVING COUNT(*)>1: `{db-client} {--db-name}`"],
    };
}
