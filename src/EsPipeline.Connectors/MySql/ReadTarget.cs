using System.Text;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.MySql;

/// <summary>What a source reads: a table, or the rows of a query or a view.</summary>
/// <param name="Name">What to call it.</param>
/// <param name="From">What stands behind FROM.</param>
/// <param name="Columns">All columns.</param>
/// <param name="Key">The columns of the key.</param>
internal sealed record ReadTarget(string Name, string From, IReadOnlyList<RowColumn> Columns, IReadOnlyList<RowColumn> Key)
{
    /// <summary>The column of the document; null where each column is a field.</summary>
    public RowColumn? Content { get; init; }

    /// <summary>The column with the time of the last change; null for none.</summary>
    public RowColumn? Updated { get; init; }

    /// <summary>The table; null for a query.</summary>
    public MySqlTable? Table { get; init; }

    /// <summary>
    /// True where no index promises that the key is unique and in order, as for a query: it is then read in one go, sorted by the bytes of the
    /// key, and a second row of a key is told.
    /// </summary>
    public bool IsUnindexed { get; init; }

    /// <summary>Finds what is to be read.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="options">The table and its columns.</param>
    /// <param name="selection">The query, and the time field.</param>
    /// <exception cref="PipelineException">It is not there, or can't be read by key.</exception>
    public static ReadTarget Find(MySqlSession session, MySqlSourceOptions options, Selection selection)
    {
        var updated = options.UpdatedColumn ?? (selection.TimestampField == Selection.Everything.TimestampField ? null : selection.TimestampField);
        if (selection.Query is { } query) return OfRows(session, options, "the query", $"({Clean(query)}\n) AS `query`", updated);
        var table = MySqlTable.Read(session, options.Database, options.Table)
            ?? throw TableErrors.NoTable.Error($"There is no table {options.Database}.{options.Table}, or the account may not see it.");
        if (table.Engine.Length == 0) return OfRows(session, options, options.Table, table.Quoted, updated);

        var layout = TableLayout.Of(table, options, reading: true);
        if (!table.IsUnique([.. layout.Key.Select(k => k.Name)]))
        {
            throw TableErrors.NoKey.Error(
                $"--db-key: no unique index of {options.Database}.{options.Table} without NULL lies within {string.Join(", ", layout.Key.Select(k => k.Name))}.");
        }

        // Comparing passes over NULL: beyond the first page its rows would be missing.
        if (layout.Key.FirstOrDefault(k => k.IsNullable) is { } nullable)
        {
            throw TableErrors.NoKey.Error($"--db-key: the column '{nullable.Name}' of {options.Database}.{options.Table} may be NULL, so that its rows have no order to read by.");
        }

        if (layout.Key.FirstOrDefault(k => k.Kind is ColumnKind.Json or ColumnKind.Geometry) is { } odd)
        {
            throw TableErrors.NoKey.Error($"The column '{odd.Name}' is {odd.FullType} and has no order to read by.");
        }

        return new ReadTarget(options.Table, table.Quoted, [.. table.Columns.Select(RowColumn.Of)], [.. layout.Key.Select(RowColumn.Of)])
        {
            Content = layout.Content is { } content ? RowColumn.Of(content) : null,
            Updated = updated is null ? null : TimeColumn(RowColumn.Of(table.Get(updated, "--db-updated-column"))),
            Table = table,
        };
    }

    /// <summary>Turns its rows into records.</summary>
    public RowReader Reader() => new(Key, Content, Columns);

    /// <summary>A column as rows are sorted by it; an index serves it.</summary>
    public string SortOf(RowColumn column) => IsUnindexed && column.Kind == ColumnKind.Text
        ? $"CAST(CONVERT({column.Quoted} USING utf8mb4) AS BINARY)"
        : column.Quoted;

    /// <summary>A column as it is compared with a value: in the order in which it is sorted.</summary>
    public string OrderOf(RowColumn column) =>
        column.Kind is ColumnKind.Enum or ColumnKind.Set or ColumnKind.Bit ? column.Ordering : SortOf(column);

    private static ReadTarget OfRows(MySqlSession session, MySqlOptions options, string name, string from, string? updated)
    {
        List<RowColumn> columns;
        try
        {
            using var result = session.Open(Encoding.UTF8.GetBytes($"SELECT * FROM {from} LIMIT 0"));
            columns = [.. result.Fields.Select(RowColumn.Of)];
        }
        catch (PipelineException e) when (e.Error == MySqlErrors.Server || e.Error == TableErrors.Changed)
        {
            throw TableErrors.BadQuery.Error($"{name} can't be read: {e.Message}", inner: e);
        }

        IReadOnlyList<string> key = options.Key.Count > 0 ? options.Key : ["id"];
        return new ReadTarget(name, from, columns, [.. key.Select(k => Get(k, "--db-key"))])
        {
            Content = options.Shape == MySqlShape.Document ? Get(options.ContentColumn ?? "content", "--db-content-column") : null,
            Updated = updated is null ? null : TimeColumn(Get(updated, "--db-updated-column")),
            IsUnindexed = true,
        };

        RowColumn Get(string column, string option) =>
            columns.FirstOrDefault(c => c.Name.Equals(column, StringComparison.OrdinalIgnoreCase))
            ?? throw TableErrors.NoColumn.Error($"{option}: {name} has no column '{column}'.", "Name the columns that tell its rows apart with --db-key.");
    }

    private static RowColumn TimeColumn(RowColumn column) => column.Kind == ColumnKind.Timestamp
        ? column
        : throw TableErrors.NoColumn.Error($"--db-updated-column: the column '{column.Name}' is no DATETIME or TIMESTAMP.");

    private static string Clean(string query)
    {
        var text = query.Trim().TrimEnd(';').TrimEnd();
        return text.Length > 0 && !text.Contains('\0', StringComparison.Ordinal) ? text : throw TableErrors.BadQuery.Error("The query is empty or holds a NUL.");
    }
}
