namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// What PostgreSQL takes into a column but not as it is: it rounds numbers, drops a date's time and a time's zone, reads <c>yes</c> as true,
/// <c>00501</c> as 501 and a number as a date, all without a word. As SQL over a row's <c>document</c>.
/// </summary>
internal static class ColumnFit
{
    private const string WithZone = ":[0-9.: ]*([+-][0-9]|[a-z])";
    private const string InUtc = "(Z|UTC|[+-]00(:?00)?|[0-9] (BC|AD))$";
    private const string AtMidnight = "[T ]00:00(:00([.]0+)?)? *(Z|[+-]00(:?00)?)?( BC)?$";

    // The server counts microseconds.
    private const string FinerThanMicroseconds = "[.][0-9]{6}[0-9]*[1-9]";

    // What is read in one way only: 03/04/2024, now and 20240101 are times to the server, too.
    private const string Day = "[0-9]{4,7}-[0-9]{1,2}-[0-9]{1,2}";
    private const string Moment = $"^(-?infinity|{Day}([Tt ][0-9]{{1,2}}:.*)?( BC)?)$";
    private const string TimeOfDay = "^[0-9]{1,2}:";
    private const string ClockTime = "[0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,6}0*)?)?";

    // Which the server takes for the next minute's first.
    private const string LeapSecond = ":60";

    // A number as every system writes it as text.
    private const string PlainNumber = "-?((0|[1-9][0-9]*)([.][0-9]*)?|[.][0-9]+)";
    private const string WithExponent = PlainNumber + "([eE][-+]?[0-9]+)?";
    private const string NoNumber = "nan|-?inf(inity)?";

    /// <summary>The condition that is true of a document whose value the column would change; null where the column changes none.</summary>
    /// <param name="table">The table's name, quoted for SQL.</param>
    /// <param name="column">The column.</param>
    public static string? Misfit(string table, PostgresColumn column)
    {
        var name = SqlText.Literal(column.Name);
        var (json, text) = ($"(document->{name})", $"(document->>{name})");
        if (column.IsIdentity) return $"jsonb_typeof{json} <> 'null'";
        var isList = column.BaseType.EndsWith("[]", StringComparison.Ordinal);

        // A record has no members but its own, and its members' types have rules of their own.
        var stored = $"to_jsonb((jsonb_populate_record(NULL::{table}, jsonb_build_object({name}, {json}))).{SqlText.Name(column.Name)})";
        if (column.IsComposite)
        {
            // A time or a UUID within may be written in another way and be the same.
            const string names = "object\").keyvalue().key";
            const string numbers = "number\")";
            return $"{Found(stored, names)} <> {Found(json, names)} OR {Found(stored, numbers)} <> {Found(json, numbers)}";
        }

        if (!isList) return Misfit(column.BaseType, column.DeclaredType, column.Form, json, text);
        if (column.BaseType is "smallint[]" or "integer[]" or "bigint[]" or "real[]" or "double precision[]" or "numeric[]" or "boolean[]") return $"{stored} <> {json}";

        // A list's text, {a,b}, would be taken for a list. Lists may hold lists. A domain of a list says nothing of what limits its elements.
        var element = column.BaseType[..^2];
        var declared = column.DeclaredType.EndsWith("[]", StringComparison.Ordinal) ? column.DeclaredType[..^2] : element;
        return Misfit(element, declared, FormOf(element), "(v)", "(v #>> '{}')") is { } misfit
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
        { Form: ValueForm.Integer or ValueForm.Text or ValueForm.Boolean } or { BaseType: "\"char\"" or "oid" or "tsvector" } => $"{text}::{column.DeclaredType}::text <> {text}",
        _ => null,
    };

    private static string? Misfit(string type, string declared, ValueForm form, string json, string text) => form switch
    {
        ValueForm.Float => $"{NoNumberText(json, text, WithExponent)} OR {Number(json, text, declared)}",
        ValueForm.Numeric when declared != "numeric" => $"{NoNumberText(json, text, WithExponent)} OR {Number(json, text, declared)}",
        ValueForm.Numeric => NoNumberText(json, text, WithExponent),
        ValueForm.Integer => NoNumberText(json, text, PlainNumber),
        ValueForm.Boolean => $"jsonb_typeof{json} NOT IN ('boolean', 'null') AND {text} NOT IN ('true', 'false', '1', '0')",
        ValueForm.Bytes => $@"{text} !~ '^([\\]x([0-9a-fA-F]{{2}})*)?$'",
        ValueForm.Date => NoTimeOr(Moment, json, text, $"{text} ~ ':' AND {text} !~* {SqlText.Literal(AtMidnight)}"),
        ValueForm.Timestamp => NoTimeOr(Moment, json, text, $"{Finer(text, declared, "timestamp")} OR {Zoned(text)}"),
        ValueForm.TimestampTz => NoTimeOr(Moment, json, text, Finer(text, declared, "timestamptz")),

        // Cut where only blanks are lost. A cast cuts whatever is lost; the column itself would say so. The blanks at the end of a char(n) are
        // sent with it, and concat keeps them.
        ValueForm.Text => declared is "text" or "character varying" ? null : $"{text} NOT IN ({text}::{declared}::text, concat({text}::{declared}))",
        _ => type switch
        {
            "time without time zone" => NoTimeOr(TimeOfDay, json, text, $"{Finer(text, declared, "time")} OR {Zoned(text)}"),
            "time with time zone" => NoTimeOr(TimeOfDay, json, text, Finer(text, declared, "timetz")),
            "interval" => $"jsonb_typeof{json} NOT IN ('string', 'null') OR {Finer(text, declared, "interval")}",
            "daterange" or "datemultirange" => NoRange(type, text, ""),
            "tsrange" or "tsmultirange" => NoRange(type, text, ClockTime),
            "tstzrange" or "tstzmultirange" => NoRange(type, text, ClockTime + "([-+][0-9]{2}(:?[0-9]{2}(:[0-9]{2})?)?|Z)?"),
            "\"char\"" or "oid" or "tsvector" => $"{text}::{declared}::text <> {text}",
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
        WHEN 'string' THEN {text} ~ '^[-+]?[0-9.]' AND {text}::{type}::text::numeric <> {text}::numeric END
        """;

    // A text that is a number to the server, and whose writing the number does not keep: 00501, 0x1F, 1_000.
    private static string NoNumberText(string json, string text, string number) =>
        $"(jsonb_typeof{json} = 'string' AND {text} !~* {SqlText.Literal($"^({number}|{NoNumber})$")})";

    // In this order: what is no time is not to be read as one.
    private static string NoTimeOr(string pattern, string json, string text, string otherwise) =>
        $"CASE WHEN jsonb_typeof{json} NOT IN ('string', 'null') OR {text} !~ {SqlText.Literal(pattern)} OR {text} ~ '{LeapSecond}' THEN true ELSE {otherwise} END";

    // A range's bounds, as the server writes them.
    private static string NoRange(string type, string text, string time)
    {
        var bound = $"(\"?(-?infinity|{Day}{(time.Length > 0 ? $"([Tt ]{time})?" : "")}( BC)?)\"?)?";
        var range = $"(empty|[[(]{bound}, *{bound}[])])";
        var all = type.Contains("multi", StringComparison.Ordinal) ? $"[{{]({range}(, *{range})*)?[}}]" : range;
        return $"({text} !~ {SqlText.Literal($"^{all}$")} OR {text} ~ '{LeapSecond}')";
    }

    private static string Found(string json, string path) => $"jsonb_path_query_array(jsonb_strip_nulls({json}), '$.** ? (@.type() == \"{path}')";

    private static string Finer(string text, string type, string finest) =>
        $"{text} ~ {SqlText.Literal(FinerThanMicroseconds)} OR {text}::{type} <> {text}::{finest}";

    private static string Zoned(string text) => $"({text} ~* {SqlText.Literal(WithZone)} AND {text} !~* {SqlText.Literal(InUtc)})";
}
