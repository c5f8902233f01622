using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>How records lie in a table: which columns make the key, and whether one column holds the document or each holds a field.</summary>
/// <param name="Table">The table.</param>
/// <param name="Key">The columns of the key, in order.</param>
/// <param name="Content">The column of the document; null where each column is a field.</param>
internal sealed record TableLayout(MySqlTable Table, IReadOnlyList<MySqlColumn> Key, MySqlColumn? Content)
{
    /// <summary>The shape.</summary>
    public MySqlShape Shape => Content is null ? MySqlShape.Columns : MySqlShape.Document;

    /// <summary>The names of columns that could be written besides some.</summary>
    public IEnumerable<string> ColumnsBeside(IEnumerable<MySqlColumn> columns) => Table.Columns.Except(columns).Where(c => !c.IsGenerated).Select(c => c.Name);

    /// <summary>
    /// Finds the layout of a table: the key is what <c>--db-key</c> names, else the primary key, else the first index that identifies rows.
    /// A table is of the shape document where it has a key of one column and a JSON column that is named so or is alone beside the key.
    /// </summary>
    /// <param name="table">The table.</param>
    /// <param name="options">What is known of its columns.</param>
    /// <param name="reading">True for a source, which must not pass over a column that it was not told to: the JSON column is then alone beside the key.</param>
    /// <exception cref="PipelineException">There is no key, or an option names what is not there.</exception>
    public static TableLayout Of(MySqlTable table, MySqlOptions options, bool reading)
    {
        var key = KeyOf(table, options);
        var content = options.Shape == MySqlShape.Columns ? null : ContentOf(table, key, options, reading);
        if (content is null && options.Shape == MySqlShape.Document)
        {
            throw TableErrors.DoesNotFit.Error(
                $"The table {table.Database}.{table.Name} has no column for documents: none is named 'content' or stands alone beside the key.",
                "Name the column with --db-content-column, or use --db-shape columns.");
        }

        return new TableLayout(table, key, content);
    }

    private static List<MySqlColumn> KeyOf(MySqlTable table, MySqlOptions options)
    {
        var given = options.Key.Select(k => table.Get(k, "--db-key")).ToList();
        if (given.Count > 0) return given;
        var names = table.PrimaryKey is { Count: > 0 } primary ? primary : table.Indexes.FirstOrDefault(i => i.Identifies)?.Columns ?? [];
        return names.Count > 0
            ? [.. names.Select(n => table.Get(n, "the primary key"))]
            : throw TableErrors.NoKey.Error($"The table {table.Database}.{table.Name} has no primary key and no other index that identifies its rows.");
    }

    private static MySqlColumn? ContentOf(MySqlTable table, List<MySqlColumn> key, MySqlOptions options, bool reading)
    {
        if (options.ContentColumn is { } name) return table.Get(name, "--db-content-column");
        if (key.Count > 1) return null;
        var others = table.Columns.Where(c => c != key[0] && !c.IsGenerated).ToArray();
        var named = others.FirstOrDefault(c => c.Name.Equals("content", StringComparison.OrdinalIgnoreCase) && c.CanHoldDocuments);
        if (options.Shape == MySqlShape.Document) return named ?? (others is [{ CanHoldDocuments: true } alone] ? alone : null);

        // Without being told, only what can't be anything else is taken for documents: text beside a key may be just text.
        if (named is not null && ((named.Kind == ColumnKind.Json && !reading) || others.Length == 1)) return named;
        return others is [{ Kind: ColumnKind.Json } only] ? only : null;
    }
}
