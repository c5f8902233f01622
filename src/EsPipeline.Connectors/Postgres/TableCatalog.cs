using System.Globalization;
using EsPipeline.Core.Sources;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Reads what a table is like from the system catalog.</summary>
internal static class TableCatalog
{
    private const string FindTable = """
        SELECT c.oid::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname), c.relkind::text
        FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = to_regclass($1)
        """;

    // The type below a domain, or a domain of a domain, is what values are sent as; that of a list's elements tells what it takes. typtype e is an
    // enumeration, c a row.
    private const string FindColumns = """
        WITH RECURSIVE base(attnum, oid, in_list) AS (
            SELECT attnum, atttypid, false FROM pg_attribute WHERE attrelid = $1::text::oid AND attnum > 0 AND NOT attisdropped
            UNION ALL SELECT b.attnum, CASE t.typtype WHEN 'd' THEN t.typbasetype ELSE t.typelem END, b.in_list OR t.typtype <> 'd'
            FROM base b JOIN pg_type t ON t.oid = b.oid WHERE t.typtype = 'd' OR (t.typcategory = 'A' AND t.typelem <> 0))
        SELECT a.attname::text, format_type(a.atttypid, NULL), t.oid::text, t.typtype::text, a.attnotnull::text,
               (a.attgenerated <> '')::text,
               CASE WHEN t.oid IN (1042, 1043) AND a.atttypmod > 4 THEN (a.atttypmod - 4)::text END, (a.atthasdef OR a.attidentity <> '')::text,
               format_type(a.atttypid, a.atttypmod), col_description(a.attrelid, a.attnum),
               (t.typname = 'citext' OR EXISTS (SELECT FROM pg_collation c WHERE c.oid = a.attcollation AND to_jsonb(c)->>'collisdeterministic' = 'false'))::text,
               a.atttypid || ' ' || a.atttypmod, format_type(e.oid, NULL) || CASE WHEN l.in_list THEN '[]' ELSE '' END, (e.typtype = 'c')::text,
               (a.attidentity = 'a')::text
        FROM pg_attribute a JOIN base b ON b.attnum = a.attnum AND NOT b.in_list JOIN pg_type t ON t.oid = b.oid AND t.typtype <> 'd'
        JOIN base l ON l.attnum = a.attnum JOIN pg_type e ON e.oid = l.oid AND e.typtype <> 'd' AND NOT (e.typcategory = 'A' AND e.typelem <> 0)
        WHERE a.attrelid = $1::text::oid ORDER BY a.attnum
        """;

    private const string FindPrimaryKey = """
        SELECT a.attname::text FROM pg_index i CROSS JOIN unnest(i.indkey) WITH ORDINALITY k(attnum, place)
        JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.attnum
        WHERE i.indrelid = $1::text::oid AND i.indisprimary AND k.place <= i.indnkeyatts ORDER BY k.place
        """;

    private const string FindStores = """
        WITH RECURSIVE t(oid) AS (SELECT $1::text::oid UNION SELECT i.inhrelid FROM pg_inherits i JOIN t ON i.inhparent = t.oid)
        SELECT c.oid::text, quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_relation_filenode(c.oid)::text,
               (pg_relation_size(c.oid) / current_setting('block_size')::bigint)::text, c.relkind::text,
               CASE WHEN m.amhandler <> 'heap_tableam_handler'::regproc THEN m.amname::text END, (c.relpersistence = 'u')::text
        FROM t JOIN pg_class c ON c.oid = t.oid JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_am m ON m.oid = c.relam
        WHERE c.relkind <> 'p' ORDER BY c.oid
        """;

    /// <summary>A table; null where there is none of this name.</summary>
    /// <param name="connection">Any connection.</param>
    /// <param name="name">As SQL names it.</param>
    /// <param name="key">The columns of the key; empty for those of the primary key, of which there may be none.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Core.Errors.PipelineException">It is no table, or has no such column.</exception>
    public static async Task<PostgresTable?> FindAsync(NpgsqlConnection connection, string name, IReadOnlyList<string> key, CancellationToken ct)
    {
        if (await PostgresDatabase.RowsAsync(connection, FindTable, ct, name).ConfigureAwait(false) is not [var found]) return null;
        var (oid, quoted) = (found[0]!, found[1]!);
        if (found[2] is not ("r" or "p" or "m")) throw PostgresErrors.NotATable.Error($"{quoted} is a view, a foreign table or something else, not a table.");
        var columns = (await PostgresDatabase.RowsAsync(connection, FindColumns, ct, oid).ConfigureAwait(false)).ConvertAll(ColumnOf);
        if (key.Count == 0) key = (await PostgresDatabase.RowsAsync(connection, FindPrimaryKey, ct, oid).ConfigureAwait(false)).ConvertAll(r => r[0]!);
        var stores = await PostgresDatabase.RowsAsync(connection, FindStores, ct, oid).ConfigureAwait(false);
        if (stores.Find(s => s[4] is not ("r" or "m")) is { } foreign)
        {
            throw PostgresErrors.NotATable.Error($"{foreign[1]}, a part of {quoted}, is a foreign table: its rows can't be read by place.");
        }

        var keyColumns = key.Select(k => columns.Find(c => c.Name == k) ?? throw PostgresErrors.NoColumn.Error($"{quoted} has no column '{k}'."));
        return new PostgresTable(Number(oid), quoted, columns, [.. keyColumns], stores.ConvertAll(
            s => new PostgresStore(Number(s[0]!), s[1]!, Number(s[2]!), long.Parse(s[3]!, CultureInfo.InvariantCulture)) { OtherMethod = s[5], IsUnlogged = s[6] == "true" }));
    }

    /// <summary>The rows of a query as though they were a table's; nothing is executed.</summary>
    /// <param name="connection">Any connection.</param>
    /// <param name="from">The query as it stands behind FROM.</param>
    /// <param name="key">The columns of the key.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Core.Errors.PipelineException">It has no such column.</exception>
    public static async Task<PostgresTable> DescribeAsync(NpgsqlConnection connection, string from, IReadOnlyList<string> key, CancellationToken ct)
    {
        var found = await PostgresDatabase.DescribeAsync(connection, $"SELECT * FROM {from}", ct).ConfigureAwait(false);
        var types = (await PostgresDatabase.RowsAsync(
            connection, "SELECT oid::text, format_type(oid, NULL), typtype::text FROM pg_type WHERE oid = ANY($1::text[]::oid[])", ct, (object)found.Select(f => f.Type).ToArray())
            .ConfigureAwait(false)).ToDictionary(t => t[0]!);
        var columns = found.Select(f => ColumnOf([f.Name, types[f.Type][1], f.Type, types[f.Type][2], "false", "true", null, "false", types[f.Type][1], null, "false", f.Type, types[f.Type][1], "false", "false"])).ToArray();
        var keyColumns = key.Select(k => Array.Find(columns, c => c.Name == k) ?? throw PostgresErrors.NoColumn.Error($"The query has no column '{k}'.", "Select the key's columns, or name others with --pg-key."));
        return new PostgresTable(0, from, columns, [.. keyColumns], []);
    }

    private static uint Number(string text) => uint.Parse(text, CultureInfo.InvariantCulture);

    private static PostgresColumn ColumnOf(string?[] row)
    {
        var (form, kind) = FormOf(Number(row[2]!), row[3]!);
        return new PostgresColumn(row[0]!, CastNameOf(row[1]!), form ?? ValueForm.Json, kind)
        {
            IsPlain = form is not null,
            DeclaredType = row[8]!,
            Nullable = row[4] != "true",
            IsGenerated = row[5] == "true",
            IsIdentity = row[14] == "true",
            HasDefault = row[7] == "true",
            IsField = row[9] == KnownFields.Comment,
            Blurs = row[10] == "true",
            TypeId = row[11]!,
            BaseType = CastNameOf(row[12]!),
            IsComposite = row[13] == "true",
            MaxLength = row[6] is { } length ? int.Parse(length, CultureInfo.InvariantCulture) : null,
        };
    }

    // In a cast the names of these types without a length mean the length 1.
    private static string CastNameOf(string type) => type switch
    {
        "character" or "character[]" => type.Replace("character", "bpchar", StringComparison.Ordinal),
        "bit" or "bit[]" => type.Replace("bit", "bit varying", StringComparison.Ordinal),
        _ => type,
    };

    // The numbers of the built-in types, which never change (pg_type.dat).
    private static (ValueForm? Form, FieldKind Kind) FormOf(uint type, string category) => type switch
    {
        16 => (ValueForm.Boolean, FieldKind.Boolean),
        17 => (ValueForm.Bytes, FieldKind.Keyword),
        20 or 21 or 23 => (ValueForm.Integer, FieldKind.Integer),
        25 => (ValueForm.Text, FieldKind.Text),
        19 or 1042 or 1043 => (ValueForm.Text, FieldKind.Keyword),
        700 or 701 => (ValueForm.Float, FieldKind.Double),
        1700 => (ValueForm.Numeric, FieldKind.Decimal),
        2950 => (ValueForm.Uuid, FieldKind.Keyword),
        1082 => (ValueForm.Date, FieldKind.Timestamp),
        1114 => (ValueForm.Timestamp, FieldKind.Timestamp),
        1184 => (ValueForm.TimestampTz, FieldKind.Timestamp),
        114 => (ValueForm.Json, FieldKind.Json),
        3802 => (ValueForm.BinaryJson, FieldKind.Json),
        _ when category == "e" => (ValueForm.Text, FieldKind.Keyword),
        _ => (null, FieldKind.Unknown),
    };
}
