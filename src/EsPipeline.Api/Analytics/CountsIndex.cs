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
    private const string Label = "label";
    private const string Count = "count";
    private const string Time = "time_bucket";

    // Labels in one answer of the server; there may be any number of answers.
    private const int LabelsAtOnce = 10_000;

    private static readonly TimeSpan BoundsKept = TimeSpan.FromSeconds(1);
    private readonly Recent<Bounds> _bounds = new(BoundsKept, time);

    /// <summary>How often a label was counted.</summary>
    public async Task<long> TotalOfAsync(string label, TimeRange range, CancellationToken ct)
    {
        var answer = await AskAsync((w, field) =>
        {
            WriteFilter(w, range, f => WriteTerms(f, field, [label]));
            w.WriteStartObject("aggs");
            WriteSum(w);
            w.WriteEndObject();
        }, ct).ConfigureAwait(false);
        return SumOf(answer);
    }

    /// <summary>Every label and its sum, one by one; each label once.</summary>
    /// <param name="prefix">Only labels that begin so, in capitals or not; null for all.</param>
    /// <param name="range">Which times.</param>
    /// <param name="each">Called for each.</param>
    /// <param name="ct">Cancels.</param>
    public async Task ReadLabelsAsync(string? prefix, TimeRange range, Action<string, long> each, CancellationToken ct)
    {
        JsonElement? after = null;
        do
        {
            var answer = await AskAsync((w, field) =>
            {
                WriteFilter(w, range, f =>
                {
                    if (!string.IsNullOrEmpty(prefix)) WritePrefix(f, field, prefix);
                });
                WriteLabels(w, field, after);
            }, ct).ConfigureAwait(false);
            var labels = answer.GetProperty("labels");
            foreach (var bucket in labels.GetProperty("buckets").EnumerateArray()) each(bucket.GetProperty("key").GetProperty(Label).GetString()!, SumOf(bucket));
            after = labels.TryGetProperty("after_key", out var last) ? last : null;
        }
        while (after is not null);
    }

    /// <summary>The sums of some labels, or of all together where none is named, point by point.</summary>
    public async Task<Timeline> TimelineAsync(IReadOnlyList<string> labels, TimeRange range, string? asked, CancellationToken ct)
    {
        var (first, last) = await BoundsAsync(range, ct).ConfigureAwait(false);
        var (interval, widened) = Interval.Choose(asked, first is { } f && last is { } l ? l - f : TimeSpan.Zero);
        var timeline = new TimelineBuilder(labels, range, interval, widened);
        if (first is null || last is null || first > last) return timeline.Build();
        await AskAsync((w, field) =>
        {
            WriteFilter(w, range, filter =>
            {
                if (labels.Count > 0) WriteTerms(filter, field, labels);
            });
            WriteHistogram(w, field, labels, range, interval, first.Value, last.Value);
        }, timeline.Read, ct).ConfigureAwait(false);
        return timeline.Build();
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
        var answer = await AskAsync((w, _) =>
        {
            w.WriteStartObject("aggs");
            foreach (var kind in (string[])["min", "max"])
            {
                w.WriteStartObject(kind);
                w.WriteStartObject(kind);
                w.WriteString("field", Time);
                w.WriteEndObject();
                w.WriteEndObject();
            }

            w.WriteEndObject();
        }, ct).ConfigureAwait(false);
        return new Bounds(InstantOf(answer.GetProperty("min")), InstantOf(answer.GetProperty("max")));
    }

    private async Task<JsonElement> AskAsync(Action<Utf8JsonWriter, string> members, CancellationToken ct)
    {
        JsonElement? found = null;
        await AskAsync(members, (ref Utf8JsonReader reader) => found = JsonElement.ParseValue(ref reader), ct).ConfigureAwait(false);
        return found ?? throw ApiErrors.BackendUnavailable.Error("The search server's answer can't be read.");
    }

    private async Task AskAsync(Action<Utf8JsonWriter, string> members, SearchAnswer.AggregationsReader read, CancellationToken ct)
    {
        var (index, label) = await FindAsync(ct).ConfigureAwait(false);
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

    // The index, and the field by which whole labels are found: one that is taken apart into words would match, and sum, others too.
    private async ValueTask<(ServedIndex Index, string Label)> FindAsync(CancellationToken ct)
    {
        try
        {
            var index = await indices.FindAsync(options.CountsIndex, ct).ConfigureAwait(false);
            var (label, count, at) = (index.Fields.Find(Label), index.Fields.Find(Count), index.Fields.Find(Time));
            var whole = label.Exact ?? (label.Type is "keyword" or "constant_keyword" or "wildcard" ? label.Name : null);
            if (whole is not null && count.IsNumber && (at.Type is "date" or "date_nanos")) return (index, whole);
            throw ApiErrors.NoCounts.Error(
                $"In the index '{options.CountsIndex}' {Label} is {label.Type}, {Count} {count.Type} and {Time} {at.Type}; they have to be a keyword (or text with one in it), a number and a date.");
        }
        catch (PipelineException e) when (e.Error == ApiErrors.NoSuchIndex || e.Error == ApiErrors.NoSuchField || e.Error == ApiErrors.BadIndexName)
        {
            throw ApiErrors.NoCounts.Error($"There is no index '{options.CountsIndex}' that is served and has the fields {Label}, {Count} and {Time}.", inner: e);
        }
    }

    private static void WriteFilter(Utf8JsonWriter writer, TimeRange range, Action<Utf8JsonWriter> more)
    {
        writer.WriteStartObject("query");
        writer.WriteStartObject("bool");
        writer.WriteStartArray("filter");
        if (!range.IsOpen) range.WriteTo(writer, Time);
        more(writer);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteTerms(Utf8JsonWriter writer, string field, IReadOnlyList<string> labels)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("terms");
        writer.WriteStartArray(field);
        foreach (var label in labels) writer.WriteStringValue(label);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WritePrefix(Utf8JsonWriter writer, string field, string prefix)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("prefix");
        writer.WriteStartObject(field);
        writer.WriteString("value", prefix);
        writer.WriteBoolean("case_insensitive", true);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteLabels(Utf8JsonWriter writer, string field, JsonElement? after)
    {
        writer.WriteStartObject("aggs");
        writer.WriteStartObject("labels");
        writer.WriteStartObject("composite");
        writer.WriteNumber("size", LabelsAtOnce);
        writer.WriteStartArray("sources");
        writer.WriteStartObject();
        writer.WriteStartObject(Label);
        writer.WriteStartObject("terms");
        writer.WriteString("field", field);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndArray();
        if (after is { } last)
        {
            writer.WritePropertyName("after");
            last.WriteTo(writer);
        }

        writer.WriteEndObject();
        writer.WriteStartObject("aggs");
        WriteSum(writer);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteHistogram(Utf8JsonWriter writer, string field, IReadOnlyList<string> labels, TimeRange range, Interval interval, DateTimeOffset first, DateTimeOffset last)
    {
        if (labels.Count == 0)
        {
            WritePoints(writer, range, interval, first, last);
            return;
        }

        // Each label is a filter of its own, named by its place: a label may be anything, a name may not. The points are within the labels: the
        // other way round, the server makes a set of filters for each point, which takes it a quarter longer.
        writer.WriteStartObject("aggs");
        writer.WriteStartObject("labels");
        writer.WriteStartObject("filters");
        writer.WriteStartArray("filters");
        foreach (var label in labels)
        {
            writer.WriteStartObject();
            writer.WriteStartObject("term");
            writer.WriteString(field, label);
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        WritePoints(writer, range, interval, first, last);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WritePoints(Utf8JsonWriter writer, TimeRange range, Interval interval, DateTimeOffset first, DateTimeOffset last)
    {
        writer.WriteStartObject("aggs");
        writer.WriteStartObject("points");
        writer.WriteStartObject("date_histogram");
        writer.WriteString("field", Time);
        writer.WriteString("format", "epoch_millis");
        writer.WriteString(interval.Kind, interval.Name);
        writer.WriteString("time_zone", range.Zone.Id);
        writer.WriteNumber("min_doc_count", 0);
        writer.WriteStartObject("extended_bounds");
        writer.WriteNumber("min", first.ToUnixTimeMilliseconds());
        writer.WriteNumber("max", last.ToUnixTimeMilliseconds());
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStartObject("aggs");
        WriteSum(writer);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteSum(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("sum");
        writer.WriteStartObject("sum");
        writer.WriteString("field", Count);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static long SumOf(JsonElement bucket) => Whole(bucket.GetProperty("sum").GetProperty("value").GetDouble());

    private static DateTimeOffset? InstantOf(JsonElement bound) =>
        bound.GetProperty("value") is { ValueKind: JsonValueKind.Number } value ? DateTimeOffset.FromUnixTimeMilliseconds((long)value.GetDouble()) : null;

    private static DateTimeOffset? Later(DateTimeOffset? a, DateTimeOffset? b) => a is null || b is null ? a : a > b ? a : b;

    private static DateTimeOffset? Earlier(DateTimeOffset? a, DateTimeOffset? b) => a is null || b is null ? a : a < b ? a : b;

    // The first and the last time of all counts; null where there are none.
    private sealed record Bounds(DateTimeOffset? First, DateTimeOffset? Last);
}
