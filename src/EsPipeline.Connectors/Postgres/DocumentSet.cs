using EsPipeline.Core.Records;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>A table whose changes change documents.</summary>
/// <param name="Table">The table.</param>
/// <param name="Columns">The columns by whose values the documents are found.</param>
/// <param name="Updated">The column that every update sets; null for none.</param>
/// <param name="Roots">SQL that leads from values of <paramref name="Columns"/> to documents' keys; null where they are the keys.</param>
internal sealed record TrackedTable(PostgresTable Table, IReadOnlyList<PostgresColumn> Columns, PostgresColumn? Updated, string? Roots)
{
    /// <summary>The columns' values as text, for a list of what to select.</summary>
    public string SelectColumns => string.Join(", ", Columns.Select(c => SqlText.Name(c.Name) + "::text"));

    /// <summary>The partition of its changes. A table may be tracked by several columns.</summary>
    public PartitionId Part(string part) => new($"{Table.Name}({string.Join(',', Columns.Select(c => c.Name))})!{part}");
}

/// <summary>The documents that are read: how they are found, and how they are read as they are now by their keys.</summary>
internal abstract class DocumentSet(IReadOnlyList<TrackedTable> tables)
{
    /// <summary>The table with a row for each document, then the others that documents are made of.</summary>
    public IReadOnlyList<TrackedTable> Tables { get; } = tables;

    /// <summary>The table with a row for each document.</summary>
    public TrackedTable Root => Tables[0];

    /// <summary>How a document is made of the root's row alone; null where it takes more.</summary>
    public virtual RowFormat? Rows => null;

    /// <summary>Adds the documents of these keys as they are now; a delete for each that is not there.</summary>
    public abstract Task LoadAsync(NpgsqlConnection connection, IReadOnlyCollection<string> keys, RecordBatchBuilder output, CancellationToken ct);

    /// <summary>The keys of the documents that a changed row of a table belongs to.</summary>
    /// <param name="connection">Any connection.</param>
    /// <param name="table">The table.</param>
    /// <param name="rows">The values of the table's columns, as <see cref="KeyText"/> joins them.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task<IReadOnlyCollection<string>> RootsAsync(
        NpgsqlConnection connection, TrackedTable table, IReadOnlyCollection<string> rows, CancellationToken ct)
    {
        if (table.Roots is null || rows.Count == 0) return rows;
        var found = await PostgresDatabase.RowsAsync(
            connection, $"SELECT DISTINCT r::text FROM ({KeysIn(table.Roots, table.Columns[0])}\n) q(r) WHERE r IS NOT NULL", ct, (object)rows.ToArray())
            .ConfigureAwait(false);
        return found.ConvertAll(r => r[0]!);
    }

    /// <summary>The user's SQL with a parameter, of a list of texts, in the place of <c>@keys</c>.</summary>
    protected static string KeysIn(string sql, PostgresColumn column) =>
        sql.TrimEnd().TrimEnd(';').Replace("@keys", $"(($1::text[])::{column.Type}[])", StringComparison.Ordinal);

    /// <summary>Adds deletes of what was asked for and not found.</summary>
    protected static void AddDeletes(IReadOnlyCollection<string> keys, HashSet<string> found, RecordBatchBuilder output)
    {
        foreach (var key in keys.Where(k => k.Length > 0 && !found.Contains(k)))
        {
            output.Add(System.Text.Encoding.UTF8.GetBytes(key), [], RecordOperation.Delete, 0, 0);
        }
    }
}

/// <summary>The rows of one table.</summary>
/// <param name="table">The table.</param>
/// <param name="format">How a document is made of a row.</param>
/// <param name="condition">SQL that a row has to fulfil; null for none.</param>
/// <param name="batchBytes">How much is read at once.</param>
internal sealed class TableDocuments(TrackedTable table, RowFormat format, string? condition, int batchBytes) : DocumentSet([table])
{
    /// <inheritdoc/>
    public override RowFormat Rows => format;

    /// <inheritdoc/>
    public override async Task LoadAsync(NpgsqlConnection connection, IReadOnlyCollection<string> keys, RecordBatchBuilder output, CancellationToken ct)
    {
        var found = new HashSet<string>(keys.Count);
        if (keys.Count > 0)
        {
            var sql = $"COPY (SELECT {format.SelectList} FROM {Root.Table.Name} WHERE {HasKey(keys)}{And(condition)}) TO STDOUT (FORMAT binary)";
            var copy = new CopyRows(await connection.BeginRawBinaryCopyAsync(sql, ct).ConfigureAwait(false), batchBytes);
            await using (copy.ConfigureAwait(false))
            {
                while (await copy.Rows.ReadAsync(ct).ConfigureAwait(false)) format.Add(copy.Rows, output, found);
            }
        }

        AddDeletes(keys, found, output);
    }

    /// <summary>A condition to be added to others. It ends its own line, so that a comment at its end comments nothing else out.</summary>
    public static string And(string? condition) => condition is null ? "" : $" AND ({condition}\n)";

    private string HasKey(IReadOnlyCollection<string> keys)
    {
        var columns = Root.Table.Key;
        if (columns.Count == 1) return $"{SqlText.Name(columns[0].Name)} = ANY({SqlText.Array(keys)}::{columns[0].Type}[])";
        var rows = keys.Select(k => KeyText.Split(k, columns.Count)!)
            .Select(parts => "(" + string.Join(", ", parts.Zip(columns, (p, c) => $"{SqlText.Literal(p)}::{c.Type}")) + ")");
        return $"({string.Join(", ", columns.Select(c => SqlText.Name(c.Name)))}) IN (VALUES {string.Join(", ", rows)})";
    }
}
