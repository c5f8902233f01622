using System.Globalization;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Whether a table can be read as it is read here, by the places of its rows and by their keys, without missing any.</summary>
internal static class ReadableTable
{
    // Columns of a materialized view take null as far as the catalog says, whatever they hold.
    private static readonly string FindKey = $"""
        SELECT (SELECT a.attname::text FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
                WHERE a.attrelid = $1::text::oid AND a.attname::text = ANY($2) AND NOT a.attnotnull AND c.relkind <> 'm' ORDER BY a.attnum LIMIT 1),
               {HasIndex("$1::text::oid")}::text,
               ((SELECT relkind FROM pg_class WHERE oid = $1::text::oid) = 'p' AND NOT EXISTS (SELECT FROM unnest($3) s WHERE NOT {HasIndex("s::oid")}))::text
        """;

    /// <summary>What to do about a table that can't be read by place.</summary>
    public static string ByKey(string table) => $"Read it with --query 'SELECT * FROM {table}' and --pg-key.";

    /// <summary>Looks at where the rows lie, and whether the user sees all of them.</summary>
    /// <exception cref="Core.Errors.PipelineException">They lie elsewhere, or the user may not read them all.</exception>
    public static async Task CheckAsync(NpgsqlConnection connection, PostgresTable table, CancellationToken ct)
    {
        if (table.Stores.FirstOrDefault(s => s.OtherMethod is not null) is { } other)
        {
            throw PostgresErrors.NotATable.Error($"{other.Name} is kept by the access method {other.OtherMethod} instead of heap, so its rows may lie anywhere.", ByKey(table.Name));
        }

        // Refused where row security would leave some out.
        await PostgresDatabase.ExecuteAsync(connection, $"SELECT FROM {table.Name} LIMIT 0", ct).ConfigureAwait(false);
    }

    /// <summary>Looks at whether the columns that were named as key are one: of rows of one key only one would stay, and a row without is not found again.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="table">The table and its key.</param>
    /// <param name="selects">True where a condition selects rows, among which they may be a key though they are none of the whole table.</param>
    /// <param name="ct">Ends it.</param>
    /// <returns>False where they may be one, and nothing but the data says so.</returns>
    /// <exception cref="Core.Errors.PipelineException">They are none.</exception>
    public static async Task<bool> CheckKeyAsync(NpgsqlConnection connection, PostgresTable table, bool selects, CancellationToken ct)
    {
        var keys = table.Key.Select(k => k.Name).ToArray();
        string[] stores = [.. table.Stores.Select(s => s.Oid.ToString(CultureInfo.InvariantCulture))];
        var row = await PostgresDatabase.RowAsync(connection, FindKey, ct, table.Oid.ToString(CultureInfo.InvariantCulture), keys, stores).ConfigureAwait(false);
        if (selects) return row is [null, "true", _];

        // A unique index of a partitioned table has to have the columns that divide it: each partition may have one without.
        if (row[1] != "true" && row[2] != "true")
        {
            throw PostgresErrors.NoKey.Error(
                $"--pg-key: no unique index of {table.Name} lies within {string.Join(", ", keys)}, so that of rows of one key only one would stay.",
                $"Name columns that are unique together, or let the server keep them so: CREATE UNIQUE INDEX ON {table.Name} ({string.Join(", ", keys.Select(SqlText.Name))});");
        }

        return row[0] is not { } nullable ? row[1] == "true" : throw PostgresErrors.NoKey.Error(
            $"--pg-key: the column '{nullable}' of {table.Name} may be NULL, and a row without a key can't be followed.",
            $"Name other columns, or: ALTER TABLE {table.Name} ALTER COLUMN {SqlText.Name(nullable)} SET NOT NULL;");
    }

    private static string HasIndex(string relation) => $"""
        EXISTS (SELECT FROM pg_index i WHERE i.indrelid = {relation} AND i.indisunique AND i.indisvalid AND i.indpred IS NULL AND i.indexprs IS NULL
                AND NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey[0:i.indnkeyatts - 1]) AND a.attname::text <> ALL($2)))
        """;
}
