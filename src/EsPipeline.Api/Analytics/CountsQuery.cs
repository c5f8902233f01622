using System.Text.Json;

namespace EsPipeline.Api.Analytics;

/// <summary>Writes the parts of a search in the index of counts; everything that a caller sent goes through the writer as a value (invariant 6).</summary>
internal static class CountsQuery
{
    /// <summary>The field of the label.</summary>
    public const string Label = "label";

    /// <summary>The field of how often.</summary>
    public const string Count = "count";

    /// <summary>The field of when.</summary>
    public const string Time = "time_bucket";

    // Labels in one answer of the server; there may be any number of answers.
    private const int LabelsAtOnce = 10_000;

    /// <summary>Lets only counts through that are within a range, and what else is asked for.</summary>
    public static void WriteFilter(Utf8JsonWriter writer, TimeRange range, Action<Utf8JsonWriter> more)
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

    /// <summary>Lets only some labels through.</summary>
    public static void WriteTerms(Utf8JsonWriter writer, string field, IReadOnlyList<string> labels)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("terms");
        writer.WriteStartArray(field);
        foreach (var label in labels) writer.WriteStringValue(label);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    /// <summary>Lets only labels through that begin so, in capitals or not.</summary>
    public static void WritePrefix(Utf8JsonWriter writer, string field, string prefix)
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

    /// <summary>Sums by label, so many at a time in their order; with the first of them what is under no label.</summary>
    public static void WriteLabels(Utf8JsonWriter writer, string field, JsonElement? after)
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
        WriteSums(writer);
        writer.WriteEndObject();
        if (after is null)
        {
            writer.WriteStartObject("unlabelled");
            writer.WriteStartObject("missing");
            writer.WriteString("field", field);
            writer.WriteEndObject();
            WriteSums(writer);
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }

    /// <summary>Sums over time, of each label or of all together where none is named.</summary>
    public static void WriteHistogram(Utf8JsonWriter writer, string field, IReadOnlyList<string> labels, TimeRange range, Interval interval, DateTimeOffset first, DateTimeOffset last)
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

    /// <summary>Sums of the counts that have no time (<c>untimed</c>), and of those within a range but out of reach (<c>beyond</c>).</summary>
    public static void WriteOutside(Utf8JsonWriter writer, TimeRange reach, TimeRange range, Action<Utf8JsonWriter> more)
    {
        writer.WriteStartObject("query");
        writer.WriteStartObject("bool");
        writer.WriteStartArray("filter");
        more(writer);
        writer.WriteEndArray();
        writer.WriteStartArray("must_not");
        reach.WriteTo(writer, Time);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteStartObject("aggs");
        writer.WriteStartObject("untimed");
        writer.WriteStartObject("missing");
        writer.WriteString("field", Time);
        writer.WriteEndObject();
        WriteSums(writer);
        writer.WriteEndObject();
        writer.WriteStartObject("beyond");
        writer.WriteStartObject("filter");
        writer.WriteStartObject("bool");
        writer.WriteStartArray("filter");
        writer.WriteStartObject();
        writer.WriteStartObject("exists");
        writer.WriteString("field", Time);
        writer.WriteEndObject();
        writer.WriteEndObject();
        if (!range.IsOpen) range.WriteTo(writer, Time);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
        WriteSums(writer);
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
        WriteSums(writer);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteSums(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("aggs");
        WriteSum(writer);
        writer.WriteEndObject();
    }

    /// <summary>The sum of the counts.</summary>
    public static void WriteSum(Utf8JsonWriter writer)
    {
        writer.WriteStartObject("sum");
        writer.WriteStartObject("sum");
        writer.WriteString("field", Count);
        writer.WriteEndObject();
        writer.WriteEndObject();
    }
}
