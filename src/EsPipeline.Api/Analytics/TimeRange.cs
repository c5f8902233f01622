using System.Globalization;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Analytics;

/// <summary>Which times are counted: from the first on, up to but without the second.</summary>
/// <param name="From">The earliest; null for no bound.</param>
/// <param name="Until">The first that no longer counts; null for no bound.</param>
/// <param name="Zone">The time zone in which days begin, and in which times without one are meant.</param>
internal sealed record TimeRange(DateTimeOffset? From, DateTimeOffset? Until, TimeZoneInfo Zone)
{
    private static readonly string[] Forms = ["yyyy-MM-dd'T'HH:mm:ss.FFFFFFFK", "yyyy-MM-dd HH:mm:ss.FFFFFFFK", "yyyy-MM-dd'T'HH:mmK", "yyyy-MM-dd HH:mmK", "yyyy-MM-dd"];

    // A year has four figures there in every zone.
    private static readonly TimeRange Years = new(new DateTimeOffset(2, 1, 1, 0, 0, 0, TimeSpan.Zero), new DateTimeOffset(9999, 1, 1, 0, 0, 0, TimeSpan.Zero), TimeZoneInfo.Utc);

    // What the servers take for a date_nanos: 64 bits of nanoseconds from 1970 on. They refuse others even as bounds.
    private static readonly TimeRange Nanoseconds = new(DateTimeOffset.UnixEpoch, new DateTimeOffset(2262, 4, 11, 0, 0, 0, TimeSpan.Zero), TimeZoneInfo.Utc);

    /// <summary>All times.</summary>
    public static TimeRange Open { get; } = new(null, null, TimeZoneInfo.Utc);

    /// <summary>True where everything is counted.</summary>
    public bool IsOpen => From is null && Until is null;

    /// <summary>The earliest that is counted, in the zone, as answers show it; null for no bound.</summary>
    public string? FirstText => TextOf(From);

    /// <summary>The last that is counted; null for no bound.</summary>
    public string? LastText => TextOf(Until?.AddMilliseconds(-1));

    /// <summary>The times that a timeline can show, of a field of this type.</summary>
    public static TimeRange ReachOf(string type) => type == "date_nanos" ? Nanoseconds : Years;

    /// <summary>What both ranges hold, in this one's zone.</summary>
    public TimeRange Within(TimeRange other) => this with
    {
        From = From is null || other.From > From ? other.From ?? From : From,
        Until = Until is null || other.Until < Until ? other.Until ?? Until : Until,
    };

    /// <summary>Reads what a request says, or else the options.</summary>
    /// <exception cref="PipelineException"><see cref="ApiErrors.BadRequest"/>.</exception>
    public static TimeRange Read(string? from, string? to, string? zone, ApiOptions options)
    {
        var tz = TimeZoneInfo.Utc;
        if (!string.IsNullOrEmpty(zone) && (zone.Length > 64 || !TimeZoneInfo.TryFindSystemTimeZoneById(zone, out tz)))
        {
            throw ApiErrors.BadRequest.Error($"'tz' is no time zone that is known here; give a name such as Europe/Berlin or UTC.");
        }

        // The options are in UTC where they have no zone of their own, whatever the request's is.
        var (start, startZone) = string.IsNullOrEmpty(from) ? (options.StartTime, TimeZoneInfo.Utc) : (from, tz);
        var (end, endZone) = string.IsNullOrEmpty(to) ? (options.EndTime, TimeZoneInfo.Utc) : (to, tz);
        DateTimeOffset first = default, last = default;
        if (start.Length > 0 && !TryReadStart(start, startZone, out first)) throw NoTime("from");
        if (end.Length > 0 && !TryReadEnd(end, endZone, out last)) throw NoTime("to");
        if (start.Length > 0 && end.Length > 0 && first >= last) throw ApiErrors.BadRequest.Error("'from' is not before 'to'.");
        return new TimeRange(start.Length > 0 ? first : null, end.Length > 0 ? last : null, tz);
    }

    /// <summary>Reads the time from which something counts.</summary>
    public static bool TryReadStart(string text, TimeZoneInfo zone, out DateTimeOffset time) => TryRead(text, zone, 0, isFirst: true, out time);

    /// <summary>Reads the time up to which something counts, the time itself included: a day to its end, else to the next millisecond.</summary>
    public static bool TryReadEnd(string text, TimeZoneInfo zone, out DateTimeOffset time)
    {
        var isDay = text.Trim().Length == 10;
        if (!TryRead(text, zone, isDay ? 1 : 0, isFirst: isDay, out time)) return false;
        if (!isDay) time = time.AddMilliseconds(1);
        return true;
    }

    /// <summary>Writes a clause that lets only these times through.</summary>
    public void WriteTo(Utf8JsonWriter writer, string field)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("range");
        writer.WriteStartObject(field);
        if (From is { } from) writer.WriteNumber("gte", from.ToUnixTimeMilliseconds());
        if (Until is { } until) writer.WriteNumber("lt", until.ToUnixTimeMilliseconds());
        writer.WriteString("format", "epoch_millis");
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private string? TextOf(DateTimeOffset? time) => time is { } at ? TimeZoneInfo.ConvertTime(at, Zone).ToString("yyyy-MM-dd'T'HH:mm:ss.FFFK", CultureInfo.InvariantCulture) : null;

    private static bool TryRead(string text, TimeZoneInfo zone, int addDays, bool isFirst, out DateTimeOffset time)
    {
        time = default;
        if (!DateTime.TryParseExact(text.Trim(), Forms, CultureInfo.InvariantCulture, DateTimeStyles.RoundtripKind, out var parsed) || parsed.Year is < 2 or > 9990) return false;
        parsed = parsed.AddDays(addDays);

        // A time that the clocks leave out in spring is taken as the one an hour later. One that they show twice in autumn is the first where
        // something begins, and the second where something ends with it: so neither is left out.
        time = parsed.Kind switch
        {
            DateTimeKind.Utc => new DateTimeOffset(parsed),
            DateTimeKind.Local => DateTimeOffset.ParseExact(text.Trim(), Forms, CultureInfo.InvariantCulture, DateTimeStyles.None).AddDays(addDays),
            _ => new DateTimeOffset(parsed, zone.IsAmbiguousTime(parsed) && isFirst ? zone.GetAmbiguousTimeOffsets(parsed).Max() : zone.GetUtcOffset(parsed)),
        };
        return true;
    }

    private static PipelineException NoTime(string name) => ApiErrors.BadRequest.Error($"'{name}' is not a time; write 2024-01-31, 2024-01-31T12:00 or 2024-01-31T12:00:00Z.");
}
