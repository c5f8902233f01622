using System.Globalization;
using System.Text.Json;
using EsPipeline.Core.Errors;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>The publication: which tables' changes the replication slot delivers.</summary>
internal static class Publication
{
    private const string Find = """
        SELECT (pubinsert AND pubupdate AND pubdelete AND pubtruncate)::text, pubviaroot::text FROM pg_publication WHERE pubname = $1
        """;

    // A partitioned table is a member by its own name, and is sent by the names of its partitions; tables that inherit from one, by their own.
    private const string FindTables = """
        SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_publication_tables WHERE pubname = $1
        UNION SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
        JOIN pg_class c ON c.oid = r.prrelid AND c.relkind = 'p' JOIN pg_namespace n ON n.oid = c.relnamespace WHERE p.pubname = $1
        """;

    // The tables of which it sends some rows or columns only, from PostgreSQL 15 on: as JSON, since before that there are no such columns.
    private const string FindParts = """
        SELECT r.prrelid::text, (to_jsonb(r)->>'prqual' IS NOT NULL)::text, coalesce((SELECT json_agg(a.attname) FROM pg_attribute a
            WHERE a.attrelid = r.prrelid AND to_jsonb(r)->'prattrs' @> to_jsonb(a.attnum)), '[]')::text
        FROM pg_publication p JOIN pg_publication_rel r ON r.prpubid = p.oid
        WHERE p.pubname = $1 AND coalesce(to_jsonb(r)->>'prqual', to_jsonb(r)->>'prattrs') IS NOT NULL
        """;

    private const string FindIdentity = """
        SELECT c.relreplident::text, a.attname::text FROM pg_class c LEFT JOIN pg_index i ON i.indrelid = c.oid
          AND (c.relreplident = 'd' AND i.indisprimary OR c.relreplident = 'i' AND i.indisreplident)
        LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum = ANY(i.indkey) WHERE c.oid = $1::text::oid
        """;

    private const string FindRefusals = """
        SELECT 'CREATE on the database ' || quote_ident(current_database()), 'CREATE ON DATABASE ' || quote_ident(current_database())
        WHERE NOT has_database_privilege(current_database(), 'CREATE') AND NOT EXISTS (SELECT FROM pg_publication WHERE pubname = $1)
        UNION ALL SELECT 'the rights of ' || quote_ident(pg_get_userbyid(pubowner)) || ', who owns the publication ' || quote_ident(pubname), quote_ident(pg_get_userbyid(pubowner))
        FROM pg_publication WHERE pubname = $1 AND NOT pg_has_role(pubowner, 'USAGE')
        UNION ALL SELECT 'the rights of ' || quote_ident(pg_get_userbyid(c.relowner)) || ', who owns ' || t.name, quote_ident(pg_get_userbyid(c.relowner))
        FROM unnest($2::text[]) t(name) JOIN pg_class c ON c.oid = to_regclass(t.name) WHERE NOT pg_has_role(c.relowner, 'USAGE')
        """;

    /// <summary>What it does not send of these tables, as a clause; null where nothing is lacking.</summary>
    /// <exception cref="Core.Errors.PipelineException">It leaves kinds of changes out, which somebody has chosen.</exception>
    public static async Task<string?> LackingAsync(NpgsqlConnection connection, string name, DocumentSet documents, CancellationToken ct)
    {
        var (exists, missing) = await MissingAsync(connection, name, documents, ct).ConfigureAwait(false);
        return !exists ? $"the publication {name} is missing"
            : missing.Length > 0 ? $"the publication {name} does not send {string.Join(", ", missing)}"
            : null;
    }

    /// <summary>Makes it, or adds the tables that it lacks. Says which right or setting is missing.</summary>
    /// <param name="connection">Any connection.</param>
    /// <param name="name">Its name.</param>
    /// <param name="documents">What it is to send.</param>
    /// <param name="keep">False to find out only whether it can be made.</param>
    /// <param name="ct">Ends it.</param>
    public static async Task<bool> MakeAsync(NpgsqlConnection connection, string name, DocumentSet documents, bool keep, CancellationToken ct)
    {
        await CheckLogAsync(connection, ct).ConfigureAwait(false);
        foreach (var table in documents.Tables) await CheckIdentityAsync(connection, table, ct).ConfigureAwait(false);
        var (exists, missing) = await MissingAsync(connection, name, documents, ct).ConfigureAwait(false);
        if (missing.Length == 0) return true;
        var statement = !exists
            ? $"CREATE PUBLICATION {name} FOR TABLE {string.Join(", ", missing)}"
            : $"ALTER PUBLICATION {name} ADD TABLE {string.Join(", ", missing)}";
        try
        {
            await PostgresDatabase.ExecuteAsync(connection, $"BEGIN READ WRITE; {statement}; {(keep ? "COMMIT" : "ROLLBACK")}", ct).ConfigureAwait(false);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            await PostgresDatabase.ExecuteAsync(connection, "ROLLBACK", ct).ConfigureAwait(false);
            throw await RefusalAsync(connection, name, missing, statement, e, ct).ConfigureAwait(false);
        }

        return true;
    }

    /// <summary>Whether the server's log holds enough; one that holds less may take no connection for replication either.</summary>
    /// <exception cref="PipelineException"><see cref="PostgresErrors.CannotReplicate"/>.</exception>
    public static async Task<bool> CheckLogAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var level = (await PostgresDatabase.RowAsync(connection, "SELECT current_setting('wal_level')", ct).ConfigureAwait(false))[0];
        return level == "logical" ? true : throw PostgresErrors.CannotReplicate.Error(
            $"The server writes its log with wal_level = {level}.", "ALTER SYSTEM SET wal_level = logical; and restart the server, or follow by --pg-follow updated-column.");
    }

    // Which of the rights is missing: to make things in the database, or to do as owner what concerns the tables and a publication that is there.
    private static async Task<PipelineException> RefusalAsync(
        NpgsqlConnection connection, string name, string[] tables, string statement, PostgresException refusal, CancellationToken ct)
    {
        var rows = await PostgresDatabase.RowsAsync(connection, FindRefusals, ct, name, (object)tables).ConfigureAwait(false);
        var user = (await PostgresDatabase.RowAsync(connection, "SELECT current_user::text", ct).ConfigureAwait(false))[0]!;
        var lacking = rows.Count > 0 ? $"it lacks {string.Join(" and ", rows.Select(r => r[0]))}" : refusal.MessageText;
        var grants = string.Join(" ", rows.Select(r => $"GRANT {r[1]} TO {SqlText.Name(user)};").Distinct());
        return PostgresErrors.CannotReplicate.Error(
            $"The user {user} may not make the publication: {lacking}.",
            rows.Count == 0 ? $"Let the tables' owner run: {statement};" : $"{grants} Or let somebody who may run: {statement};",
            refusal);
    }

    // Without an identity the application's own updates would fail once the table is published; with one that lacks the columns by which
    // documents are found, deletes could not be told.
    private static async Task CheckIdentityAsync(NpgsqlConnection connection, TrackedTable table, CancellationToken ct)
    {
        foreach (var oid in table.Table.Stores.Select(s => s.Oid).Append(table.Table.Oid).Distinct())
        {
            var rows = await PostgresDatabase.RowsAsync(connection, FindIdentity, ct, oid.ToString(CultureInfo.InvariantCulture)).ConfigureAwait(false);
            if (rows.Count == 0 || rows[0][0] == "f") continue;
            if (table.Columns.FirstOrDefault(c => !rows.Exists(r => r[1] == c.Name)) is not { } lacking) continue;
            throw PostgresErrors.CannotReplicate.Error(
                $"The log does not tell '{lacking.Name}' of deleted rows of {table.Table.Name}, by which their documents are found.",
                $"ALTER TABLE {table.Table.Name} REPLICA IDENTITY FULL; or USING INDEX one that has the column.");
        }
    }

    private static async Task<(bool Exists, string[] Tables)> MissingAsync(NpgsqlConnection connection, string name, DocumentSet documents, CancellationToken ct)
    {
        var found = await PostgresDatabase.RowsAsync(connection, Find, ct, name).ConfigureAwait(false);
        if (found is [["false", _]])
        {
            throw PostgresErrors.CannotReplicate.Error(
                $"The publication {name} leaves out some kinds of changes.", $"ALTER PUBLICATION {name} SET (publish = 'insert, update, delete, truncate');");
        }

        if (found is [[_, "true"]] && documents.Tables.FirstOrDefault(t => t.Table.IsInParts) is { } divided)
        {
            throw PostgresErrors.CannotReplicate.Error(
                $"The publication {name} sends the changes of {divided.Table.Name} under its own name, and leaves out when one partition is emptied by TRUNCATE.",
                $"ALTER PUBLICATION {name} SET (publish_via_partition_root = false);");
        }

        // As part of a partitioned table the server takes one without a word.
        if (documents.Tables.SelectMany(t => t.Table.Stores).FirstOrDefault(s => s.IsUnlogged) is { } unlogged)
        {
            throw PostgresErrors.CannotReplicate.Error(
                $"{unlogged.Name} is UNLOGGED, so that the server's log tells nothing of its rows.", $"ALTER TABLE {unlogged.Name} SET LOGGED; or follow by --pg-follow updated-column.");
        }

        await CheckPartsAsync(connection, name, documents, ct).ConfigureAwait(false);
        var published = (await PostgresDatabase.RowsAsync(connection, FindTables, ct, name).ConfigureAwait(false)).Select(r => r[0]!).ToHashSet();
        var missing = documents.Tables.Select(t => t.Table).Where(t => !IsSent(t, published)).Select(t => t.Name).Distinct().ToArray();
        return (found.Count > 0, missing);
    }

    // A row that a filter leaves out changes without a word; a column that is not sent can't lead to the documents that it belongs to. Of
    // other columns nothing is needed: a document is read from its tables.
    private static async Task CheckPartsAsync(NpgsqlConnection connection, string name, DocumentSet documents, CancellationToken ct)
    {
        foreach (var part in await PostgresDatabase.RowsAsync(connection, FindParts, ct, name).ConfigureAwait(false))
        {
            var oid = uint.Parse(part[0]!, CultureInfo.InvariantCulture);
            var sent = JsonSerializer.Deserialize<string[]>(part[2]!)!;
            foreach (var table in documents.Tables.Where(t => t.Table.Oid == oid || t.Table.Stores.Any(s => s.Oid == oid)))
            {
                var left = part[1] == "true" ? "rows" : table.Columns.FirstOrDefault(c => !sent.Contains(c.Name)) is { } column ? $"the column '{column.Name}'" : null;
                if (left is null) continue;
                throw PostgresErrors.CannotReplicate.Error(
                    $"The publication {name} leaves out {left} of {table.Table.Name}, so that changes would be missed.",
                    $"Name another one with --pg-publication, or let it send all: ALTER PUBLICATION {name} DROP TABLE {table.Table.Name}; ALTER PUBLICATION {name} ADD TABLE {table.Table.Name};");
            }
        }
    }

    private static bool IsSent(PostgresTable table, HashSet<string> published)
    {
        var isPartitioned = table.Stores.All(s => s.Oid != table.Oid);
        return (isPartitioned && published.Contains(table.Name)) || (table.Stores.Count > 0 && table.Stores.All(s => published.Contains(s.Name)));
    }
}
