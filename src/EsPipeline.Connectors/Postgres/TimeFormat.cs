using System.Text.RegularExpressions;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// What PostgreSQL reads of texts in the formats of an Elasticsearch <c>date</c> field, <c>||</c> between several. Of <c>dd/MM/yyyy</c> it would take the
/// day for the month.
/// </summary>
internal static partial class TimeFormat
{
    /// <summary>True where each text is a day and nothing more.</summary>
    public static bool IsDay(string? format) => format is not null && Alternatives(format).All(IsOfDays);

    /// <summary>True where each text is ISO 8601, with what PostgreSQL reads as it is meant. Numbers since 1970 are no texts.</summary>
    public static bool IsIso(string? format) =>
        format is null || Alternatives(format).All(f => f.StartsWith("epoch_", StringComparison.Ordinal) || IsOfDays(f) || IsOfTimes(f));

    private static IEnumerable<string> Alternatives(string format) =>
        format.Split("||").Select(f => f.StartsWith("strict_", StringComparison.Ordinal) ? f["strict_".Length..] : f);

    private static bool IsOfDays(string format) => format is "date" or "year_month_day" or "yyyy-MM-dd" or "uuuu-MM-dd";

    private static bool IsOfTimes(string format) =>
        format is "date_optional_time" or "date_optional_time_nanos" or "iso8601" or "date_time" or "date_time_no_millis" or "date_hour_minute"
            or "date_hour_minute_second" or "date_hour_minute_second_fraction" or "date_hour_minute_second_millis"
        || Pattern().IsMatch(format);

    // Such as yyyy-MM-dd HH:mm:ss and yyyy-MM-dd'T'HH:mm:ss.SSSXXX.
    [GeneratedRegex("^(yyyy|uuuu)-MM-dd(?:'T'| )HH:mm(:ss([.]S{1,9})?)?(X{1,3}|Z{1,3}|'Z')?$", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Pattern();
}
