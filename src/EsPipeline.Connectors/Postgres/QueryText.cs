using System.Buffers;

namespace EsPipeline.Connectors.Postgres;

/// <summary>What the text of <c>--query</c> is, as far as its outline tells: words, parentheses, quotes and comments.</summary>
internal static class QueryText
{
    // None of them can begin an expression, but for VALUES, which may be a column's name.
    private static readonly string[] Beginnings = ["SELECT", "WITH", "TABLE", "VALUES"];

    // What may follow a statement in parentheses, and no expression.
    private static readonly string[] Continuations = ["UNION", "INTERSECT", "EXCEPT", "ORDER", "LIMIT", "OFFSET", "FETCH"];

    private static readonly SearchValues<char> WordCharacters = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");

    /// <summary>True for a query that is a statement, and no condition on a table's rows.</summary>
    public static bool IsStatement(string? query) => IsStatement((query ?? "").AsSpan());

    private static bool IsStatement(ReadOnlySpan<char> text)
    {
        text = SkipBlank(text);
        if (text.StartsWith("("))
        {
            // (SELECT 1) UNION (SELECT 2), but not (SELECT max(id) FROM t) > id.
            var length = Parenthesized(text);
            var rest = SkipBlank(text[length..]);
            return length > 1 && IsStatement(text[1..(length - 1)]) && (rest.IsEmpty || rest is ";" || IsOneOf(Continuations, rest));
        }

        return IsOneOf(Beginnings, text) && (!text.StartsWith("VALUES", StringComparison.OrdinalIgnoreCase) || SkipBlank(text["VALUES".Length..]).StartsWith("("));
    }

    private static bool IsOneOf(string[] words, ReadOnlySpan<char> text)
    {
        var end = text.IndexOfAnyExcept(WordCharacters);
        foreach (var word in words)
        {
            if (text[..(end < 0 ? text.Length : end)].Equals(word, StringComparison.OrdinalIgnoreCase)) return true;
        }

        return false;
    }

    private static ReadOnlySpan<char> SkipBlank(ReadOnlySpan<char> text)
    {
        while (true)
        {
            text = text.TrimStart();
            var comment = CommentLength(text);
            if (comment == 0) return text;
            text = text[comment..];
        }
    }

    // The length of the comment with which a text begins; comments of the second kind nest.
    private static int CommentLength(ReadOnlySpan<char> text)
    {
        if (text.StartsWith("--")) return text.IndexOf('\n') is >= 0 and var line ? line : text.Length;
        if (!text.StartsWith("/*")) return 0;
        var (depth, at) = (0, 0);
        do
        {
            var rest = text[at..];
            if (rest.StartsWith("/*")) depth++;
            else if (rest.StartsWith("*/")) depth--;
            at += rest.StartsWith("/*") || rest.StartsWith("*/") ? 2 : 1;
        }
        while (depth > 0 && at < text.Length);
        return Math.Min(at, text.Length);
    }

    // The length of what stands between the parenthesis with which a text begins and its own other one, with both; 0 where that is missing.
    private static int Parenthesized(ReadOnlySpan<char> text)
    {
        var (depth, at) = (0, 0);
        while (at < text.Length)
        {
            var rest = text[at..];
            if (rest[0] == '(') depth++;
            else if (rest[0] == ')' && --depth == 0) return at + 1;
            at += Math.Max(1, Math.Max(CommentLength(rest), QuotedLength(rest)));
        }

        return 0;
    }

    // 'text', "name", and $tag$text$tag$. A quote that is doubled begins another quoted text, which comes to the same here.
    private static int QuotedLength(ReadOnlySpan<char> text)
    {
        if (text[0] is '\'' or '"') return text[1..].IndexOf(text[0]) is >= 0 and var end ? end + 2 : text.Length;
        if (text[0] != '$' || text[1..].IndexOfAnyExcept(WordCharacters) is not (>= 0 and var tag) || text[tag + 1] != '$') return 0;
        var mark = text[..(tag + 2)];
        return text[mark.Length..].IndexOf(mark) is >= 0 and var close ? close + (2 * mark.Length) : text.Length;
    }
}
