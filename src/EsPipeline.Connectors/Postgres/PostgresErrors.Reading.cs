using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Postgres;

/// <content>What is wrong with single rows that are read.</content>
public static partial class PostgresErrors
{
    /// <summary>A row without a key.</summary>
    public static readonly ErrorCode NullKey = new(
        "postgres.null_key", FailureKind.Permanent, "A row's key is null or empty.", "Give the row a key, or choose other columns with --pg-key.")
    {
        Steps = ["See the columns of the table, now {--pg-key} being the key: `{pg-client} -c '\\d {--pg-table}'`"],
    };

    /// <summary>Two rows with one key.</summary>
    public static readonly ErrorCode KeyTwice = new(
        "postgres.key_twice", FailureKind.Permanent, "Two rows have one key, and of documents with one key only one can stay.",
        "Let each key have one row: by GROUP BY or DISTINCT ON in the SELECT of --pg-documents, or by a unique index on the table.")
    {
        Steps =
        [
            "See how the documents are selected: `cat {--pg-documents}`",
            "See the table's indexes, and which tables inherit from it: `{pg-client} -c '\\d+ {--pg-table}'`",
        ],
    };

    /// <summary>JSON that is nested too deep.</summary>
    public static readonly ErrorCode TooDeep = new(
        "postgres.too_deep", FailureKind.Permanent, "A row's JSON is nested deeper than a document may be.", "Mend the row, or leave its column out with --query.")
    {
        Steps = ["See how long the values of the column are: `{pg-client} -c 'SELECT *,length(COLUMN::text) FROM {--pg-table} ORDER BY length(COLUMN::text) DESC LIMIT 10'`"],
    };

    /// <summary>A content column without a document.</summary>
    public static readonly ErrorCode NotADocument = new(
        "postgres.not_a_document", FailureKind.Permanent, "A row's content is null or no JSON object.", "Mend the row, or read the table with --pg-shape columns.")
    {
        Steps =
        [
            "See such rows: `{pg-client} -c 'SELECT * FROM {--pg-table} WHERE jsonb_typeof(content::jsonb) IS DISTINCT FROM $$object$$ LIMIT 10'`",
            "Or copy the rows as they are: `--pg-shape columns`",
        ],
    };

    /// <summary>Text that is not UTF-8.</summary>
    public static readonly ErrorCode NotUtf8 = new(
        "postgres.not_utf8", FailureKind.Permanent, "A row of a SQL_ASCII database holds text that is not UTF-8.", "Mend the row's text.")
    {
        Steps = ["See the database's encoding: `{pg-client} -c 'SHOW server_encoding'`"],
    };
}
