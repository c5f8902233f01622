using System.Globalization;
using System.Text;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>The table that is written to, and the statements that write it.</summary>
internal sealed class SinkTable
{
    // Kept by the connection, empty between two transactions. A key that comes twice in one write: the last one counts, by ctid.
    private const string MakeStaging =
        "CREATE TEMPORARY TABLE IF NOT EXISTS espipe_staging (key text NOT NULL, document jsonb) ON COMMIT DELETE ROWS";

    private const string FindUniqueIndex = """
        SELECT 1::text FROM pg_index i WHERE i.indrelid = $1::text::oid AND i.indisunique AND i.indimmediate AND i.indpred IS NULL AND i.indexprs IS NULL
          AND (SELECT array_agg(a.attname::text ORDER BY a.attname) FROM pg_attribute a
               WHERE a.attrelid = i.indrelid AND a.attnum = ANY(i.indkey[0:i.indnkeyatts - 1])) = (SELECT array_agg(k ORDER BY k) FROM unnest($2) k)
        LIMIT 1
        """;

    private readonly string _merge;
    private readonly string _read;
    private readonly string? _findMisfits;

    private readonly PostgresTable _table;
    private readonly PostgresColumn? _content;

    private SinkTable(PostgresTable table, PostgresColumn? content, string merge, string read, string? findMisfits)
    {
        (_table, _content) = (table, content);
        (Name, KeyColumns) = (table.Name, table.Key.Count);
        (_merge, _read, _findMisfits) = (merge, read, findMisfits);
    }

    /// <summary>Its name, quoted for SQL.</summary>
    public string Name { get; }

    /// <summary>How many columns its key has.</summary>
    public int KeyColumns { get; }

    /// <summary>True where the document is one column, false where each field is.</summary>
    public bool IsDocument => _content is not null;

    /// <summary>True where a record reads back under its own key: texts do, while <c>007</c> as a number is <c>7</c>.</summary>
    public bool KeepsKeys => _table.Key is [{ Form: ValueForm.Text, IsPadded: false }];

    /// <summary>The columns that are written, those of the key among them; the server fills the others.</summary>
    public IEnumerable<string> WrittenColumns => _table.Columns.Where(IsWritten).Select(c => c.Name);

    /// <summary>The columns of the key, quoted for SQL, with commas between.</summary>
    public string KeyNames => string.Join(", ", _table.Key.Select(k => SqlText.Name(k.Name)));

    /// <summary>How what was written is read; the server promises nothing of its text.</summary>
    public RowFormat ReadingFormat => new(_table with { Columns = [.. _table.Columns.Where(IsWritten)] }, IsDocument, checksText: true);

    /// <summary>The same for a table of another name.</summary>
    public SinkTable Named(string name)
    {
        var table = _table with { Name = name };
        return _content is null ? OfColumns(table) : OfDocuments(table, _content);
    }

    private bool IsWritten(PostgresColumn column) => _table.Key.Contains(column) || (IsDocument ? column == _content : !column.IsGenerated);

    /// <summary>Looks at a table, and says what does not fit.</summary>
    public static async Task<SinkTable> OfAsync(NpgsqlConnection connection, PostgresTable table, TableShape shape, CancellationToken ct)
    {
        if (table.Key.Count == 0) throw PostgresErrors.TableMisfit.Error($"{table.Name} has no primary key.", "Add one, or name unique columns with --pg-key.");
        var keys = table.Key.Select(k => k.Name).ToArray();
        var unique = await PostgresDatabase.RowsAsync(
            connection, FindUniqueIndex, ct, table.Oid.ToString(CultureInfo.InvariantCulture), keys).ConfigureAwait(false);
        if (unique.Count == 0)
        {
            throw PostgresErrors.TableMisfit.Error($"{table.Name} has no unique index on exactly {string.Join(", ", keys)}, so rows can't be replaced by their key.");
        }

        var content = table.Find(RowFormat.ContentColumn) is { Form: ValueForm.Json or ValueForm.BinaryJson, IsPlain: true } column ? column : null;
        var isDocument = shape == TableShape.Document || (shape == TableShape.Auto && content is not null);
        if (!isDocument) return OfColumns(table);
        if (content is null) throw PostgresErrors.TableMisfit.Error($"{table.Name} has no column '{RowFormat.ContentColumn}' of type json or jsonb.");
        if (table.Columns.FirstOrDefault(c => !c.Nullable && c != content && !table.Key.Contains(c) && !c.IsGenerated && !c.HasDefault) is { } missing)
        {
            throw PostgresErrors.TableMisfit.Error($"{table.Name} has the column '{missing.Name}', which is neither key nor content and takes no null.");
        }

        return OfDocuments(table, content);
    }

    /// <summary>Writes records in one transaction.</summary>
    /// <param name="connection">A connection.</param>
    /// <param name="slice">The records.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="before">What comes first in the transaction; null for nothing.</param>
    /// <param name="after">What comes last in it; null for nothing.</param>
    public async Task<WriteResult> WriteAsync(
        NpgsqlConnection connection,
        RecordSlice slice,
        CancellationToken ct,
        Func<NpgsqlConnection, CancellationToken, Task>? before = null,
        Func<NpgsqlConnection, CancellationToken, Task>? after = null)
    {
        var transaction = await connection.BeginTransactionAsync(ct).ConfigureAwait(false);
        await using (transaction.ConfigureAwait(false))
        {
            if (before is not null) await before(connection, ct).ConfigureAwait(false);
            await PostgresDatabase.ExecuteAsync(connection, MakeStaging, ct).ConfigureAwait(false);
            var stream = await connection.BeginRawBinaryCopyAsync("COPY espipe_staging FROM STDIN (FORMAT binary)", ct).ConfigureAwait(false);
            await StagingWriter.WriteAsync(stream, slice, ct).ConfigureAwait(false);
            var failures = _findMisfits is null ? [] : await TakeMisfitsAsync(connection, ct).ConfigureAwait(false);
            var counts = await PostgresDatabase.RowAsync(connection, _merge, ct).ConfigureAwait(false);
            if (after is not null) await after(connection, ct).ConfigureAwait(false);
            await transaction.CommitAsync(ct).ConfigureAwait(false);
            var unchanged = int.Parse(counts[0]!, CultureInfo.InvariantCulture);
            return new WriteResult(slice.Count - failures.Count - unchanged, unchanged, failures);
        }
    }

    /// <summary>The document under a key; null where there is none.</summary>
    public async Task<byte[]?> ReadAsync(NpgsqlConnection connection, string key, CancellationToken ct)
    {
        if (KeyText.Split(key, KeyColumns) is not { } values) return null;
        var rows = await PostgresDatabase.RowsAsync(connection, _read, ct, [.. values]).ConfigureAwait(false);
        return rows is [[{ } json, ..], ..] ? Encoding.UTF8.GetBytes(json) : null;
    }

    private static SinkTable OfDocuments(PostgresTable table, PostgresColumn content)
    {
        var name = SqlText.Name(content.Name);
        var differs = content.Form == ValueForm.BinaryJson ? $"t.{name} IS DISTINCT FROM excluded.{name}" : $"t.{name}::jsonb IS DISTINCT FROM excluded.{name}::jsonb";
        var merge = Merge(table, $", {name}", $", document::{content.Type}", $"{name} = excluded.{name}", differs, "");
        return new SinkTable(table, content, merge, $"SELECT {name}::text FROM {table.Name} WHERE {KeyIs(table)}", null);
    }

    // The document becomes a row by jsonb_populate_record, which casts each field as the column's type does; the key is the record's.
    private static SinkTable OfColumns(PostgresTable table)
    {
        var others = table.Columns.Where(c => !c.IsGenerated && !table.Key.Contains(c)).Select(c => SqlText.Name(c.Name)).ToArray();
        var list = string.Concat(others.Select(o => ", " + o));
        var fields = string.Concat(others.Select(o => ", r." + o));
        var set = string.Join(", ", others.Select(o => $"{o} = excluded.{o}"));
        var differs = $"({string.Join(", ", others.Select(o => $"t.{o}::text"))}) IS DISTINCT FROM ({string.Join(", ", others.Select(o => $"excluded.{o}::text"))})";
        return new SinkTable(
            table,
            null,
            Merge(table, list, fields, set, differs, $" CROSS JOIN LATERAL jsonb_populate_record(NULL::{table.Name}, document) r"),
            $"SELECT row_to_json(t)::text FROM {table.Name} t WHERE {KeyIs(table)}",
            FindMisfits(table));
    }

    // Rows of the staging table lie in the order of the slice's records.
    private static string FindMisfits(PostgresTable table)
    {
        var known = SqlText.Array(table.Columns.Select(c => c.Name)) + "::text[]";
        var misfits = table.Columns.Where(c => !c.IsGenerated && !table.Key.Contains(c))
            .Select(c => (Column: c, Condition: ColumnFit.Misfit(table.Name, c))).Where(m => m.Condition is not null)
            .Select(m => $" WHEN {m.Condition} THEN {SqlText.Literal(m.Column.Name)}").ToArray();
        var others = table.Key.Zip(KeyParts(table), (k, part) =>
            $" WHEN CAST(document->>{SqlText.Literal(k.Name)} AS {k.Type}) <> {part} THEN {SqlText.Literal(k.Name)}");
        var misfit = misfits.Length == 0 ? "NULL" : $"CASE{string.Concat(misfits)} END";
        return $"""
            SELECT number::text, at::text, unknown, other, misfit, left(document->>misfit, 60) FROM (
                SELECT row_number() OVER (ORDER BY ctid) - 1 AS number, ctid AS at, document,
                    CASE{string.Concat(others)} END AS other, {misfit} AS misfit,
                    CASE WHEN document - {known} <> jsonb_build_object() THEN (SELECT f FROM jsonb_object_keys(document - {known}) f LIMIT 1) END AS unknown
                FROM espipe_staging) s
            WHERE coalesce(unknown, other, misfit) IS NOT NULL ORDER BY number
            """;
    }

    // The columns of the key, out of the record's key.
    private static string[] KeyParts(PostgresTable table) => [.. table.Key.Select((k, i) => table.Key.Count == 1
        ? $"CAST(key AS {k.Type})"
        : $"CAST(replace(replace(split_part(key, ',', {i + 1}), '%2C', ','), '%25', '%') AS {k.Type})")];

    private static string KeyIs(PostgresTable table) =>
        string.Join(" AND ", table.Key.Select((k, i) => $"{SqlText.Name(k.Name)} = CAST(${i + 1}::text AS {k.Type})"));

    private static string Merge(PostgresTable table, string columns, string values, string set, string differs, string join)
    {
        var keys = table.Key.Select(k => SqlText.Name(k.Name)).ToArray();
        var parts = KeyParts(table);
        var conflict = set.Length == 0 ? "NOTHING" : $"UPDATE SET {set} WHERE {differs}";
        return $"""
            WITH latest AS MATERIALIZED (SELECT DISTINCT ON (key COLLATE "C") key, document FROM espipe_staging ORDER BY key COLLATE "C", ctid DESC),
            gone AS (DELETE FROM {table.Name} t USING latest WHERE document IS NULL AND {string.Join(" AND ", keys.Zip(parts, (k, p) => $"t.{k} = {p}"))}),
            written AS (
                INSERT INTO {table.Name} AS t ({string.Join(", ", keys)}{columns}) SELECT {string.Join(", ", parts)}{values}
                FROM latest{join} WHERE document IS NOT NULL ORDER BY key COLLATE "C"
                ON CONFLICT ({string.Join(", ", keys)}) DO {conflict} RETURNING 1)
            SELECT ((SELECT count(*) FROM latest WHERE document IS NOT NULL) - (SELECT count(*) FROM written))::text
            """;
    }

    private async Task<List<RecordFailure>> TakeMisfitsAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        var rows = await PostgresDatabase.RowsAsync(connection, _findMisfits!, ct).ConfigureAwait(false);
        if (rows.Count == 0) return [];
        await PostgresDatabase.ExecuteAsync(
            connection, "DELETE FROM espipe_staging WHERE ctid = ANY($1::text[]::tid[])", ct, (object)rows.Select(r => r[1]).ToArray()).ConfigureAwait(false);
        return rows.ConvertAll(MisfitOf);
    }

    private RecordFailure MisfitOf(string?[] row)
    {
        var index = int.Parse(row[0]!, CultureInfo.InvariantCulture);
        if (row[2] is { } unknown) return new RecordFailure(index, PostgresErrors.UnknownField, $"{Name} has no column for the field '{unknown}'.");
        return row[3] is { } other
            ? new RecordFailure(index, PostgresErrors.KeyDiffers, $"Its field '{other}' is not its key, and the column '{other}' holds the key.")
            : new RecordFailure(index, PostgresErrors.ValueMisfit, $"The column '{row[4]}' of type {_table.Find(row[4]!)!.DeclaredType} does not hold '{row[5]}' as it is.");
    }
}
