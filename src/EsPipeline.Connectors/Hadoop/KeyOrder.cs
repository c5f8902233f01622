namespace EsPipeline.Connectors.Hadoop;

/// <summary>
/// The order of the names' UTF-8 bytes, in which S3 lists. UTF-16 has another: its surrogates stand before U+E000, though the characters that
/// they make come after.
/// </summary>
internal sealed class KeyOrder : IComparer<string>
{
    public static KeyOrder Instance { get; } = new();

    public int Compare(string? x, string? y)
    {
        var a = x.AsSpan();
        var b = y.AsSpan();
        var same = a.CommonPrefixLength(b);
        if (same == a.Length || same == b.Length) return a.Length.CompareTo(b.Length);
        return Rank(a[same]).CompareTo(Rank(b[same]));
    }

    private static int Rank(char unit) => char.IsSurrogate(unit) ? unit + 0x10000 : unit;
}
