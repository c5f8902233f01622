using System.Runtime.CompilerServices;
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
/// <param name="tables">The root, then the others that documents are made of.</param>
/// <param name="tuning">The steps in which they are read.</param>
internal abstract class DocumentSet(IReadOnlyList<TrackedTable> tables, SourceTuning tuning)
{
    /// <summary>The steps in which they are read.</summary>
    protected SourceTuning Tuning { get; } = tuning;

    /// <summary>The table with a row for each document, then the others that documents are made of.</summary>
    public IReadOnlyList<TrackedTable> Tables { get; } = tables;

    /// <summary>The table with a row for each document.</summary>
    public TrackedTable Root => Tables[0];

    /// <summary>How a document is made of the root's row alone; null where it takes more.</summary>
    public virtual RowFormat? Rows => null;

    /// <summary>The documents of these keys as they are now, and a delete for each that is not there; at least one batch.</summary>
    /// <param name="connection">The connection to read with; it is busy until all batches are taken.</param>
    /// <param name="keys">The keys.</param>
    /// <param name="before">Where to begin again when only some of them are safe.</param>
    /// <param name="end">Where to read on when all of them are.</param>
    /// <param name="unit">What a record's place counts.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="extent">What the whole counts as of its partition.</param>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        NpgsqlConnection connection,
        IReadOnlyCollection<string> keys,
        Position before,
        Position end,
        string unit,
        [EnumeratorCancellation] CancellationToken ct,
        long extent = 0)
    {
        using var output = new RecordBatchBuilder();
        var left = keys.Count;
        foreach (var chunk in keys.Chunk(Tuning.BatchRecords))
        {
            left -= chunk.Length;
            var isLast = left == 0;

            // Invariant 5: of large documents a batch holds few. In which order they come the keys do not say, so that none of them is safe before
            // all are.
            await foreach (var _ in LoadAsync(connection, chunk, output, ct).ConfigureAwait(false)) yield return output.Build(before, 0, unit);
            if (isLast) await PlannedColumns.CheckAsync(connection, this, ct).ConfigureAwait(false);
            yield return output.Build(isLast ? end : before, isLast ? extent : 0, unit);
        }

        if (keys.Count == 0) yield return RecordBatch.Empty(end);
    }

    /// <summary>True where a batch has as many bytes as one is to have.</summary>
    protected bool IsFull(RecordBatchBuilder output) => output.Bytes >= Tuning.BatchBytes;

    /// <summary>
    /// Adds the documents of these keys as they are now, and a delete for each that is not there; stops each time that they <see cref="IsFull"/>
    /// for them to be taken.
    /// </summary>
    protected abstract IAsyncEnumerable<bool> LoadAsync(
        NpgsqlConnection connection, IReadOnlyCollection<string> keys, RecordBatchBuilder output, CancellationToken ct);

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
/// <param name="tuning">The steps in which they are read.</param>
internal sealed class TableDocuments(TrackedTable table, RowFormat format, string? condition, SourceTuning tuning) : DocumentSet([table], tuning)
{
    /// <inheritdoc/>
    public override RowFormat Rows => format;

    /// <inheritdoc/>
    protected override async IAsyncEnumerable<bool> LoadAsync(
        NpgsqlConnection connection, IReadOnlyCollection<string> keys, RecordBatchBuilder output, [EnumeratorCancellation] CancellationToken ct)
    {
        var found = new HashSet<string>(keys.Count);
        var sql = $"COPY (SELECT {format.SelectList} FROM {Root.Table.Name} WHERE {HasKey(keys)}{And(condition)}) TO STDOUT (FORMAT binary)";
        var copy = new CopyRows(await connection.BeginRawBinaryCopyAsync(sql, ct).ConfigureAwait(false), Tuning.BatchBytes);
        await using (copy.ConfigureAwait(false))
        {
            while (await copy.Rows.ReadAsync(ct).ConfigureAwait(false))
            {
                format.Add(copy.Rows, output, found);
                if (IsFull(output)) yield return true;
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
