using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.MySql;

/// <summary>Designs a table for documents: from what the source knows of their fields, or from the first of them.</summary>
internal static class TableDesign
{
    private const int LongestIndexedText = 768;
    private const int LongestIndexedBytes = 3072;

    /// <summary>The statement that makes a table of keys and documents.</summary>
    public static string OfDocuments(MySqlServer server, MySqlSinkOptions options)
    {
        var content = options.ContentColumn ?? "content";

        // MySQL's own JSON would round numbers (see NativeJson); MariaDB's is text with this very check.
        var type = server.IsMariaDb
            ? "JSON NOT NULL"
            : $"LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL CHECK (JSON_VALID({SqlText.Name(content)}))";
        return Create(options, $"{KeyOf(server, options)},{SqlText.Name(content)} {type}", KeyName(options));
    }

    /// <summary>The layout of the table that <see cref="OfDocuments"/> makes, as the server would describe it.</summary>
    public static TableLayout LayoutOfDocuments(MySqlServer server, MySqlSinkOptions options)
    {
        var key = KeyColumn(server, options);
        var content = new MySqlColumn(options.ContentColumn ?? "content", "longtext", "longtext") { MaxLength = uint.MaxValue, MaxBytes = uint.MaxValue };
        return new TableLayout(Imagined(options, [key, content]), [key], content);
    }

    /// <summary>The statement that makes a table with a column for each field.</summary>
    /// <param name="server">The server.</param>
    /// <param name="options">Names and the key's type.</param>
    /// <param name="fields">The fields.</param>
    /// <exception cref="PipelineException">A field's name can't be a column's.</exception>
    public static string OfColumns(MySqlServer server, MySqlSinkOptions options, IReadOnlyList<SourceField> fields) => Create(
        options,
        string.Join(',', Beside(options, fields).Select(f => $"{SqlText.Name(f.Path)} {TypeOf(f)} COMMENT '{MySqlColumn.FieldComment}'").Prepend(KeyOf(server, options))),
        KeyName(options));

    /// <summary>The layout of the table that <see cref="OfColumns"/> makes, as the server would describe it.</summary>
    /// <exception cref="PipelineException">A field's name can't be a column's.</exception>
    public static TableLayout LayoutOfColumns(MySqlServer server, MySqlSinkOptions options, IReadOnlyList<SourceField> fields)
    {
        var key = KeyColumn(server, options);
        return new TableLayout(Imagined(options, [key, .. Beside(options, fields).Select(f => ColumnOf(server, f))]), [key], null);
    }

    // The fields that get a column of their own.
    private static SourceField[] Beside(MySqlSinkOptions options, IReadOnlyList<SourceField> fields)
    {
        var key = KeyName(options);
        var columns = fields.Where(f => !f.Path.Equals(key, StringComparison.OrdinalIgnoreCase)).ToArray();
        foreach (var field in columns)
        {
            if (SqlText.MistakeIn(field.Path) is { } mistake)
            {
                throw TableErrors.DoesNotFit.Error(
                    $"The field '{field.Path}' can't be a column: {mistake}", "Rename it with --rename, leave it out with --exclude-fields, or use --db-shape document.");
            }
        }

        if (columns.GroupBy(f => f.Path, StringComparer.OrdinalIgnoreCase).FirstOrDefault(g => g.Count() > 1) is { } alike)
        {
            throw TableErrors.DoesNotFit.Error(
                $"The fields {string.Join(" and ", alike.Select(f => $"'{f.Path}'"))} differ only in case, which columns of a table can't.",
                "Rename one with --rename, or use --db-shape document.");
        }

        return columns;
    }

    private static MySqlTable Imagined(MySqlSinkOptions options, IReadOnlyList<MySqlColumn> columns) =>
        new(options.Database, options.Table, columns, [new MySqlIndex("PRIMARY", IsUnique: true, [columns[0].Name], HasPrefix: false, HasNulls: false)]) { Engine = "InnoDB" };

    private static MySqlColumn KeyColumn(MySqlServer server, MySqlSinkOptions options) => options.KeyType == MySqlKeyType.Text && server.ExactCollation is { } collation
        ? new MySqlColumn(KeyName(options), "varchar", $"varchar({LongestIndexedText})") { MaxLength = LongestIndexedText, MaxBytes = 4 * LongestIndexedText, Collation = collation }
        : new MySqlColumn(KeyName(options), "varbinary", $"varbinary({LongestIndexedBytes})") { MaxLength = LongestIndexedBytes, MaxBytes = LongestIndexedBytes };

    private static string KeyName(MySqlSinkOptions options) => options.Key.Count > 0 ? options.Key[0] : "id";

    private static string KeyOf(MySqlServer server, MySqlSinkOptions options) => SqlText.Name(KeyName(options)) +
        (options.KeyType == MySqlKeyType.Text && server.ExactCollation is { } collation
            ? $" VARCHAR({LongestIndexedText}) CHARACTER SET utf8mb4 COLLATE {collation} NOT NULL"
            : $" VARBINARY({LongestIndexedBytes}) NOT NULL");

    private static string Create(MySqlSinkOptions options, string columns, string key) =>
        $"CREATE TABLE IF NOT EXISTS {SqlText.Name(options.Database)}.{SqlText.Name(options.Table)} ({columns},PRIMARY KEY ({SqlText.Name(key)})) "
        + "ENGINE=InnoDB ROW_FORMAT=DYNAMIC DEFAULT CHARSET=utf8mb4";

    private static string TypeOf(SourceField field) => field.Kind switch
    {
        FieldKind.Boolean => "BOOLEAN",
        FieldKind.Integer when field.NativeType.StartsWith("unsigned", StringComparison.OrdinalIgnoreCase) => "BIGINT UNSIGNED",
        FieldKind.Integer => "BIGINT",
        FieldKind.Double => "DOUBLE",
        FieldKind.Decimal => "DECIMAL(65,30)",
        FieldKind.Timestamp => "DATETIME(6)",
        FieldKind.Binary => "LONGBLOB",
        FieldKind.Keyword or FieldKind.Text when field.MaxLength is > 0 and <= 191 => $"VARCHAR({field.MaxLength}) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        FieldKind.Keyword or FieldKind.Text => "LONGTEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        _ => "JSON",
    } + " NULL";

    // What a server says of a column of TypeOf.
    private static MySqlColumn ColumnOf(MySqlServer server, SourceField field)
    {
        var type = TypeOf(field).Split(' ')[0].ToLowerInvariant();
        var name = type.Split('(')[0];
        var length = name == "varchar" ? field.MaxLength!.Value : name is "longtext" or "longblob" ? uint.MaxValue : 0L;
        var (dataType, fullType) = name switch
        {
            "boolean" => ("tinyint", "tinyint(1)"),
            "bigint" => (name, (server.IsMariaDb ? "bigint(20)" : name) + (TypeOf(field).Contains("UNSIGNED", StringComparison.Ordinal) ? " unsigned" : "")),
            _ => (name, type),
        };
        var column = new MySqlColumn(field.Path, dataType, fullType)
        {
            IsNullable = true,
            IsOptional = true,
            IsField = true,
            Collation = name is "varchar" or "longtext" ? "utf8mb4_bin" : "",
            MaxLength = length,
            MaxBytes = name == "varchar" ? 4 * length : length,
            Precision = name == "decimal" ? 65 : 0,
            Scale = name == "decimal" ? 30 : 0,
            TimePrecision = name == "datetime" ? 6 : 0,
        };

        // MariaDB's JSON is text.
        return name == "json" && server.IsMariaDb
            ? column with { DataType = "longtext", FullType = "longtext", Kind = ColumnKind.Json, Collation = "utf8mb4_bin", MaxLength = uint.MaxValue, MaxBytes = uint.MaxValue }
            : column;
    }
}
