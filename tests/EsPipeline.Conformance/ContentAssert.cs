using Xunit;

namespace EsPipeline.Conformance;

/// <summary>Compares sets of documents, and says what is missing, too much or different instead of printing both.</summary>
public static class ContentAssert
{
    /// <summary>Both hold the same keys, with documents that say the same.</summary>
    public static void Same(IEnumerable<Document> expected, IReadOnlyDictionary<string, string> actual)
    {
        var wanted = expected.ToDictionary(d => d.Key, d => d.Json);
        var problems = wanted.Keys.Except(actual.Keys).Select(k => $"missing: {Show(k)}")
            .Concat(actual.Keys.Except(wanted.Keys).Select(k => $"too much: {Show(k)}"))
            .Concat(wanted.Where(w => actual.ContainsKey(w.Key))
                .Select(w => (w.Key, Difference: JsonContent.Difference(w.Value, actual[w.Key])))
                .Where(d => d.Difference is not null)
                .Select(d => $"different: {Show(d.Key)}: {d.Difference}"))
            .ToArray();
        Assert.True(
            problems.Length == 0,
            $"{problems.Length} differences between {wanted.Count} expected and {actual.Count} actual documents:\n{string.Join('\n', problems.Take(10))}");
    }

    /// <summary>No key comes twice.</summary>
    public static void Unique(IEnumerable<ReadRecord> records)
    {
        var twice = records.GroupBy(r => r.Key, StringComparer.Ordinal).Where(g => g.Count() > 1).Select(g => g.Key).ToArray();
        Assert.True(twice.Length == 0, $"{twice.Length} keys came more than once, such as {string.Join(", ", twice.Take(3).Select(Show))}");
    }

    private static string Show(string key) => Document.Short(key.ReplaceLineEndings("\\n"), 60);
}
