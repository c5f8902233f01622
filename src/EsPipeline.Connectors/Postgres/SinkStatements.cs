using System.Collections.Immutable;

namespace EsPipeline.Connectors.Postgres;

/// <summary>The statements that write a table from <see cref="StagingName"/>, which holds records' keys and documents, null for a delete.</summary>
internal sealed class SinkStatements
{
    /// <summary>The temporary table that records are sent to.</summary>
    public const string StagingName = "espipe_staging";

    // A key that comes twice in one write: the last one counts, by ctid.
    private const string Latest =
        $"""SELECT DISTINCT ON (key COLLATE "C") key, document, ctid AS at FROM {StagingName} ORDER BY key COLLATE "C", ctid DESC""";

    private readonly PostgresTable _table;
    private readonly PostgresColumn? _content;
    private readonly PostgresColumn[] _values;

    /// <param name="table">The table.</param>
    /// <param name="content">The column of the document; null where each field is a column.</param>
    /// <param name="fields">The fields that documents have; all other columns are left as they are.</param>
    /// <param name="isTriggered">True where triggers of the table may keep rows out.</param>
    public SinkStatements(PostgresTable table, PostgresColumn? content, ImmutableHashSet<string> fields, bool isTriggered)
    {
        (_table, _content, Fields) = (table, content, fields);
        PostgresColumn[] others = content is null ? [.. table.Columns.Where(c => !c.IsGenerated && !c.IsIdentity && !table.Key.Contains(c))] : [content];
        _values = content is null ? [.. others.Where(c => fields.Contains(c.Name))] : others;
        Written = [.. table.Columns.Where(c => table.Key.Contains(c) || _values.Contains(c))];
        Others = [.. others.Except(_values).Select(c => c.Name)];
        FindFields = Others.Count == 0 ? null
            : $"SELECT c FROM unnest({SqlText.Array(Others)}::text[]) c WHERE EXISTS (SELECT FROM {StagingName} WHERE document ? c)";
        FindMisfits = Misfits();
        Delete = $"DELETE FROM {table.Name} t USING ({Latest}) latest WHERE latest.document IS NULL AND {Same("t", KeyParts("latest.key"))}";
        var mayKeepOut = isTriggered || table.Key.Any(k => k.Blurs);
        Merge = MergeOf(mayKeepOut);
        FindKeptOut = mayKeepOut ? KeptOut() : null;
        Read = $"SELECT {(content is null ? "row_to_json(t)" : SqlText.Name(content.Name))}::text FROM {table.Name} t WHERE {Same("t", [.. table.Key.Select((k, i) => Cast(k, $"${i + 1}::text"))])}";
    }

    /// <summary>The fields that they know.</summary>
    public ImmutableHashSet<string> Fields { get; }

    /// <summary>The columns that are written, those of the key among them.</summary>
    public IReadOnlyList<PostgresColumn> Written { get; }

    /// <summary>The columns that could be written and are not.</summary>
    public IReadOnlyCollection<string> Others { get; }

    /// <summary>Finds columns that documents have fields for and that are not written; null where all are.</summary>
    public string? FindFields { get; }

    /// <summary>
    /// Finds records that can't be written as they are: their number, their place in the staging table, and a field without a column, a field
    /// that is not the key it should be, a column that does not hold a field and what it holds, whether the key is not as the table writes it,
    /// and whether it is a delete. Null where there can be none.
    /// </summary>
    public string? FindMisfits { get; }

    /// <summary>
    /// Deletes what is to go: a statement of its own, since a new row may have the value of a unique column that a row had which is to go, and
    /// within one statement the server would still see that.
    /// </summary>
    public string Delete { get; }

    /// <summary>
    /// Writes documents. Answers how many documents were there as they are; of a table that may keep rows out, the places of all deletes and of documents
    /// that the server does not say it wrote, and which are deletes.
    /// </summary>
    public string Merge { get; }

    /// <summary>
    /// Of such places (a parameter) the records that are not as they should be afterwards, whether they are deletes, and whether the row of another
    /// key that the key's column takes for theirs is in their way. Null for a table that keeps nothing out: one without triggers, whose key tells
    /// all texts apart.
    /// </summary>
    public string? FindKeptOut { get; }

    /// <summary>The document under a key.</summary>
    public string Read { get; }

    // Where each field is a column, the document becomes a row by jsonb_populate_record, which casts each field as the column's type does; the
    // key is the record's, also where the server would number rows itself.
    private string MergeOf(bool mayKeepOut)
    {
        var (keys, parts) = (KeyNames, KeyParts("latest.key"));
        var names = _values.Select(v => SqlText.Name(v.Name)).ToArray();
        var values = string.Concat(_values.Select(v => $", {Value(v)}"));
        var conflict = names.Length == 0 ? "NOTHING" : $"UPDATE SET {string.Join(", ", names.Select(n => $"{n} = excluded.{n}"))} WHERE {Differs(v => $"excluded.{SqlText.Name(v.Name)}")}{Exactly("t", [.. keys.Select(k => "excluded." + k)])}";
        var answer = mayKeepOut
            ? $"SELECT at::text, (document IS NULL)::text FROM latest WHERE document IS NULL OR NOT EXISTS (SELECT FROM written w WHERE {Same("w", parts)})"
            : "SELECT ((SELECT count(*) FROM latest WHERE document IS NOT NULL) - (SELECT count(*) FROM written))::text";
        return $"""
            WITH latest AS MATERIALIZED ({Latest}),
            written AS (
                INSERT INTO {_table.Name} AS t ({string.Join(", ", keys.Concat(names))}) OVERRIDING SYSTEM VALUE SELECT {string.Join(", ", parts)}{values}
                FROM latest{Row} WHERE latest.document IS NOT NULL ORDER BY latest.key COLLATE "C"
                ON CONFLICT ({string.Join(", ", keys)}) DO {conflict} RETURNING {string.Join(", ", keys.Select(k => "t." + k))})
            {answer}
            """;
    }

    private string KeptOut()
    {
        var parts = KeyParts("latest.key");
        var there = Same("t", parts);
        var alike = Exactly("t", parts) is { Length: > 0 } exactly ? $"EXISTS (SELECT FROM {_table.Name} t WHERE {Alike("t", parts)} AND NOT (true{exactly}))" : "false";
        var same = _values.Length == 0 ? "" : $" AND NOT ({Differs(Value)})";
        return $"""
            SELECT number::text, (document IS NULL)::text, ({alike})::text
            FROM (SELECT row_number() OVER (ORDER BY ctid) - 1 AS number, ctid AS at, key, document FROM {StagingName}) latest
            WHERE at = ANY($1::text[]::tid[]) AND CASE WHEN latest.document IS NULL THEN EXISTS (SELECT FROM {_table.Name} t WHERE {there})
                ELSE NOT EXISTS (SELECT FROM {_table.Name} t{Row} WHERE {there}{same}) END
            ORDER BY number
            """;
    }

    // Rows of the staging table lie in the order of the slice's records. A large document is unpacked once, not for each column.
    private string? Misfits()
    {
        var parts = KeyTexts("key");
        var badKeys = _table.Key.Zip(parts, (k, part) => ColumnFit.BadKey(k, part)).OfType<string>().ToArray();
        if (_content is not null && badKeys.Length == 0) return null;
        var badKey = badKeys.Length == 0 ? "false" : string.Join(" OR ", badKeys);
        var (unknown, other, misfit) = _content is null ? FieldMisfits(parts) : ("NULL::text", "NULL::text", "NULL::text");
        return $"""
            SELECT number::text, at::text, unknown, other, misfit, left(document->>misfit, 60), bad_key::text, (document IS NULL)::text FROM (
                SELECT row_number() OVER (ORDER BY at) - 1 AS number, at, document, {unknown} AS unknown, {other} AS other, {misfit} AS misfit, {badKey} AS bad_key
                FROM (SELECT ctid AS at, key, jsonb_build_object() || document AS document FROM {StagingName} OFFSET 0) unpacked) s
            WHERE bad_key OR coalesce(unknown, other, misfit) IS NOT NULL ORDER BY number
            """;
    }

    private (string Unknown, string Other, string Misfit) FieldMisfits(string[] parts)
    {
        var known = SqlText.Array(_table.Columns.Select(c => c.Name)) + "::text[]";
        var misfits = _table.Columns.Where(c => !c.IsGenerated && !_table.Key.Contains(c))
            .Select(c => (Column: c, Condition: ColumnFit.Misfit(_table.Name, c))).Where(m => m.Condition is not null)
            .Select(m => $" WHEN {m.Condition} THEN {SqlText.Literal(m.Column.Name)}").ToArray();
        var others = _table.Key.Zip(parts, (k, part) => $" WHEN {(k.Blurs ? $"document->>{SqlText.Literal(k.Name)} <> {part}" : $"CAST(document->>{SqlText.Literal(k.Name)} AS {k.Type}) <> {Cast(k, part)}")} THEN {SqlText.Literal(k.Name)}");
        return (
            $"CASE WHEN document - {known} <> jsonb_build_object() THEN (SELECT f FROM jsonb_object_keys(document - {known}) f LIMIT 1) END",
            $"CASE{string.Concat(others)} END",
            misfits.Length == 0 ? "NULL::text" : $"CASE{string.Concat(misfits)} END");
    }

    private string[] KeyNames => [.. _table.Key.Select(k => SqlText.Name(k.Name))];

    // The columns of the key, out of the record's key.
    private string[] KeyTexts(string key) => [.. _table.Key.Select((_, i) => _table.Key.Count == 1
        ? key
        : $"replace(replace(split_part({key}, ',', {i + 1}), '%2C', ','), '%25', '%')")];

    private string[] KeyParts(string key) => [.. _table.Key.Zip(KeyTexts(key), Cast)];

    private static string Cast(PostgresColumn column, string text) => $"CAST({text} AS {column.Type})";

    // The row that a document is, where each field is a column.
    private string Row => _content is null ? $" CROSS JOIN LATERAL jsonb_populate_record(NULL::{_table.Name}, latest.document) r" : "";

    private string Value(PostgresColumn column) => _content is null ? "r." + SqlText.Name(column.Name) : $"latest.document::{column.Type}";

    // Where the row t is not what it would become.
    private string Differs(Func<PostgresColumn, string> value)
    {
        var type = _content is null ? "text" : "jsonb";
        return $"({string.Join(", ", _values.Select(v => $"t.{SqlText.Name(v.Name)}::{type}"))}) IS DISTINCT FROM ({string.Join(", ", _values.Select(v => $"{value(v)}::{type}"))})";
    }

    private string Same(string row, string[] parts) => Alike(row, parts) + Exactly(row, parts);

    // The same text, where the column takes others for equal.
    private string Exactly(string row, string[] parts) => string.Concat(_table.Key.Zip(parts, (k, part) => k.Blurs
        ? $" AND {row}.{SqlText.Name(k.Name)}::text COLLATE \"C\" = ({part})::text COLLATE \"C\""
        : ""));

    private string Alike(string row, string[] parts) =>
        string.Join(" AND ", _table.Key.Zip(parts, (k, part) => $"{row}.{SqlText.Name(k.Name)} = {part}"));
}
