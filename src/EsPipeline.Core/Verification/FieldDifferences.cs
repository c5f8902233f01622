using System.Text;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Verification;

/// <summary>Says where two documents differ, with a short excerpt of the values.</summary>
internal static class FieldDifferences
{
    private const int MostLines = 5;
    private const int LongestValue = 40;
    private const int DeepestPath = 50;

    private static readonly JsonDocumentOptions Options = new() { MaxDepth = DocumentJson.MaxDepth };

    /// <summary>The first differences, a line each; the last line says where there are more.</summary>
    /// <param name="expected">As it should be.</param>
    /// <param name="found">As it is.</param>
    /// <param name="fields">The fields that count, null among them not; null for all.</param>
    /// <param name="canonical">Tells values apart.</param>
    public static IReadOnlyList<string> Of(byte[] expected, byte[] found, HashSet<byte[]>? fields, CanonicalJson canonical)
    {
        using var a = JsonDocument.Parse(expected, Options);
        using var b = JsonDocument.Parse(found, Options);
        var lines = new List<string>();
        try
        {
            Compare(a.RootElement, b.RootElement, "", 0, fields, canonical, lines);
        }
        catch (InvalidOperationException)
        {
            // The reader's way to say that a name is no text.
            lines.Add("a field's name holds half of a surrogate pair, which is no character");
        }

        return lines.Count <= MostLines ? lines : [.. lines.Take(MostLines), "… and more"];
    }

    private static void Compare(JsonElement a, JsonElement b, string path, int depth, HashSet<byte[]>? fields, CanonicalJson canonical, List<string> lines)
    {
        if (lines.Count > MostLines || Same(a, b, canonical)) return;
        if (depth >= DeepestPath || a.ValueKind != JsonValueKind.Object || b.ValueKind != JsonValueKind.Object)
        {
            lines.Add($"{(path.Length == 0 ? "the document" : path)}: {Excerpt(a)} at the source, {Excerpt(b)} in the sink");
            return;
        }

        var there = new Dictionary<string, JsonElement>(StringComparer.Ordinal);
        foreach (var member in Members(b, fields)) there[member.Name] = member.Value;
        foreach (var member in Members(a, fields))
        {
            var name = path.Length == 0 ? member.Name : $"{path}.{member.Name}";
            if (there.Remove(member.Name, out var value)) Compare(member.Value, value, name, depth + 1, null, canonical, lines);
            else lines.Add($"{name}: {Excerpt(member.Value)} at the source, not in the sink");
        }

        foreach (var (name, value) in there) lines.Add($"{(path.Length == 0 ? name : $"{path}.{name}")}: not at the source, {Excerpt(value)} in the sink");
    }

    private static IEnumerable<JsonProperty> Members(JsonElement element, HashSet<byte[]>? fields) => element.EnumerateObject().Where(m =>
        fields is null || (m.Value.ValueKind != JsonValueKind.Null && fields.Contains(Encoding.UTF8.GetBytes(m.Name))));

    private static bool Same(JsonElement a, JsonElement b, CanonicalJson canonical) =>
        canonical.Bytes(Encoding.UTF8.GetBytes(a.GetRawText())).ToArray().AsSpan().SequenceEqual(canonical.Bytes(Encoding.UTF8.GetBytes(b.GetRawText())));

    private static string Excerpt(JsonElement value)
    {
        var text = value.GetRawText();
        return text.Length <= LongestValue ? text : $"{text[..LongestValue]}…";
    }
}
