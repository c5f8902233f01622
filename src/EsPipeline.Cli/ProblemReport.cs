using System.Globalization;
using System.Text.Json;
using EsPipeline.Core.Planning;

namespace EsPipeline.Cli;

/// <summary>How records that a sink would not take are shown, whatever command has found them.</summary>
internal static class ProblemReport
{
    /// <summary>The lines for a person, an empty one first.</summary>
    public static IEnumerable<string> Lines(ProblemGroup problem) =>
    [
        "",
        string.Create(CultureInfo.InvariantCulture, $"{problem.Count,8:N0}  {problem.Error.Code}: {problem.Meaning}"),
        $"          {problem.Remedy}",
        .. problem.Worst.Select(r => "          " + RecordText(r)),
    ];

    /// <summary>A record that would be set aside, in one line.</summary>
    public static string RecordText(FailingRecord record) =>
        $"{record.Place}, {(record.Key.Length > 0 ? "key " + record.Key : "no key")}: {record.Reason}";

    /// <summary>A property of a JSON document that lists them.</summary>
    /// <param name="json">The document.</param>
    /// <param name="name">The property.</param>
    /// <param name="problems">The problems.</param>
    /// <param name="withBytes">True to tell how large each record is.</param>
    public static void Write(Utf8JsonWriter json, string name, IEnumerable<ProblemGroup> problems, bool withBytes)
    {
        json.WriteStartArray(name);
        foreach (var problem in problems)
        {
            json.WriteStartObject();
            json.WriteString("code", problem.Error.Code);
            json.WriteString("meaning", problem.Meaning);
            json.WriteString("remedy", problem.Remedy);
            json.WriteNumber("count", problem.Count);
            json.WriteStartArray("worst");
            foreach (var record in problem.Worst)
            {
                json.WriteStartObject();
                json.WriteString("place", record.Place);
                json.WriteString("key", record.Key);
                if (withBytes) json.WriteNumber("bytes", record.Bytes);
                json.WriteString("reason", record.Reason);
                json.WriteEndObject();
            }

            json.WriteEndArray();
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }
}
