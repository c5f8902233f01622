using System.Runtime.CompilerServices;
using System.Text;
using EsPipeline.Core.Records;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Documents that a user's SQL makes out of several tables.</summary>
/// <param name="tables">The root, then the others.</param>
/// <param name="query">SELECT with one row a document.</param>
/// <param name="condition">SQL that a root's row has to fulfil; null for none.</param>
/// <param name="tuning">The steps in which they are read.</param>
internal sealed class JoinedDocuments(IReadOnlyList<TrackedTable> tables, string query, string? condition, SourceTuning tuning)
    : DocumentSet(tables, tuning)
{
    /// <inheritdoc/>
    protected override async IAsyncEnumerable<bool> LoadAsync(
        NpgsqlConnection connection, IReadOnlyCollection<string> keys, RecordBatchBuilder output, [EnumeratorCancellation] CancellationToken ct)
    {
        var found = new HashSet<string>(keys.Count);
        var key = SqlText.Name(Root.Columns[0].Name);
        var selected = condition is null ? "" : $" WHERE d.{key} IN (SELECT {key} FROM {Root.Table.Name} WHERE {condition})";
        var sql = $"SELECT d.{key}::text, row_to_json(d)::text FROM ({KeysIn(query, Root.Columns[0])}\n) d{selected}";
        var rows = PostgresDatabase.StreamAsync(connection, sql, ct, (object)keys.ToArray());
        await foreach (var row in rows.ConfigureAwait(false))
        {
            var id = await row.IsDBNullAsync(0, ct).ConfigureAwait(false) ? "" : row.GetString(0);
            if (id.Length == 0) output.AddMalformed(0, [], [], PostgresErrors.NullKey, $"A document of {Root.Table.Name} has a key that is null or empty.");
            if (id.Length == 0) continue;
            if (!found.Add(id))
            {
                output.AddMalformed(0, Encoding.UTF8.GetBytes(id), [], PostgresErrors.KeyTwice, $"The SELECT of --pg-documents gives another row with the key '{id}' of {Root.Table.Name}.");
                continue;
            }

            output.Write(Encoding.UTF8.GetBytes(id));
            output.EndKey();
            var keyLength = output.Current.Length;
            await PostgresDatabase.CopyAsync(row, 1, output, ct).ConfigureAwait(false);
            AddRecord(output, keyLength);
            if (IsFull(output)) yield return true;
        }

        AddDeletes(keys, found, output);
    }

    /// <summary>Looks up what a file describes.</summary>
    /// <exception cref="Core.Errors.PipelineException">A table or column is not there, or is of no use.</exception>
    public static async Task<DocumentSet> OfAsync(
        NpgsqlConnection connection, DocumentsFile file, Func<TrackedTable, string?> conditionOf, SourceTuning tuning, CancellationToken ct)
    {
        var root = await TrackAsync(connection, file.Root, file.Key, file.Updated, "", ct).ConfigureAwait(false);
        var tables = new List<TrackedTable> { root };
        foreach (var other in file.Tables)
        {
            tables.Add(await TrackAsync(connection, other.Table, other.Column, other.Updated, other.Roots, ct).ConfigureAwait(false));
        }

        await CheckColumnsAsync(connection, KeysIn(file.Document, root.Columns[0]), ct).ConfigureAwait(false);
        return new JoinedDocuments(tables, file.Document, conditionOf(root), tuning);
    }

    private void AddRecord(RecordBatchBuilder output, int keyLength)
    {
        if (!DocumentJson.IsTooDeep(output.Current[keyLength..]))
        {
            output.EndRecord(RecordOperation.Upsert, 0, 0);
            return;
        }

        var key = output.Current[..keyLength];
        output.AddMalformed(0, key, output.Current[keyLength..], PostgresErrors.TooDeep, $"The document '{Encoding.UTF8.GetString(key)}' of {Root.Table.Name} is nested deeper than {DocumentJson.MaxDepth}.");
        output.DropRecord();
    }

    // Of members of one name most systems keep one.
    private static async Task CheckColumnsAsync(NpgsqlConnection connection, string query, CancellationToken ct)
    {
        var columns = await PostgresDatabase.DescribeAsync(connection, $"SELECT * FROM ({query}\n) d", ct, (object)Array.Empty<string>()).ConfigureAwait(false);
        if (columns.GroupBy(c => c.Name).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw PostgresErrors.BadDocuments.Error($"The SELECT of 'document' in --pg-documents has two columns named '{twice.Key}'.", "Give one of them another name with AS.");
        }
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

        await ReadableTable.CheckAsync(connection, table, ct).ConfigureAwait(false);
        return new TrackedTable(table, table.Key, DocumentCatalog.UpdatedColumn(table, updated), roots.Length > 0 ? roots : null);
    }
}
