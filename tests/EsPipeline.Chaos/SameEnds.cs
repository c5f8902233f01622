namespace EsPipeline.Chaos;

/// <summary>Whether a copy holds exactly the documents that it should.</summary>
internal static class SameEnds
{
    /// <summary>True where it holds them and no others, by key and content.</summary>
    public static bool Are(IReadOnlyCollection<Document> wanted, IReadOnlyDictionary<string, string> held) =>
        held.Count == wanted.Count && wanted.All(d => held.TryGetValue(d.Key, out var json) && JsonContent.Equal(d.Json, json));

    /// <summary>Waits until it does, as long as espipe runs.</summary>
    /// <param name="espipe">What copies.</param>
    /// <param name="wanted">What there should be.</param>
    /// <param name="read">Reads the whole copy.</param>
    public static Task UntilAsync(EspipeProcess espipe, IReadOnlyCollection<Document> wanted, Func<Task<IReadOnlyDictionary<string, string>>> read)
    {
        var same = CompareAsync();
        return espipe.UntilAsync(
            () =>
            {
                if (!same.IsCompleted) return false;
                if (same.Result) return true;
                same = CompareAsync();
                return false;
            },
            "both ends were the same");

        async Task<bool> CompareAsync() => Are(wanted, await read());
    }
}
