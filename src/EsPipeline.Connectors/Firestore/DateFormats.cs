namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// The formats of an Elasticsearch <c>date</c> field, tried one after the other as Elasticsearch does, with numbers read as their text: <c>2024</c> is a
/// year to <c>strict_date_optional_time</c> and milliseconds to <c>epoch_millis</c>. Safe for many threads.
/// </summary>
internal sealed class DateFormats
{
    /// <summary>What Elasticsearch takes where a mapping names no format.</summary>
    public const string Default = "strict_date_optional_time||epoch_millis";

    private readonly List<Func<ReadOnlySpan<byte>, FirestoreTime?>> _formats = [];

    /// <param name="format">The mapping's format, <c>||</c> between several; null for the default. One that is not known is passed over.</param>
    public DateFormats(string? format)
    {
        foreach (var name in (format ?? Default).Split("||", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries))
        {
            if (Of(name) is { } parser) _formats.Add(parser);
        }
    }

    /// <summary>Reads a time; null where no format reads it, or Firestore can't hold it.</summary>
    public FirestoreTime? Parse(ReadOnlySpan<byte> text)
    {
        foreach (var format in _formats)
        {
            if (format(text) is { } time) return time;
        }

        return null;
    }

    // Every named format that writes dates with dashes is a part of ISO 8601 and reads unambiguously with the one parser.
    private static Func<ReadOnlySpan<byte>, FirestoreTime?>? Of(string name) => name.Replace("strict_", "", StringComparison.Ordinal) switch
    {
        "epoch_millis" => text => FirestoreTime.OfEpoch(text, TimeSpan.TicksPerMillisecond),
        "epoch_second" => text => FirestoreTime.OfEpoch(text, TimeSpan.TicksPerSecond),
        "iso8601" or "date_optional_time" or "date_optional_time_nanos" or "date" or "year" or "year_month" or "year_month_day"
            or "date_hour" or "date_hour_minute" or "date_hour_minute_second" or "date_hour_minute_second_fraction" or "date_hour_minute_second_millis"
            or "date_time" or "date_time_no_millis" => IsoTime.Parse,
        "basic_date" => Pattern("yyyyMMdd"),
        "basic_date_time" => Pattern("yyyyMMdd'T'HHmmss.SX"),
        "basic_date_time_no_millis" => Pattern("yyyyMMdd'T'HHmmssX"),
        "ordinal_date" => Pattern("yyyy-DDD"),
        "ordinal_date_time" => Pattern("yyyy-DDD'T'HH:mm:ss.SX"),
        "ordinal_date_time_no_millis" => Pattern("yyyy-DDD'T'HH:mm:ssX"),
        _ => Pattern(name),
    };

    private static Func<ReadOnlySpan<byte>, FirestoreTime?>? Pattern(string pattern) =>
        DatePattern.TryCreate(pattern) is { } parser ? parser.Parse : null;
}
