using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>What is to be known of a table before it is written.</summary>
internal static class SinkHealth
{
    /// <summary>The warnings, a sentence each.</summary>
    /// <param name="connection">Any connection.</param>
    /// <param name="table">The table.</param>
    /// <param name="shape">Whether documents lie in one column.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Core.Errors.PipelineException">The user may not write to it.</exception>
    public static async Task<IReadOnlyList<string>> CheckAsync(NpgsqlConnection connection, PostgresTable table, TableShape shape, CancellationToken ct)
    {
        var may = await PostgresDatabase.RowAsync(
            connection,
            "SELECT (has_table_privilege($1, 'INSERT') AND has_table_privilege($1, 'UPDATE') AND has_table_privilege($1, 'DELETE') AND has_table_privilege($1, 'SELECT'))::text",
            ct,
            table.Name).ConfigureAwait(false);
        if (may[0] != "true")
        {
            throw PostgresErrors.Forbidden.Error(
                $"The user {connection.UserName} may not write to {table.Name}.", $"GRANT SELECT, INSERT, UPDATE, DELETE ON {table.Name} TO {SqlText.Name(connection.UserName!)};");
        }

        var warnings = new List<string>();
        if (await SinkTable.HasTriggersAsync(connection, table, ct).ConfigureAwait(false))
        {
            warnings.Add($"The table {table.Name} has triggers: what they change is not what the documents say, and rows that they keep out are set aside.");
        }

        if (await SinkTable.IsUnloggedAsync(connection, table, ct).ConfigureAwait(false))
        {
            warnings.Add($"The table {table.Name} is UNLOGGED: after a crash of the server it is empty, while the job counts its rows as written; ALTER TABLE {table.Name} SET LOGGED.");
        }

        if (!SinkTable.TakesDocuments(table, shape) && table.Columns.Where(c => c.IsGenerated).Select(c => $"'{c.Name}'").ToArray() is { Length: > 0 } generated)
        {
            warnings.Add($"The server computes {string.Join(", ", generated)} of {table.Name}: what documents have in fields of these names is not written.");
        }

        return warnings;
    }
}
