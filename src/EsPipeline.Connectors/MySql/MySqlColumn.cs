using System.Globalization;

namespace EsPipeline.Connectors.MySql;

/// <summary>What a column holds, as far as reading and writing differ.</summary>
internal enum ColumnKind
{
    /// <summary>A whole number.</summary>
    Integer,

    /// <summary>DECIMAL.</summary>
    Decimal,

    /// <summary>FLOAT.</summary>
    Float,

    /// <summary>DOUBLE.</summary>
    Double,

    /// <summary>BIT.</summary>
    Bit,

    /// <summary>Characters.</summary>
    Text,

    /// <summary>Bytes.</summary>
    Bytes,

    /// <summary>The server's JSON type, MariaDB's included.</summary>
    Json,

    /// <summary>DATE.</summary>
    Date,

    /// <summary>DATETIME or TIMESTAMP.</summary>
    Timestamp,

    /// <summary>TIME.</summary>
    Time,

    /// <summary>YEAR.</summary>
    Year,

    /// <summary>ENUM.</summary>
    Enum,

    /// <summary>SET.</summary>
    Set,

    /// <summary>A shape on a plane or on the earth.</summary>
    Geometry,

    /// <summary>A type with a text form that the server checks, such as UUID or INET6.</summary>
    Other,
}

/// <summary>A column of a table, as <c>information_schema.COLUMNS</c> describes it.</summary>
/// <param name="Name">Its name.</param>
/// <param name="DataType">The type's name: <c>varchar</c>.</param>
/// <param name="FullType">The type as declared: <c>varchar(64)</c>, <c>enum('a','b')</c>.</param>
internal sealed record MySqlColumn(string Name, string DataType, string FullType)
{
    /// <summary>The comment of a column that espipe has made for a field.</summary>
    public const string FieldComment = "a field of the documents (espipe)";

    /// <summary>The columns that <see cref="Of"/> expects, in its order.</summary>
    public const string Question =
        "COLUMN_NAME,DATA_TYPE,COLUMN_TYPE,IS_NULLABLE,COLUMN_DEFAULT,EXTRA,COLLATION_NAME,CHARACTER_MAXIMUM_LENGTH,CHARACTER_OCTET_LENGTH,"
        + "NUMERIC_PRECISION,NUMERIC_SCALE,DATETIME_PRECISION,COLUMN_COMMENT";

    /// <summary>What it holds.</summary>
    public ColumnKind Kind { get; init; } = KindOf(DataType);

    /// <summary>True where it may be NULL.</summary>
    public bool IsNullable { get; init; }

    /// <summary>True where a row may be inserted without naming it.</summary>
    public bool IsOptional { get; init; }

    /// <summary>True where espipe has made it for a field: it belongs to the documents, whether or not they have the field now.</summary>
    public bool IsField { get; init; }

    /// <summary>True where the server computes it.</summary>
    public bool IsGenerated { get; init; }

    /// <summary>The collation; empty where it holds no text.</summary>
    public string Collation { get; init; } = "";

    /// <summary>The most characters of a text, the most bytes of bytes; 0 where it does not apply.</summary>
    public long MaxLength { get; init; }

    /// <summary>The most bytes of a text; 0 where it does not apply.</summary>
    public long MaxBytes { get; init; }

    /// <summary>The number of digits of a DECIMAL, the number of bits of a BIT.</summary>
    public int Precision { get; init; }

    /// <summary>True for FLOAT(M,D) and DOUBLE(M,D), which round without a word.</summary>
    public bool HasFixedPoint => Kind is ColumnKind.Float or ColumnKind.Double && FullType.Contains(',', StringComparison.Ordinal);

    /// <summary>The number of digits behind the point of a DECIMAL, and where <see cref="HasFixedPoint"/>.</summary>
    public int Scale { get; init; }

    /// <summary>The number of digits behind the point of a second.</summary>
    public int TimePrecision { get; init; }

    /// <summary>True for a number without a sign.</summary>
    public bool IsUnsigned => FullType.Contains("unsigned", StringComparison.OrdinalIgnoreCase);

    /// <summary>True for a number that is read with zeros before it.</summary>
    public bool IsZeroFilled => FullType.Contains("zerofill", StringComparison.OrdinalIgnoreCase);

    /// <summary>True where the column gives two values apart whenever a single byte differs: no folding of case or accents, no padding with blanks.</summary>
    public bool TellsBytesApart => DataType is "varbinary" or "binary" or "varchar" && (Kind == ColumnKind.Bytes
        || Collation.EndsWith("_nopad_bin", StringComparison.Ordinal) || Collation.EndsWith("_0900_bin", StringComparison.Ordinal));

    /// <summary>True for the types that may hold a JSON document.</summary>
    public bool CanHoldDocuments => Kind == ColumnKind.Json || DataType is "text" or "mediumtext" or "longtext" or "blob" or "mediumblob" or "longblob";

    /// <summary>True for JSON of MySQL's own, which keeps numbers as doubles; MariaDB's JSON keeps the text.</summary>
    public bool IsNativeJson => DataType == "json";

    /// <summary>Its name between backticks.</summary>
    public string Quoted => SqlText.Name(Name);

    /// <summary>Reads a row of <see cref="Question"/>.</summary>
    public static MySqlColumn Of(string?[] row)
    {
        var (dataType, extra) = (row[1]!.ToLowerInvariant(), row[5] ?? "");
        var isGenerated = extra.Contains("VIRTUAL GENERATED", StringComparison.OrdinalIgnoreCase)
            || extra.Contains("STORED GENERATED", StringComparison.OrdinalIgnoreCase);
        return new MySqlColumn(row[0]!, dataType, row[2]!)
        {
            IsNullable = row[3] == "YES",
            IsOptional = row[3] == "YES" || row[4] is not null || isGenerated || extra.Contains("auto_increment", StringComparison.OrdinalIgnoreCase)
                || extra.Contains("DEFAULT_GENERATED", StringComparison.OrdinalIgnoreCase),
            IsGenerated = isGenerated,
            Collation = row[6] ?? "",
            MaxLength = Number(row[7]),
            MaxBytes = Number(row[8]),
            Precision = (int)Number(row[9]),
            Scale = (int)Number(row[10]),
            TimePrecision = (int)Number(row[11]),
            IsField = row[12] == FieldComment,
        };
    }

    private static long Number(string? text) => text is null ? 0 : long.Parse(text, CultureInfo.InvariantCulture);

    private static ColumnKind KindOf(string dataType) => dataType switch
    {
        "tinyint" or "smallint" or "mediumint" or "int" or "bigint" => ColumnKind.Integer,
        "decimal" or "numeric" => ColumnKind.Decimal,
        "float" => ColumnKind.Float,
        "double" or "real" => ColumnKind.Double,
        "bit" => ColumnKind.Bit,
        "char" or "varchar" or "tinytext" or "text" or "mediumtext" or "longtext" => ColumnKind.Text,
        "binary" or "varbinary" or "tinyblob" or "blob" or "mediumblob" or "longblob" => ColumnKind.Bytes,
        "json" => ColumnKind.Json,
        "date" => ColumnKind.Date,
        "datetime" or "timestamp" => ColumnKind.Timestamp,
        "time" => ColumnKind.Time,
        "year" => ColumnKind.Year,
        "enum" => ColumnKind.Enum,
        "set" => ColumnKind.Set,
        "geometry" or "point" or "linestring" or "polygon" or "multipoint" or "multilinestring" or "multipolygon" or "geometrycollection"
            or "geomcollection" => ColumnKind.Geometry,
        _ => ColumnKind.Other,
    };
}
