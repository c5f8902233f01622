using System.Text.Json;

namespace EsPipeline.Api.Analytics;

/// <summary>Sums over time.</summary>
/// <param name="Interval">How long one point is.</param>
/// <param name="Widened">True where that is wider than what was asked for, so that there are no more than 2,000 points.</param>
/// <param name="TimeZone">The zone in which days begin.</param>
/// <param name="Points">When each point begins, in that zone.</param>
/// <param name="Series">The sums, label by label.</param>
public sealed record Timeline(string Interval, bool Widened, string TimeZone, IReadOnlyList<string> Points, IReadOnlyList<TimelineSeries> Series);

/// <summary>The sums of one label.</summary>
/// <param name="Label">The label; absent where all labels are added up.</param>
/// <param name="Total">All counts together.</param>
/// <param name="Counts">The count at each point.</param>
public sealed record TimelineSeries(string? Label, long Total, IReadOnlyList<long> Counts);

/// <summary>Makes a timeline of the server's points, as they are read.</summary>
internal sealed class TimelineBuilder(IReadOnlyList<string> labels, TimeRange range, Interval interval, bool widened)
{
    private readonly List<string> _points = [];
    private readonly List<long>[] _sums = [.. Enumerable.Range(0, Math.Max(1, labels.Count)).Select(_ => new List<long>())];

    /// <summary>Reads <c>aggregations</c>: in one pass, since there may be thousands of sums.</summary>
    public void Read(ref Utf8JsonReader reader)
    {
        reader.Read();
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("points"u8)) ReadBuckets(ref reader, ReadPoint);
            else reader.Skip();
        }
    }

    /// <summary>Puts it together.</summary>
    public Timeline Build()
    {
        var series = _sums.Select((s, i) => new TimelineSeries(labels.Count == 0 ? null : labels[i], s.Sum(), s));
        return new Timeline(interval.Name, widened, range.Zone.Id, _points, [.. series]);
    }

    private void ReadPoint(ref Utf8JsonReader reader, int at)
    {
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("sum"u8))
            {
                _sums[0].Add(ReadSum(ref reader));
            }
            else if (reader.ValueTextEquals("labels"u8))
            {
                ReadBuckets(ref reader, ReadLabel);
            }
            else if (reader.ValueTextEquals("key"u8))
            {
                reader.Read();
                _points.Add(TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(reader.GetInt64()), range.Zone).ToString("yyyy-MM-dd'T'HH:mm:ssK"));
            }
            else
            {
                reader.Skip();
            }
        }
    }

    // The labels come in the order in which they were asked for.
    private void ReadLabel(ref Utf8JsonReader reader, int at)
    {
        while (NextMember(ref reader))
        {
            if (reader.ValueTextEquals("sum"u8)) _sums[at].Add(ReadSum(ref reader));
            else reader.Skip();
        }
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

    // Stands within the bucket; its number among its like.
    private delegate void BucketReader(ref Utf8JsonReader reader, int at);
}
