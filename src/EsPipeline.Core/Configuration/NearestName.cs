namespace EsPipeline.Core.Configuration;

/// <summary>Finds what somebody meant.</summary>
public static class NearestName
{
    /// <summary>The candidate with the fewest edits to <paramref name="name"/>; null where none is near (a third of its length or less).</summary>
    public static string? Of(string name, IEnumerable<string> candidates)
    {
        var best = candidates.Select(c => (Name: c, Edits: Distance(name, c))).DefaultIfEmpty().MinBy(c => c.Edits);
        return best.Name is not null && best.Edits <= Math.Max(2, name.Length / 3) ? best.Name : null;
    }

    // Optimal string alignment: insertions, deletions, replacements and swaps of neighbours each cost one.
    private static int Distance(string a, string b)
    {
        var d = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++) d[i, 0] = i;
        for (var j = 0; j <= b.Length; j++) d[0, j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var cost = char.ToLowerInvariant(a[i - 1]) == char.ToLowerInvariant(b[j - 1]) ? 0 : 1;
                d[i, j] = Math.Min(Math.Min(d[i - 1, j] + 1, d[i, j - 1] + 1), d[i - 1, j - 1] + cost);
                if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) d[i, j] = Math.Min(d[i, j], d[i - 2, j - 2] + 1);
            }
        }

        return d[a.Length, b.Length];
    }
}
