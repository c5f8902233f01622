namespace EsPipeline.Connectors.MySql;

/// <summary>
/// The INSERT of a table: rows that are there are replaced, or left as they are. Never REPLACE, which deletes and inserts, and never INSERT
/// IGNORE, which turns every error into a warning.
/// </summary>
internal sealed class InsertStatement
{
    /// <param name="server">Whose dialect it is.</param>
    /// <param name="table">The table.</param>
    /// <param name="columns">The columns that rows have values for, the key among them.</param>
    /// <param name="key">The key column.</param>
    /// <param name="write">What becomes of rows that are there.</param>
    /// <param name="guarded">
    /// True where the row that is in the way may be another one, because of the key's collation or of another unique index: it is then left
    /// alone, and whether the record got its row has to be asked.
    /// </param>
    public InsertStatement(MySqlServer server, MySqlTable table, IReadOnlyList<MySqlColumn> columns, MySqlColumn key, MySqlWrite write, bool guarded)
    {
        var alias = server.HasRowAlias ? " AS `new row`" : "";
        string New(MySqlColumn column) => server.HasRowAlias ? $"`new row`.{column.Quoted}" : $"VALUES({column.Quoted})";
        string Old(MySqlColumn column) => $"{table.Quoted}.{column.Quoted}";

        var others = columns.Where(c => c != key).ToArray();
        var changes = write == MySqlWrite.InsertIgnore || others.Length == 0
            ? $"{key.Quoted}={Old(key)}"
            : string.Join(',', others.Select(c => guarded
                ? $"{c.Quoted}=IF({Exact(Old(key), key)}={Exact(New(key), key)},{New(c)},{Old(c)})"
                : $"{c.Quoted}={New(c)}"));
        Columns = columns;
        IsBytes = [.. columns.Select(c => c.Kind is ColumnKind.Bytes or ColumnKind.Bit)];
        Head = $"INSERT INTO {table.Quoted} ({string.Join(',', columns.Select(c => c.Quoted))}) VALUES ";
        Tail = $"{alias} ON DUPLICATE KEY UPDATE {changes}";
        Prepared = $"{Head}({string.Join(',', columns.Select(_ => '?'))}){Tail}";
    }

    /// <summary>The columns in the order of a row's values.</summary>
    public IReadOnlyList<MySqlColumn> Columns { get; }

    /// <summary>Which columns are sent as bytes.</summary>
    public bool[] IsBytes { get; }

    /// <summary>What stands before the first row.</summary>
    public string Head { get; }

    /// <summary>What stands behind the last row.</summary>
    public string Tail { get; }

    /// <summary>The whole for one row, with question marks.</summary>
    public string Prepared { get; }

    /// <summary>A key such that two are equal only when every byte is: no folding of case, no padding.</summary>
    public static string Exact(string expression, MySqlColumn key) =>
        key.Kind is ColumnKind.Text or ColumnKind.Enum or ColumnKind.Set ? $"CAST(CONVERT({expression} USING utf8mb4) AS BINARY)" : expression;
}
