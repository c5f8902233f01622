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
        return column.Form switch
        {
            ValueForm.Float => Number(json, text, column.DeclaredType),
            ValueForm.Numeric when column.DeclaredType != "numeric" => Number(json, text, column.DeclaredType),
            ValueForm.Boolean => $"jsonb_typeof{json} NOT IN ('boolean', 'null') AND {text} NOT IN ('true', 'false')",
            ValueForm.Bytes => $@"{text} !~ '^([\\]x([0-9a-fA-F]{{2}})*)?$'",
            ValueForm.Date => $"{text} ~ ':' AND {text} !~* {SqlText.Literal(AtMidnight)}",
            ValueForm.Timestamp => $"{Finer(text, column.DeclaredType, "timestamp")} OR {Zoned(text)}",
            ValueForm.TimestampTz => Finer(text, column.DeclaredType, "timestamptz"),
            ValueForm.Text when column.IsPadded => $"{text} ~ ' $'",
            _ => column.Type switch
            {
                "time without time zone" => $"{Finer(text, column.DeclaredType, "time")} OR {Zoned(text)}",
                "time with time zone" => Finer(text, column.DeclaredType, "timetz"),
                "smallint[]" or "integer[]" or "bigint[]" or "real[]" or "double precision[]" or "numeric[]" or "boolean[]" =>
                    $"to_jsonb((jsonb_populate_record(NULL::{table}, jsonb_build_object({name}, {json}))).{SqlText.Name(column.Name)}) <> {json}",
                _ => null,
            },
        };
    }

    // As JSON the server writes a float with the fewest digits that stand for it alone, so that 0.1 comes back as 0.1.
    private static string Number(string json, string text, string type) => $"""
        CASE jsonb_typeof{json} WHEN 'number' THEN to_jsonb({text}::{type}) <> {json}
        WHEN 'string' THEN {text} ~ '^ *[-+]?[0-9.]' AND {text}::{type}::text::numeric <> {text}::numeric END
        """;

    private static string Finer(string text, string type, string finest) =>
        $"{text} ~ {SqlText.Literal(FinerThanMicroseconds)} OR {text}::{type} <> {text}::{finest}";

    private static string Zoned(string text) => $"({text} ~* {SqlText.Literal(WithZone)} AND {text} !~* {SqlText.Literal(InUtc)})";
}
