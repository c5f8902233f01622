using System.Globalization;
using EsPipeline.Core.Sources;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Makes out of options and catalog what the documents are.</summary>
internal static class DocumentCatalog
{
    /// <summary>The documents that a plan selects.</summary>
    /// <exception cref="Core.Errors.PipelineException">A table or column is not there, or is of no use.</exception>
    public static async Task<DocumentSet> ReadAsync(
        NpgsqlConnection connection, PostgresSourceOptions options, Selection selection, SourceTuning tuning, CancellationToken ct)
    {
        if (options.Documents.Length > 0)
        {
            return await JoinedDocuments.OfAsync(connection, DocumentsFile.Read(options.Documents), root => ConditionOf(selection, root), tuning, ct)
                .ConfigureAwait(false);
        }

        var table = await TableCatalog.FindAsync(connection, options.Table, options.Key, ct).ConfigureAwait(false)
            ?? throw PostgresErrors.NoTable.Error($"There is no table {options.Table} in the database {connection.Database}, or the user may not see its schema.");
        if (table.Key.Count == 0) throw PostgresErrors.NoKey.Error($"{table.Name} has no primary key.");
        await ReadableTable.CheckAsync(connection, table, ct).ConfigureAwait(false);
        var encoding = await PostgresDatabase.RowAsync(connection, "SELECT current_setting('server_encoding')", ct).ConfigureAwait(false);
        var format = new RowFormat(table, RowFormat.HoldsDocuments(table, options.Shape), checksText: encoding[0] == "SQL_ASCII");
        var tracked = new TrackedTable(table, table.Key, UpdatedColumn(table, options.UpdatedColumn), null);
        return new TableDocuments(tracked, format, ConditionOf(selection, tracked), tuning);
    }

    /// <summary>The column that every update sets; null where none is named.</summary>
    public static PostgresColumn? UpdatedColumn(PostgresTable table, string name)
    {
        if (name.Length == 0) return null;
        var column = table.Find(name) ?? throw PostgresErrors.NoColumn.Error($"{table.Name} has no column '{name}'.");
        return column is { Form: ValueForm.TimestampTz or ValueForm.Timestamp, IsPlain: true }
            ? column
            : throw PostgresErrors.NotATime.Error($"'{name}' of {table.Name} is of type {column.Type}.");
    }

    /// <summary>The column that <c>--since</c> and <c>--until</c> go by; null where neither is given.</summary>
    /// <exception cref="Core.Errors.PipelineException">There is none.</exception>
    public static PostgresColumn? TimeColumn(Selection selection, TrackedTable table) => selection is { Since: null, Until: null } ? null
        : table.Updated ?? table.Table.Find(selection.TimestampField)
            ?? throw PostgresErrors.NoColumn.Error($"{table.Table.Name} has no column '{selection.TimestampField}' to select times by.", "Name one with --pg-updated-column or --timestamp-field; with --match-all a first --mode single takes everything and needs none.");

    /// <summary>What a row has to fulfil, as SQL; null for nothing.</summary>
    public static string? ConditionOf(Selection selection, TrackedTable table)
    {
        var conditions = new List<string>();
        if (selection.Query is { } query) conditions.Add($"({query}\n)");
        var column = TimeColumn(selection, table);
        foreach (var (bound, comparison) in new[] { (selection.Since, ">="), (selection.Until, "<=") })
        {
            if (column is null || bound is not { } at) continue;
            conditions.Add($"{SqlText.Name(column.Name)} {comparison} '{at.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss.ffffff", CultureInfo.InvariantCulture)}+00'::timestamptz");
        }

        return conditions.Count == 0 ? null : string.Join(" AND ", conditions);
    }
}
