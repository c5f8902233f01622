using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using EsPipeline.Core.Verification;

namespace EsPipeline.Cli;

/// <summary>What <c>verify</c> prints, for a person and as JSON.</summary>
internal static class VerifyReport
{
    // Keys are shown as they are; quotes and control characters are still escaped.
    private static readonly JsonWriterOptions Indented = new() { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The lines for a person.</summary>
    public static IReadOnlyList<string> Lines(Settings settings, VerifyResult result)
    {
        var wrote = result.Repair is null ? " Nothing was written." : "";
        var lines = new List<string>
        {
            $"Comparison of job {settings.Job}: {settings.Source.Name} -> {settings.Sink.Name}.{wrote}",
            Text($"  source      {result.Read:N0} records read{(result.Filtered > 0 ? Text($", {result.Filtered:N0} filtered") : "")}"),
            Text($"  sink        {result.There:N0} documents read"),
            Text($"  equal       {result.Equal:N0}"),
            Text($"  missing     {result.Missing.Count:N0}"),
            Text($"  different   {result.Different.Count:N0}"),
            result.Extra is { } extra ? Text($"  extra       {extra.Count:N0}") : "  extra       not known",
            Text($"  not taken   {result.Unwritable.Sum(u => u.Count):N0}"),
        };
        if (result.Unreadable > 0) lines.Add(Text($"  unreadable  {result.Unreadable:N0} in the sink, without a key"));
        if (result.Settled is { } settled) lines.Add(settled == 0
            ? "What differs was looked at a second time, and still differed."
            : Text($"What differed was looked at a second time: {settled:N0} of it had only been changing meanwhile."));
        AddKeys(lines, result.Missing, "keys missing in the sink");
        AddKeys(lines, result.Different, "keys whose documents differ");
        if (result.Extra is not null) AddKeys(lines, result.Extra, "keys in the sink that the source does not have");
        lines.AddRange(result.Unwritable.SelectMany(ProblemReport.Lines));
        if (result.Notes.Count > 0) lines.Add("");
        lines.AddRange(result.Notes.Select(n => "Note: " + n));
        if (result.Repair is { } repair) lines.AddRange(RepairLines(repair));
        else if (result.IsClean) lines.Add("Both ends are the same.");
        return lines;
    }

    /// <summary>One JSON document.</summary>
    public static string Json(Settings settings, VerifyResult result)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, Indented))
        {
            json.WriteStartObject();
            json.WriteString("job", settings.Job);
            json.WriteString("source", settings.Source.Name);
            json.WriteString("sink", settings.Sink.Name);
            json.WriteBoolean("same", result.IsClean);
            json.WriteNumber("read_at_source", result.Read);
            json.WriteNumber("filtered", result.Filtered);
            json.WriteNumber("read_in_sink", result.There);
            json.WriteNumber("equal", result.Equal);
            WriteKeys(json, "missing", result.Missing);
            WriteKeys(json, "different", result.Different);
            WriteKeys(json, "extra", result.Extra);
            ProblemReport.Write(json, "not_taken", result.Unwritable, withBytes: false);
            json.WriteNumber("unreadable_in_sink", result.Unreadable);
            if (result.Settled is { } settled) json.WriteNumber("settled_at_second_look", settled);
            if (result.Repair is { } repair) WriteRepair(json, repair);
            json.WriteStartArray("notes");
            foreach (var note in result.Notes) json.WriteStringValue(note);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private static void AddKeys(List<string> lines, KeyGroup group, string title)
    {
        if (group.Count == 0) return;
        lines.Add("");
        lines.Add(Text($"{group.Count,8:N0}  {title}:"));
        foreach (var example in group.Examples)
        {
            lines.Add("          " + example.Key);
            lines.AddRange(example.Differences.Select(d => "            " + d));
        }

        if (group.Count > group.Examples.Count) lines.Add(Text($"          … and {group.Count - group.Examples.Count:N0} more"));
    }

    private static IEnumerable<string> RepairLines(RepairResult repair)
    {
        var account = repair.Account;
        yield return "";
        yield return Text($"repaired: {account.Written:N0} written, {repair.Deleted:N0} of them deletes, {account.Unchanged:N0} unchanged, {account.DeadLettered:N0} dead-lettered, retries {account.Retries:N0}");
        var extra = repair.ExtraLeft is { } left ? Text($", {left:N0} extra") : "";
        yield return repair.Left == 0 && repair.ExtraLeft is null or 0
            ? "Looked at once more: nothing differs."
            : Text($"Looked at once more: {repair.Left:N0} keys are still missing or differ{extra}.");
    }

    private static void WriteKeys(Utf8JsonWriter json, string name, KeyGroup? group)
    {
        if (group is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("count", group.Count);
        json.WriteStartArray("first");
        foreach (var example in group.Examples)
        {
            json.WriteStartObject();
            json.WriteString("key", example.Key);
            if (example.Differences.Count > 0)
            {
                json.WriteStartArray("differences");
                foreach (var difference in example.Differences) json.WriteStringValue(difference);
                json.WriteEndArray();
            }

            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    private static void WriteRepair(Utf8JsonWriter json, RepairResult repair)
    {
        json.WriteStartObject("repair");
        json.WriteNumber("written", repair.Account.Written);
        json.WriteNumber("deletes", repair.Deleted);
        json.WriteNumber("unchanged", repair.Account.Unchanged);
        json.WriteNumber("dead_lettered", repair.Account.DeadLettered);
        json.WriteNumber("retries", repair.Account.Retries);
        json.WriteNumber("left", repair.Left);
        if (repair.ExtraLeft is { } extra) json.WriteNumber("extra_left", extra);
        json.WriteEndObject();
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
