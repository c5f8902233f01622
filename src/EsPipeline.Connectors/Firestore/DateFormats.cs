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
    private readonly int _sure;

    /// <param name="format">
    /// The mapping's format, <c>||</c> between several; null for the default. Behind one that is not known, which may mean something else by them, digits
    /// alone are not read.
    /// </param>
    public DateFormats(string? format)
    {
        string[] names = (format ?? Default).Split("||", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        var parsers = names.Select(Of).ToArray();
        var unknown = Array.IndexOf(parsers, null);
        for (var i = 0; i < names.Length; i++)
        {
            var isSure = unknown < 0 || i < unknown;
            if (parsers[i] is not { } parser || (!isSure && names[i].StartsWith("epoch_", StringComparison.Ordinal))) continue;
            _formats.Add(parser);
            if (isSure) _sure++;
        }
    }

    /// <summary>Reads a time; null where no format reads it, or Firestore can't hold it.</summary>
    public FirestoreTime? Parse(ReadOnlySpan<byte> text)
    {
        var count = text.IndexOfAnyExceptInRange((byte)'0', (byte)'9') < 0 ? _sure : _formats.Count;
        for (var i = 0; i < count; i++)
        {
            if (_formats[i](text) is { } time) return time;
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
