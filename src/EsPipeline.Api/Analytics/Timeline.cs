using System.Text.Json;

namespace EsPipeline.Api.Analytics;

/// <summary>Sums over time.</summary>
/// <param name="Interval">How long one point is.</param>
/// <param name="Widened">True where that is wider than what was asked for, so that there are no more than 2,000 points.</param>
/// <param name="TimeZone">The zone in which days begin.</param>
/// <param name="From">The earliest that is counted; absent where there is no bound.</param>
/// <param name="To">The last that is counted; absent where there is no bound.</param>
/// <param name="Untimed">The sum of the counts of these labels that have no time, and so no point; absent where there are none.</param>
/// <param name="OutOfReach">The sum of those within the range that are at no point, since a timeline reaches over the years 2 to 9998; absent where there are none.</param>
/// <param name="Points">When each point begins, in that zone.</param>
/// <param name="Series">The sums, label by label.</param>
public sealed record Timeline(string Interval, bool Widened, string TimeZone, string? From, string? To, long? Untimed, long? OutOfReach, IReadOnlyList<string> Points, IReadOnlyList<TimelineSeries> Series);

/// <summary>The sums of one label.</summary>
/// <param name="Label">The label; absent where all labels are added up.</param>
/// <param name="Total">All counts together.</param>
/// <param name="Counts">The count at each point.</param>
public sealed record TimelineSeries(string? Label, long Total, IReadOnlyList<long> Counts);

/// <summary>Makes a timeline of the server's points, as they are read.</summary>
internal sealed class TimelineBuilder(IReadOnlyList<string> labels, TimeRange range, OutsideCounts outside, Interval interval, bool widened)
{
    private readonly List<Point>[] _series = [.. Enumerable.Range(0, Math.Max(1, labels.Count)).Select(_ => new List<Point>())];

    /// <summary>Reads <c>aggregations</c>: in one pass, since there may be thousands of sums.</summary>
    public void Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("points"u8)) ReadPoints(ref reader, 0);
            else if (reader.ValueTextEquals("labels"u8)) ReadBuckets(ref reader, ReadLabel);
            else reader.Skip();
        }
    }

    /// <summary>Puts it together.</summary>
    public Timeline Build()
    {
        // The labels' points are the same unless counts have come for one of them since the bounds were asked for.
        var times = _series[0].Select(p => p.Time).ToList();
        if (!_series.All(s => s.Select(p => p.Time).SequenceEqual(times))) times = [.. _series.SelectMany(s => s.Select(p => p.Time)).Distinct().Order()];
        var points = times.Select(t => TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(t), range.Zone).ToString("yyyy-MM-dd'T'HH:mm:ssK"));
        var series = _series.Select((s, i) => new TimelineSeries(labels.Count == 0 ? null : labels[i], s.Sum(p => p.Sum), SumsAt(times, s)));
        return new Timeline(interval.Name, widened, range.Zone.Id, range.FirstText, range.LastText, outside.Untimed > 0 ? outside.Untimed : null, outside.Beyond > 0 ? outside.Beyond : null, [.. points], [.. series]);
    }

    private static List<long> SumsAt(List<long> times, List<Point> series)
    {
        if (series.Count == times.Count) return [.. series.Select(p => p.Sum)];
        var sums = series.ToDictionary(p => p.Time, p => p.Sum);
        return [.. times.Select(t => sums.GetValueOrDefault(t))];
    }

    // The labels come in the order in which they were asked for.
    private void ReadLabel(ref Utf8JsonReader reader, int at)
    {
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("points"u8)) ReadPoints(ref reader, at);
            else reader.Skip();
        }
    }

    private void ReadPoints(ref Utf8JsonReader reader, int label) => ReadBuckets(ref reader, (ref Utf8JsonReader r, int _) => _series[label].Add(ReadPoint(ref r)));

    private static Point ReadPoint(ref Utf8JsonReader reader)
    {
        var point = default(Point);
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("sum"u8))
            {
                point = point with { Sum = ReadSum(ref reader) };
            }
            else if (reader.ValueTextEquals("key"u8))
            {
                reader.Read();
                point = point with { Time = reader.GetInt64() };
            }
            else
            {
                reader.Skip();
            }
        }

        return point;
    }

    private static void ReadBuckets(ref Utf8JsonReader reader, BucketReader each)
    {
        reader.Read();
        while (NextMember(ref reader))
        {
            if (!reader.ValueTextEquals("buckets"u8))
            {
                reader.Skip();
                continue;
            }

            reader.Read();
            for (var at = 0; reader.Read() && reader.TokenType == JsonTokenType.StartObject; at++) each(ref reader, at);
        }
    }

    private static long ReadSum(ref Utf8JsonReader reader)
    {
        var sum = 0L;
        reader.Read();
        while (NextMember(ref reader))
        {
            var isValue = reader.ValueTextEquals("value"u8);
            reader.Read();
            if (isValue) sum = CountsIndex.Whole(reader.GetDouble());
        }

        return sum;
    }

    private static bool NextMember(ref Utf8JsonReader reader) => reader.Read() && reader.TokenType == JsonTokenType.PropertyName;

    // When it begins, in milliseconds since 1970.
    private readonly record struct Point(long Time, long Sum);

    // Stands within the bucket; its number among its like.
    private delegate void BucketReader(ref Utf8JsonReader reader, int at);
}
