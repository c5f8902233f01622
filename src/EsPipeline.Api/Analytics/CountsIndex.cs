using System.Text.Json;
using EsPipeline.Api.Indices;
using EsPipeline.Api.Search;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Analytics;

/// <summary>
/// The index of counts: one document for each label and time, with how often. Every figure is a sum of <c>count</c>, never a number of
/// documents, and exact whatever the number of shards.
/// </summary>
internal sealed class CountsIndex(SearchCluster cluster, ServedIndices indices, ApiOptions options, TimeProvider time)
{
    private static readonly TimeSpan BoundsKept = TimeSpan.FromSeconds(1);
    private readonly Recent<Bounds> _bounds = new(BoundsKept, time);

    /// <summary>How often a label was counted.</summary>
    public async Task<long> TotalOfAsync(string label, TimeRange range, CancellationToken ct)
    {
        await CheckAsync([label], ct).ConfigureAwait(false);
        var answer = await AskAsync((w, field) =>
        {
            CountsQuery.WriteFilter(w, range, f => CountsQuery.WriteTerms(f, field, [label]));
            w.WriteStartObject("aggs");
            CountsQuery.WriteSum(w);
            w.WriteEndObject();
        }, ct).ConfigureAwait(false);
        return SumOf(answer);
    }

    /// <summary>Every label and its sum, one by one; each label once.</summary>
    /// <param name="prefix">Only labels that begin so, in capitals or not; null for all.</param>
    /// <param name="range">Which times.</param>
    /// <param name="each">Called for each.</param>
    /// <param name="ct">Cancels.</param>
    /// <returns>The sum of the counts that are under none of them: their label is absent, or too long to be told from others (<c>ignore_above</c>).</returns>
    public async Task<long> ReadLabelsAsync(string? prefix, TimeRange range, Action<string, long> each, CancellationToken ct)
    {
        JsonElement? after = null;
        var unlabelled = 0L;
        do
        {
            var answer = await AskAsync((w, field) =>
            {
                CountsQuery.WriteFilter(w, range, f =>
                {
                    if (!string.IsNullOrEmpty(prefix)) CountsQuery.WritePrefix(f, field, prefix);
                });
                CountsQuery.WriteLabels(w, field, after);
            }, ct).ConfigureAwait(false);
            if (answer.TryGetProperty("unlabelled", out var rest)) unlabelled = SumOf(rest);
            var labels = answer.GetProperty("labels");
            foreach (var bucket in labels.GetProperty("buckets").EnumerateArray()) each(bucket.GetProperty("key").GetProperty(CountsQuery.Label).GetString()!, SumOf(bucket));
            after = labels.TryGetProperty("after_key", out var last) ? last : null;
        }
        while (after is not null);

        return unlabelled;
    }

    /// <summary>The sums of some labels, or of all together where none is named, point by point.</summary>
    public async Task<Timeline> TimelineAsync(IReadOnlyList<string> labels, TimeRange range, string? asked, CancellationToken ct)
    {
        await CheckAsync(labels, ct).ConfigureAwait(false);
        var (_, _, _, reach) = await FindAsync(ct).ConfigureAwait(false);
        var (first, last) = await BoundsAsync(range, ct).ConfigureAwait(false);
        var outside = await OutsideAsync(range, labels, null, ct).ConfigureAwait(false);
        var (interval, widened) = Interval.Choose(asked, first is { } f && last is { } l ? l - f : TimeSpan.Zero);
        var timeline = new TimelineBuilder(labels, range, outside, interval, widened);
        if (first is null || last is null || first > last) return timeline.Build();

        // Both ends are said, whatever was asked for: a server may make points from the one that it knows to the end of time.
        await AskAsync((w, field) =>
        {
            CountsQuery.WriteFilter(w, range.Within(reach), filter =>
            {
                if (labels.Count > 0) CountsQuery.WriteTerms(filter, field, labels);
            });
            CountsQuery.WriteHistogram(w, field, labels, range, interval, first.Value, last.Value);
        }, timeline.Read, ct).ConfigureAwait(false);
        return timeline.Build();
    }

    /// <summary>What of the counts a range of times or a timeline can't show.</summary>
    /// <param name="range">Which times.</param>
    /// <param name="labels">Which labels; empty for all.</param>
    /// <param name="prefix">Only labels that begin so; null for all.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<OutsideCounts> OutsideAsync(TimeRange range, IReadOnlyList<string> labels, string? prefix, CancellationToken ct)
    {
        // Most indices have none at all, and are not asked again.
        var bounds = await _bounds.FindAsync(AskBoundsAsync, ct).ConfigureAwait(false);
        return bounds.HasOutside ? await AskOutsideAsync(range, labels, prefix, ct).ConfigureAwait(false) : OutsideCounts.None;
    }

    /// <summary>A sum as a whole number: the server adds in floating point.</summary>
    public static long Whole(double sum) => (long)Math.Round(sum);

    // Where the counts within a range begin and end. Those of the whole index are kept for a moment, since every timeline asks for them.
    private async ValueTask<(DateTimeOffset? First, DateTimeOffset? Last)> BoundsAsync(TimeRange range, CancellationToken ct)
    {
        var bounds = await _bounds.FindAsync(AskBoundsAsync, ct).ConfigureAwait(false);
        return (Later(bounds.First, range.From), Earlier(bounds.Last, range.Until?.AddMilliseconds(-1)));
    }

    private async Task<Bounds> AskBoundsAsync(CancellationToken ct)
    {
        var (_, _, _, reach) = await FindAsync(ct).ConfigureAwait(false);
        var outside = await AskOutsideAsync(TimeRange.Open, [], null, ct).ConfigureAwait(false);
        var answer = await AskAsync((w, _) =>
        {
            CountsQuery.WriteFilter(w, reach, _ => { });
            w.WriteStartObject("aggs");
            foreach (var kind in (string[])["min", "max"])
            {
                w.WriteStartObject(kind);
                w.WriteStartObject(kind);
                w.WriteString("field", CountsQuery.Time);
                w.WriteEndObject();
                w.WriteEndObject();
            }

            w.WriteEndObject();
        }, ct).ConfigureAwait(false);
        return new Bounds(InstantOf(answer.GetProperty("min")), InstantOf(answer.GetProperty("max")), outside != OutsideCounts.None);
    }

    private async Task<OutsideCounts> AskOutsideAsync(TimeRange range, IReadOnlyList<string> labels, string? prefix, CancellationToken ct)
    {
        var (_, _, _, reach) = await FindAsync(ct).ConfigureAwait(false);
        var answer = await AskAsync((w, field) => CountsQuery.WriteOutside(w, reach, range, filter =>
        {
            if (labels.Count > 0) CountsQuery.WriteTerms(filter, field, labels);
            if (!string.IsNullOrEmpty(prefix)) CountsQuery.WritePrefix(filter, field, prefix);
        }), ct).ConfigureAwait(false);
        return new OutsideCounts(SumOf(answer.GetProperty("untimed")), SumOf(answer.GetProperty("beyond")));
    }

    private async Task<JsonElement> AskAsync(Action<Utf8JsonWriter, string> members, CancellationToken ct)
    {
        JsonElement? found = null;
        await AskAsync(members, (ref Utf8JsonReader reader) => found = JsonElement.ParseValue(ref reader), ct).ConfigureAwait(false);
        return found ?? throw ApiErrors.BackendUnavailable.Error("The search server's answer can't be read.");
    }

    private async Task AskAsync(Action<Utf8JsonWriter, string> members, SearchAnswer.AggregationsReader read, CancellationToken ct)
    {
        var (index, label, _, _) = await FindAsync(ct).ConfigureAwait(false);
        var body = SearchQuery.Write(w =>
        {
            w.WriteNumber("size", 0);
            w.WriteBoolean("track_total_hits", false);
            SearchQuery.WriteTimeout(w, options.Timeout);
            members(w, label);
        });
        using var answer = await cluster.AskAsync(HttpMethod.Post, $"{index.Path}/_search?allow_partial_search_results=false", body, ct).ConfigureAwait(false);
        SearchAnswer.Read(answer.Json, read);
    }

    // A label that is too long to be in the index would have the sum 0, in silence.
    private async ValueTask CheckAsync(IReadOnlyList<string> labels, CancellationToken ct)
    {
        var (_, _, field, _) = await FindAsync(ct).ConfigureAwait(false);
        foreach (var label in labels.Where(l => l.Length > field.Longest)) throw ApiErrors.BadValue.Error(field.TooLong(label.Length));
    }

    // The index, the times that it can hold, and the field by which whole labels are found: one that is taken apart into words would match, and sum, others too.
    private async ValueTask<(ServedIndex Index, string Label, IndexField Field, TimeRange Reach)> FindAsync(CancellationToken ct)
    {
        try
        {
            var index = await indices.FindAsync(options.CountsIndex, ct).ConfigureAwait(false);
            var (label, count, at) = (index.Fields.Find(CountsQuery.Label), index.Fields.Find(CountsQuery.Count), index.Fields.Find(CountsQuery.Time));
            var whole = label.Exact ?? (label.Type is "keyword" or "constant_keyword" or "wildcard" ? label.Name : null);
            if (whole is not null && count.IsNumber && (at.Type is "date" or "date_nanos")) return (index, whole, label, TimeRange.ReachOf(at.Type));
            throw ApiErrors.NoCounts.Error(
                $"In the index '{options.CountsIndex}' {CountsQuery.Label} is {label.Type}, {CountsQuery.Count} {count.Type} and {CountsQuery.Time} {at.Type}; they have to be a keyword (or text with one in it), a number and a date.");
        }
        catch (PipelineException e) when (e.Error == ApiErrors.NoSuchIndex || e.Error == ApiErrors.NoSuchField || e.Error == ApiErrors.BadIndexName)
        {
            throw ApiErrors.NoCounts.Error($"There is no index '{options.CountsIndex}' that is served and has the fields {CountsQuery.Label}, {CountsQuery.Count} and {CountsQuery.Time}.", inner: e);
        }
    }

    private static long SumOf(JsonElement bucket) => Whole(bucket.GetProperty("sum").GetProperty("value").GetDouble());

    private static DateTimeOffset? InstantOf(JsonElement bound) =>
        bound.GetProperty("value") is { ValueKind: JsonValueKind.Number } value ? DateTimeOffset.FromUnixTimeMilliseconds((long)value.GetDouble()) : null;

    private static DateTimeOffset? Later(DateTimeOffset? a, DateTimeOffset? b) => a is null || b is null ? a : a > b ? a : b;

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null || b is null ? a : a < b ? a : b;

    // The first and the last time of all counts, null where there are none; and whether there are any without a time, or beyond all times.
    private sealed record Bounds(DateTimeOffset? First, DateTimeOffset? Last, bool HasOutside);
}

/// <summary>Counts that a range of times or a timeline can't show.</summary>
/// <param name="Untimed">The sum of those that have no time.</param>
/// <param name="Beyond">The sum of those within the range, but at times that a timeline does not reach, such as after the year 9998.</param>
internal sealed record OutsideCounts(long Untimed, long Beyond)
{
    /// <summary>There are none.</summary>
    public static OutsideCounts None { get; } = new(0, 0);
}
