using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Planning;

namespace EsPipeline.Cli;

/// <summary>What <c>plan</c> prints, for a person and as JSON.</summary>
internal static class PlanReport
{
    // Keys and reasons are shown as they are; quotes and control characters are still escaped.
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The lines for a person.</summary>
    public static IReadOnlyList<string> Lines(Settings settings, RunPlan plan)
    {
        var billed = plan.BilledWrites > 0 ? Text($", {plan.BilledWrites:N0} billed writes") : "";
        var lines = new List<string>
        {
            $"Plan of job {settings.Job}: {settings.Source.Name} -> {settings.Sink.Name} ({EnumText.Kebab(settings.Mode)}), for a run from the start. Nothing was written.",
            Text($"  read        {plan.Read:N0} records, {ProgressLine.Bytes(plan.BytesRead)}"),
            Text($"  to write    {plan.ToWrite:N0} records, {ProgressLine.Bytes(plan.BytesToWrite)}, at most {plan.Requests:N0} requests{billed}"),
            Text($"  filtered    {plan.Filtered:N0}"),
            Text($"  would fail  {plan.Failing:N0}"),
        };
        if (plan.Duplicates is { } duplicates) lines.Add($"  keys again  {DuplicatesText(duplicates)}");
        lines.Add($"  estimate    {TimeText(plan.Estimate.Time)} ({plan.Estimate.Basis})");

        foreach (var problem in plan.Problems)
        {
            lines.AddRange(ProblemReport.Lines(problem));
            if (problem.Count > problem.Worst.Count) lines.Add(Text($"          … and {problem.Count - problem.Worst.Count:N0} more"));
        }

        if (plan.Duplicates is { Count: > 0 } again)
        {
            lines.Add("");
            lines.Add(Text($"{again.Count,8:N0}  keys that come again:"));
            lines.AddRange(again.First.Select(d => "          " + DuplicateText(d)));
            if (again.Count > again.First.Count) lines.Add(Text($"          … and {again.Count - again.First.Count:N0} more"));
        }

        if (plan.Notes.Count > 0 || plan.SinkProblem is not null) lines.Add("");
        if (plan.SinkProblem is { } sink) lines.Add($"{SinkText(sink)}: {sink.Message} {sink.Remedy} ({sink.Code})");
        lines.AddRange(plan.Notes.Select(n => "Note: " + n));
        return lines;
    }

    /// <summary>One JSON document.</summary>
    public static string Json(Settings settings, RunPlan plan)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Indented))
        {
            json.WriteStartObject();
            json.WriteString("job", settings.Job);
            json.WriteString("source", settings.Source.Name);
            json.WriteString("sink", settings.Sink.Name);
            json.WriteString("mode", EnumText.Kebab(settings.Mode));
            json.WriteNumber("read", plan.Read);
            json.WriteNumber("bytes_read", plan.BytesRead);
            json.WriteNumber("to_write", plan.ToWrite);
            json.WriteNumber("bytes_to_write", plan.BytesToWrite);
            json.WriteNumber("filtered", plan.Filtered);
            json.WriteNumber("would_fail", plan.Failing);
            json.WriteNumber("requests_at_most", plan.Requests);
            json.WriteNumber("billed_writes", plan.BilledWrites);
            json.WriteStartObject("estimate");
            json.WriteNumber("seconds", Math.Round(plan.Estimate.Time.TotalSeconds, 3));
            json.WriteString("basis", plan.Estimate.Basis);
            json.WriteEndObject();
            ProblemReport.Write(json, "problems", plan.Problems, withBytes: true);
            WriteDuplicates(json, plan.Duplicates);
            if (plan.SinkProblem is { } sink)
            {
                json.WriteStartObject("sink_problem");
                json.WriteString("code", sink.Code);
                json.WriteString("message", sink.Message);
                json.WriteString("remedy", sink.Remedy);
                json.WriteBoolean("stops_a_run", sink.Kind != FailureKind.Transient);
                json.WriteEndObject();
            }

            json.WriteStartArray("notes");
            foreach (var note in plan.Notes) json.WriteStringValue(note);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    /// <summary>A key that came again, in one line.</summary>
    public static string DuplicateText(DuplicateKey duplicate) => $"{duplicate.Place}, key {duplicate.Key}: first at {duplicate.FirstPlace}";

    /// <summary>What the sink's problem means for a run.</summary>
    public static string SinkText(PipelineException problem) => problem.Kind == FailureKind.Transient
        ? "The sink was not reached, so records were checked only as far as that is possible without it"
        : "A run would end at once";

    /// <summary>What becomes of keys that come again.</summary>
    public static string DuplicatesText(DuplicateKeys duplicates)
    {
        var kept = duplicates.Count == 0 ? "" : duplicates.KeepsFirst ? "; the first record of a key is kept" : "; the last record of a key is kept";
        return Text($"{duplicates.Count:N0}{kept}{(duplicates.Complete ? "" : "; there were too many keys to remember them all, so there may be more")}");
    }

    private static void WriteDuplicates(Utf8JsonWriter json, DuplicateKeys? duplicates)
    {
        if (duplicates is null) return;
        json.WriteStartObject("duplicates");
        json.WriteNumber("count", duplicates.Count);
        json.WriteBoolean("complete", duplicates.Complete);
        json.WriteString("kept", duplicates.KeepsFirst ? "first" : "last");
        json.WriteStartArray("first");
        foreach (var duplicate in duplicates.First)
        {
            json.WriteStartObject();
            json.WriteString("key", duplicate.Key);
            json.WriteString("first_place", duplicate.FirstPlace);
            json.WriteString("place", duplicate.Place);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static string TimeText(TimeSpan time) => time.TotalSeconds < 60
        ? Text($"about {time.TotalSeconds:0.#} s")
        : Text($"about {(int)time.TotalHours:00}:{time.Minutes:00}:{time.Seconds:00}");

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
