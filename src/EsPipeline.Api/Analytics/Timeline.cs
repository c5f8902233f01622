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

/// <summary>Makes a timeline of the server's points.</summary>
internal sealed class TimelineBuilder(IReadOnlyList<string> labels, TimeRange range, Interval interval, bool widened)
{
    /// <summary>Puts it together.</summary>
    public Timeline Build(IEnumerable<JsonElement> buckets)
    {
        var points = new List<string>();
        var sums = Enumerable.Range(0, Math.Max(1, labels.Count)).Select(_ => new List<long>()).ToArray();
        foreach (var bucket in buckets)
        {
            points.Add(TimeZoneInfo.ConvertTime(DateTimeOffset.FromUnixTimeMilliseconds(bucket.GetProperty("key").GetInt64()), range.Zone).ToString("yyyy-MM-dd'T'HH:mm:ssK"));
            if (labels.Count == 0)
            {
                sums[0].Add(CountsIndex.SumOf(bucket));
                continue;
            }

            var at = 0;
            foreach (var label in bucket.GetProperty("labels").GetProperty("buckets").EnumerateArray()) sums[at++].Add(CountsIndex.SumOf(label));
        }

        var series = sums.Select((s, i) => new TimelineSeries(labels.Count == 0 ? null : labels[i], s.Sum(), s));
        return new Timeline(interval.Name, widened, range.Zone.Id, points, [.. series]);
    }
}
