using System.Text;
using EsPipeline.Core.Records;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Documents that a user's SQL makes out of several tables.</summary>
/// <param name="tables">The root, then the others.</param>
/// <param name="query">SELECT with one row a document.</param>
/// <param name="condition">SQL that a root's row has to fulfil; null for none.</param>
internal sealed class JoinedDocuments(IReadOnlyList<TrackedTable> tables, string query, string? condition) : DocumentSet(tables)
{
    /// <inheritdoc/>
    public override async Task LoadAsync(NpgsqlConnection connection, IReadOnlyCollection<string> keys, RecordBatchBuilder output, CancellationToken ct)
    {
        var found = new HashSet<string>(keys.Count);
        if (keys.Count > 0)
        {
            var key = SqlText.Name(Root.Columns[0].Name);
            var selected = condition is null ? "" : $" WHERE d.{key} IN (SELECT {key} FROM {Root.Table.Name} WHERE {condition})";
            var sql = $"SELECT d.{key}::text, row_to_json(d)::text FROM ({KeysIn(query, Root.Columns[0])}\n) d{selected}";
            foreach (var row in await PostgresDatabase.RowsAsync(connection, sql, ct, (object)keys.ToArray()).ConfigureAwait(false))
            {
                if (row[0] is not { Length: > 0 } id || !found.Add(id)) continue;
                output.Add(Encoding.UTF8.GetBytes(id), Encoding.UTF8.GetBytes(row[1]!), RecordOperation.Upsert, 0, 0);
            }
        }

        AddDeletes(keys, found, output);
    }

    /// <summary>Looks up what a file describes.</summary>
    /// <exception cref="Core.Errors.PipelineException">A table or column is not there, or is of no use.</exception>
    public static async Task<DocumentSet> OfAsync(
        NpgsqlConnection connection, DocumentsFile file, Func<TrackedTable, string?> conditionOf, CancellationToken ct)
    {
        var root = await TrackAsync(connection, file.Root, file.Key, file.Updated, "", ct).ConfigureAwait(false);
        var tables = new List<TrackedTable> { root };
        foreach (var other in file.Tables)
        {
            tables.Add(await TrackAsync(connection, other.Table, other.Column, other.Updated, other.Roots, ct).ConfigureAwait(false));
        }

        return new JoinedDocuments(tables, file.Document, conditionOf(root));
    }

    private static async Task<TrackedTable> TrackAsync(
        NpgsqlConnection connection, string name, string column, string updated, string roots, CancellationToken ct)
    {
        var table = await TableCatalog.FindAsync(connection, name, column.Length > 0 ? [column] : [], ct).ConfigureAwait(false)
            ?? throw PostgresErrors.NoTable.Error($"There is no table {name} in the database {connection.Database}, which --pg-documents names.");
        if (table.Key.Count != 1)
        {
            throw PostgresErrors.BadDocuments.Error($"{table.Name} has a primary key of {table.Key.Count} columns: say in --pg-documents by which column its documents are found.");
        }

        return new TrackedTable(table, table.Key, DocumentCatalog.UpdatedColumn(table, updated), roots.Length > 0 ? roots : null);
    }
}
