using System.Text;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Designs a table for documents: a key and a document, or a column for each field.</summary>
internal static class NewTable
{
    // NAMEDATALEN - 1: the server cuts a longer name, and then it is another field's.
    private const int MostNameBytes = 63;

    /// <summary>The statement that makes a table of keys and documents.</summary>
    /// <param name="name">The table's name, quoted for SQL.</param>
    /// <param name="key">The column of the key.</param>
    public static string OfDocuments(string name, string key) => $"CREATE TABLE IF NOT EXISTS {name} ({KeyColumn(key)}, {RowFormat.ContentColumn} jsonb NOT NULL)";

    /// <summary>The statement that makes a table with a column for each field.</summary>
    /// <param name="name">The table's name, quoted for SQL.</param>
    /// <param name="key">The column of the key.</param>
    /// <param name="fields">The fields; one of the key's name is the key.</param>
    /// <exception cref="Core.Errors.PipelineException">A field's name can't be a column's.</exception>
    public static string OfColumns(string name, string key, IReadOnlyList<SourceField> fields)
    {
        var columns = fields.Where(f => f.Path != key).ToArray();
        foreach (var field in columns)
        {
            if (MistakeIn(field.Path) is { } mistake)
            {
                throw PostgresErrors.TableMisfit.Error(
                    $"The field '{field.Path}' can't be a column: {mistake}", "Rename it with --rename, leave it out with --exclude-fields, or use --pg-shape document.");
            }
        }

        // The comments tell later runs which columns are the documents'.
        return string.Join("; ", columns.Select(f => $"COMMENT ON COLUMN {name}.{SqlText.Name(f.Path)} IS {SqlText.Literal(KnownFields.Comment)}").Prepend(
            $"CREATE TABLE IF NOT EXISTS {name} ({string.Join(", ", columns.Select(f => $"{SqlText.Name(f.Path)} {TypeOf(f)}").Prepend(KeyColumn(key)))})"));
    }

    /// <summary>
    /// What a field holds, from what the source says of it and from the first documents: a type that takes their values as they are, since an
    /// index takes a list, or a number as a text, for any of its fields.
    /// </summary>
    /// <param name="named">The source's word.</param>
    /// <param name="found">The documents'; null where none has the field.</param>
    public static SourceField Settle(SourceField named, SourceField? found)
    {
        var hasNumbers = named.Format?.Contains("epoch", StringComparison.Ordinal) == true;
        var kind = (named.Kind, found?.Kind ?? FieldKind.Unknown) switch
        {
            (FieldKind.Unknown, var seen) => seen,
            (FieldKind.Timestamp, FieldKind.Unknown) when hasNumbers => FieldKind.Json,
            (FieldKind.Timestamp, FieldKind.Text or FieldKind.Unknown) when !TimeFormat.IsIso(named.Format) => hasNumbers ? FieldKind.Json : FieldKind.Text,
            (var said, FieldKind.Unknown) => said,
            (FieldKind.Timestamp or FieldKind.Keyword or FieldKind.Text or FieldKind.Binary, FieldKind.Text) => named.Kind,
            (FieldKind.Double or FieldKind.Decimal, FieldKind.Integer or FieldKind.Double) => named.Kind,
            (FieldKind.Integer, FieldKind.Double) => FieldKind.Double,
            var (said, seen) when said == seen => said,
            _ => FieldKind.Json,
        };
        return named with { Kind = kind };
    }

    /// <summary>Why a field's name can't be a column's; null where it can.</summary>
    public static string? MistakeIn(string name) =>
        name.Length == 0 ? "it has no name."
        : name.Contains('\0', StringComparison.Ordinal) ? "its name holds the character NUL."
        : Encoding.UTF8.GetByteCount(name) > MostNameBytes ? $"PostgreSQL cuts names after {MostNameBytes} bytes."
        : null;

    private static string KeyColumn(string key) => $"{SqlText.Name(key)} text COLLATE \"C\" PRIMARY KEY";

    // numeric for every number that is not whole: double precision would round some.
    private static string TypeOf(SourceField field) => field.Kind switch
    {
        FieldKind.Boolean => "boolean",
        FieldKind.Integer => field.NativeType.StartsWith("unsigned", StringComparison.OrdinalIgnoreCase) || field.NativeType.EndsWith("unsigned", StringComparison.OrdinalIgnoreCase) ? "numeric" : "bigint",
        FieldKind.Double or FieldKind.Decimal => "numeric",
        FieldKind.Timestamp when field.NativeType.StartsWith("datetime", StringComparison.OrdinalIgnoreCase) || field.NativeType == "timestamp without time zone" => "timestamp",
        FieldKind.Timestamp when TimeFormat.IsDay(field.Format) => "date",
        FieldKind.Timestamp => "timestamptz",
        FieldKind.Keyword or FieldKind.Text or FieldKind.Binary => "text",
        _ => "jsonb",
    };
}
