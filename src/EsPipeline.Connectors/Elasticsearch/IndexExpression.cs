using System.Buffers;
using System.Text;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Which indices are meant: names, aliases, data streams and patterns, with commas between them.</summary>
internal static class IndexExpression
{
    // What the servers refuse in a name (MetadataCreateIndexService.validateIndexOrAliasName), and ':' which stands before another cluster's.
    private static readonly SearchValues<char> Forbidden = SearchValues.Create("\\/?\"<>| #:");

    /// <summary>What is wrong with it, as a sentence that can stand alone; null where nothing is.</summary>
    public static string? MistakeIn(string expression)
    {
        foreach (var name in expression.Split(','))
        {
            if (MistakeInName(name) is { } mistake) return mistake;
        }

        return null;
    }

    /// <summary>What is wrong with it where documents are to be written, as a sentence that can stand alone; null where nothing is.</summary>
    public static string? MistakeInTarget(string name) =>
        MistakeIn(name) ?? (IsOneName(name) ? null : $"'{name}' means several indices; documents are written to one index, or to an alias.");

    /// <summary>The names and patterns in it.</summary>
    public static IReadOnlyList<string> Names(string expression) => expression.Split(',');

    /// <summary>True where it names one thing only, and that is no pattern.</summary>
    public static bool IsOneName(string expression) => expression.AsSpan().IndexOfAny('*', ',') < 0;

    /// <summary>The expression as a part of a path: every name encoded, the commas between them not (invariant 6).</summary>
    public static string Encode(string expression) => string.Join(',', expression.Split(',').Select(Uri.EscapeDataString));

    private static string? MistakeInName(string name)
    {
        var shown = string.Concat(name.Select(c => char.IsControl(c) ? '?' : c));
        if (shown.Length > 60) shown = shown[..60] + "…";
        if (name.Length == 0) return "a name is empty.";
        if (name.Any(char.IsControl)) return $"'{shown}' holds a line break or another control character.";
        if (Encoding.UTF8.GetByteCount(name) > 255) return $"'{shown}' is longer than 255 bytes, which no index's name can be.";
        if (name is "_all" || name.All(c => c == '*')) return $"'{shown}' would copy every index of the cluster into one place; name the ones to copy.";
        if (name.StartsWith('-')) return $"'{shown}' would leave something out; name what to copy instead.";
        if (name.StartsWith('<')) return $"'{shown}' is date math, which would mean another index each day; use a pattern such as logs-*.";
        if (name.Contains(':', StringComparison.Ordinal)) return $"'{shown}' is in another cluster; give that cluster's own address with --es-url.";
        if (name.StartsWith('.')) return $"'{shown}' begins with a dot, as the servers' own indices do; those are not copied.";
        if (name.StartsWith('_') || name.StartsWith('+')) return $"'{shown}' is no index: no name begins with '{name[0]}'.";
        if (name.Contains('%', StringComparison.Ordinal)) return $"'{shown}' holds a '%': write the name as it is, it is encoded where that is needed.";
        var forbidden = name.AsSpan().IndexOfAny(Forbidden);
        return forbidden >= 0 ? $"'{shown}' holds '{name[forbidden]}', which no index's name can." : null;
    }
}
