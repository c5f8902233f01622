using System.Globalization;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Whether tables still have the columns that a pass was planned with: what is read of a row is decided then.</summary>
internal static class PlannedColumns
{
    private const string Find = """
        SELECT o::text, (SELECT string_agg(concat_ws(' ', a.attname, a.atttypid, a.atttypmod), E'\n' ORDER BY a.attnum)
                         FROM pg_attribute a WHERE a.attrelid = o AND a.attnum > 0 AND NOT a.attisdropped)
        FROM unnest($1::text[]::oid[]) o
        """;

    /// <summary>The tables that have other columns now, or are gone; empty where there are none.</summary>
    public static async Task<string> ChangedAsync(NpgsqlConnection connection, DocumentSet documents, CancellationToken ct)
    {
        var tables = documents.Tables.Select(t => t.Table).DistinctBy(t => t.Oid).ToDictionary(t => t.Oid.ToString(CultureInfo.InvariantCulture));
        var now = await PostgresDatabase.RowsAsync(connection, Find, ct, (object)tables.Keys.ToArray()).ConfigureAwait(false);
        return string.Join(", ", now.Select(r => (Table: tables[r[0]!], Columns: r[1]))
            .Where(t => t.Columns != string.Join('\n', t.Table.Columns.Select(c => $"{c.Name} {c.TypeId}"))).Select(t => t.Table.Name));
    }

    /// <summary>
    /// Asked after documents were read and before their place counts as read: had they been read without a column that had come by then, nothing
    /// would read them again.
    /// </summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="PostgresErrors.Outdated"/>.</exception>
    public static async Task CheckAsync(NpgsqlConnection connection, DocumentSet documents, CancellationToken ct)
    {
        if (await ChangedAsync(connection, documents, ct).ConfigureAwait(false) is { Length: > 0 } changed) throw Outdated(changed);
    }

    /// <summary>The error for tables that are not as they were planned.</summary>
    public static Core.Errors.PipelineException Outdated(string tables) =>
        PostgresErrors.Outdated.Error($"Since it was planned what to read, {tables} got other columns or was dropped.");
}
