namespace EsPipeline.Api.Analytics;

/// <summary><c>GET /api/count_specific</c>, <c>/api/label_counts</c> and <c>/api/timeline</c>.</summary>
internal sealed class AnalyticsEndpoints(CountsIndex counts, ApiOptions options)
{
    private const int UsualTop = 20;
    private const int MostTop = 1000;
    private const int MostLabels = 20;

    // A keyword of the index is cut at 32,766 bytes at the latest; nobody types that much.
    private const int LongestLabel = 1024;

    /// <summary>How often one label was counted.</summary>
    public async Task<LabelTotal> CountAsync(string? label, string? from, string? to, string? tz, CancellationToken ct)
    {
        if (string.IsNullOrEmpty(label)) throw ApiErrors.BadRequest.Error("'label' is missing.");
        Check(label);
        var range = TimeRange.Read(from, to, tz, options);
        var total = await counts.TotalOfAsync(label, range, ct).ConfigureAwait(false);
        var (untimed, _) = await counts.OutsideAsync(range, [label], null, ct).ConfigureAwait(false);
        return new LabelTotal(label, total, range.FirstText, range.LastText, untimed > 0 ? untimed : null);
    }

    /// <summary>The labels that were counted most.</summary>
    public async Task<LabelCounts> TopAsync(int? top, string? prefix, string? from, string? to, string? tz, CancellationToken ct)
    {
        if (top is < 1 or > MostTop) throw ApiErrors.BadRequest.Error($"'top' has to be a whole number from 1 to {MostTop}.");
        if (prefix is not null) Check(prefix);
        var (most, range) = (top ?? UsualTop, TimeRange.Read(from, to, tz, options));
        long total = 0, labels = 0;

        // The least of those kept comes first: it is the one that makes room. Of equals the first by name stays.
        var kept = new PriorityQueue<LabelCount, LabelCount>(most + 1, Comparer<LabelCount>.Create(Compare));
        var unlabelled = await counts.ReadLabelsAsync(
            prefix,
            range,
            (label, count) =>
            {
                total += count;
                labels++;
                var item = new LabelCount(label, count);
                if (kept.Count < most) kept.Enqueue(item, item);
                else kept.EnqueueDequeue(item, item);
            },
            ct).ConfigureAwait(false);
        var (untimed, _) = await counts.OutsideAsync(range, [], prefix, ct).ConfigureAwait(false);
        return new LabelCounts(
            labels, total + unlabelled, unlabelled > 0 ? unlabelled : null, range.FirstText, range.LastText, untimed > 0 ? untimed : null,
            [.. kept.UnorderedItems.Select(i => i.Element).OrderDescending(Comparer<LabelCount>.Create(Compare))]);
    }

    /// <summary>The counts of labels over time.</summary>
    public Task<Timeline> TimelineAsync(string[] labels, string? interval, string? from, string? to, string? tz, CancellationToken ct)
    {
        if (labels.Length > MostLabels) throw ApiErrors.BadRequest.Error($"A timeline has at most {MostLabels} labels.");
        foreach (var label in labels) Check(label);
        return counts.TimelineAsync([.. labels.Distinct()], TimeRange.Read(from, to, tz, options), interval, ct);
    }

    private static int Compare(LabelCount? a, LabelCount? b) => a!.Count != b!.Count ? a.Count.CompareTo(b.Count) : string.CompareOrdinal(b.Label, a.Label);

    private static void Check(string label)
    {
        if (label.Length > LongestLabel) throw ApiErrors.BadRequest.Error($"A label has at most {LongestLabel} characters.");
    }
}

/// <summary>How often a label was counted.</summary>
/// <param name="Label">The label.</param>
/// <param name="Count">The sum of its counts.</param>
public sealed record LabelCount(string Label, long Count);

/// <summary>How often one label was counted, and in which time.</summary>
/// <param name="Label">The label.</param>
/// <param name="Count">The sum of its counts.</param>
/// <param name="From">The earliest that is counted; absent where there is no bound.</param>
/// <param name="To">The last that is counted; absent where there is no bound.</param>
/// <param name="Untimed">The sum of its counts that have no time: they are in the total only where there is no bound. Absent where there are none.</param>
public sealed record LabelTotal(string Label, long Count, string? From, string? To, long? Untimed);

/// <summary>The labels that were counted most.</summary>
/// <param name="TotalLabels">How many labels there are.</param>
/// <param name="TotalCount">The sum of all counts.</param>
/// <param name="Unlabelled">How much of it is under none of them, since its label is absent, or longer than the index keeps labels; absent where nothing is.</param>
/// <param name="From">The earliest that is counted; absent where there is no bound.</param>
/// <param name="To">The last that is counted; absent where there is no bound.</param>
/// <param name="Untimed">The sum of the counts that have no time: they are in the totals only where there is no bound. Absent where there are none.</param>
/// <param name="Labels">Labels, most counted first; of equals by name.</param>
public sealed record LabelCounts(long TotalLabels, long TotalCount, long? Unlabelled, string? From, string? To, long? Untimed, IReadOnlyList<LabelCount> Labels);
