using System.Buffers;
using System.IO.Enumeration;
using System.Text;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Indices;

/// <summary>
/// The name of one index, alias or data stream as a caller may give it: never a pattern, a list, an expression, another cluster's, or a
/// name that begins as the servers' own do (invariant 6).
/// </summary>
internal static class IndexName
{
    // What the servers refuse in a name, and what stands for something else than itself: patterns, lists, date math, other clusters, encodings.
    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\\/?\"<>| #:*,%");

    /// <summary>Checks a name.</summary>
    /// <exception cref="PipelineException"><see cref="ApiErrors.BadIndexName"/>.</exception>
    public static string Check(string name) => MistakeIn(name) is { } mistake ? throw ApiErrors.BadIndexName.Error(mistake) : name;

    /// <summary>True where the name is among those that are served.</summary>
    public static bool IsServed(string name, IReadOnlyList<string> patterns) =>
        MistakeIn(name) is null && (patterns.Count == 0 || patterns.Any(p => FileSystemName.MatchesSimpleExpression(p, name, ignoreCase: false)));

    private static string? MistakeIn(string name)
    {
        var shown = string.Concat(name.Take(60).Select(c => char.IsControl(c) || char.IsSurrogate(c) ? '?' : c)) + (name.Length > 60 ? "…" : "");
        if (name.Length == 0) return "The name of the index is empty.";
        if (name.Any(char.IsControl)) return $"'{shown}' holds a control character, which no index's name can.";
        if (Encoding.UTF8.GetByteCount(name) > 255) return $"'{shown}' is longer than 255 bytes, which no index's name can be.";
        if (name[0] is '.') return $"'{shown}' begins with a dot, as the search server's own indices do; these are not served.";
        if (name[0] is '-' or '_' or '+') return $"'{shown}' begins with '{name[0]}', which no index's name can.";
        var at = name.AsSpan().IndexOfAny(Forbidden);
        return at < 0 ? null : $"'{shown}' holds '{name[at]}'; give the name of one index or alias.";
    }
}
