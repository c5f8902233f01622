namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// What PostgreSQL takes into a column but not as it is: it rounds numbers, drops a date's time and a time's zone, and reads <c>yes</c> as true,
/// all without a word. As SQL over a row's <c>document</c>.
/// </summary>
internal static class ColumnFit
{
    private const string WithZone = ":[0-9.: ]*([+-][0-9]|[a-z])";
    private const string InUtc = "(Z|UTC|[+-]00(:?00)?|[0-9] (BC|AD))$";
    private const string AtMidnight = "[T ]00:00(:00([.]0+)?)? *(Z|[+-]00(:?00)?)?( BC)?$";

    // The server counts microseconds.
    private const string FinerThanMicroseconds = "[.][0-9]{6}[0-9]*[1-9]";

    /// <summary>The condition that is true of a document whose value the column would change; null where the column changes none.</summary>
    /// <param name="table">The table's name, quoted for SQL.</param>
    /// <param name="column">The column.</param>
    public static string? Misfit(string table, PostgresColumn column)
    {
        var name = SqlText.Literal(column.Name);
        var (json, text) = ($"(document->{name})", $"(document->>{name})");
        if (!column.Type.EndsWith("[]", StringComparison.Ordinal)) return Misfit(column.Type, column.DeclaredType, column.Form, json, text);
        if (column.Type is "smallint[]" or "integer[]" or "bigint[]" or "real[]" or "double precision[]" or "numeric[]" or "boolean[]")
        {
            return $"to_jsonb((jsonb_populate_record(NULL::{table}, jsonb_build_object({name}, {json}))).{SqlText.Name(column.Name)}) <> {json}";
        }

        // A list's text, {a,b}, would be taken for a list. Lists may hold lists.
        return Misfit(column.Type[..^2], column.DeclaredType[..^2], FormOf(column.Type[..^2]), "v", "(v #>> '{}')") is { } misfit
            ? $"(jsonb_typeof{json} NOT IN ('array', 'null') OR EXISTS (SELECT FROM jsonb_path_query({json}, '$.** ? (@.type() != \"array\")') v WHERE {misfit}))"
            : null;
    }

    /// <summary>
    /// The condition that is true of a part of a record's key that its column would take for another key's: <c>007</c> for <c>7</c>; null where there
    /// is none. Other systems write a time, a scale or a UUID's letters in their own way: these are no other keys.
    /// </summary>
    /// <param name="column">The column.</param>
    /// <param name="text">The part, as SQL.</param>
    public static string? BadKey(PostgresColumn column, string text) => column switch
    {
        { Type: "text" } or { DeclaredType: "character varying" } => null,
        { Form: ValueForm.Numeric } => $"{text} !~ '^-?(0|[1-9][0-9]*)([.][0-9]+)?$' OR {text}::{column.DeclaredType} <> {text}::numeric",
        { Form: ValueForm.Uuid } => $"{text}::uuid::text <> lower({text})",
        { Form: ValueForm.Integer or ValueForm.Text or ValueForm.Boolean } => $"{text}::{column.DeclaredType}::text <> {text}",
        _ => null,
    };

    private static string? Misfit(string type, string declared, ValueForm form, string json, string text) => form switch
    {
        ValueForm.Float => Number(json, text, declared),
        ValueForm.Numeric when declared != "numeric" => Number(json, text, declared),
        ValueForm.Boolean => $"jsonb_typeof{json} NOT IN ('boolean', 'null') AND {text} NOT IN ('true', 'false', '1', '0')",
        ValueForm.Bytes => $@"{text} !~ '^([\\]x([0-9a-fA-F]{{2}})*)?$'",
        ValueForm.Date => $"{text} ~ ':' AND {text} !~* {SqlText.Literal(AtMidnight)}",
        ValueForm.Timestamp => $"{Finer(text, declared, "timestamp")} OR {Zoned(text)}",
        ValueForm.TimestampTz => Finer(text, declared, "timestamptz"),

        // Cut where only blanks are lost. A cast cuts whatever is lost; the column itself would say so. The blanks at the end of a char(n) are
        // sent with it, and concat keeps them.
        ValueForm.Text => declared is "text" or "character varying" ? null : $"{text} NOT IN ({text}::{declared}::text, concat({text}::{declared}))",
        _ => type switch
        {
            "time without time zone" => $"{Finer(text, declared, "time")} OR {Zoned(text)}",
            "time with time zone" => Finer(text, declared, "timetz"),
            "interval" => Finer(text, declared, "interval"),
            "money" => $"CASE WHEN {text} ~ '^[-+]?[0-9]*[.]?[0-9]*$' THEN {text}::money::numeric <> {text}::numeric ELSE {text} ~ '[.][0-9]{{2}}[0-9]*[1-9]' END",
            _ => null,
        },
    };

    // How the elements of a list are read, where it makes a difference here.
    private static ValueForm FormOf(string type) => type switch
    {
        "date" => ValueForm.Date,
        "timestamp without time zone" => ValueForm.Timestamp,
        "timestamp with time zone" => ValueForm.TimestampTz,
        "bytea" => ValueForm.Bytes,
        "text" or "character varying" or "bpchar" or "name" => ValueForm.Text,
        _ => ValueForm.Json,
    };

    // As JSON the server writes a float with the fewest digits that stand for it alone, so that 0.1 comes back as 0.1.
    private static string Number(string json, string text, string type) => $"""
        CASE jsonb_typeof{json} WHEN 'number' THEN to_jsonb({text}::{type}) <> {json}
        WHEN 'string' THEN {text} ~ '^ *[-+]?[0-9.]' AND {text}::{type}::text::numeric <> {text}::numeric END
        """;

    private static string Finer(string text, string type, string finest) =>
        $"{text} ~ {SqlText.Literal(FinerThanMicroseconds)} OR {text}::{type} <> {text}::{finest}";

    private static string Zoned(string text) => $"({text} ~* {SqlText.Literal(WithZone)} AND {text} !~* {SqlText.Literal(InUtc)})";
}
