namespace EsPipeline.Benchmarks;

/// <summary>Compares files byte by byte.</summary>
internal static class SameBytes
{
    public static async Task<bool> AreAsync(Stream a, Stream b)
    {
        if (a.Length != b.Length) return false;
        var (first, second) = (new byte[1 << 20], new byte[1 << 20]);
        while (true)
        {
            var read = await a.ReadAtLeastAsync(first, first.Length, throwOnEndOfStream: false);
            await b.ReadExactlyAsync(second.AsMemory(0, read));
            if (!first.AsSpan(0, read).SequenceEqual(second.AsSpan(0, read))) return false;
            if (read < first.Length) return true;
        }
    }
}
