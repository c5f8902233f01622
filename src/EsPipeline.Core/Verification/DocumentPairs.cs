using System.Collections.Concurrent;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Verification;

/// <summary>Keeps the documents of a few keys as both ends have them, to show what differs. Safe for many threads.</summary>
/// <param name="keys">The keys; their number bounds the memory.</param>
internal sealed class DocumentPairs(IEnumerable<byte[]> keys)
{
    /// <summary>A larger document is not kept.</summary>
    private const int MostBytes = 1 << 20;

    private readonly HashSet<byte[]> _wanted = new(keys, KeyComparer.Instance);
    private readonly ConcurrentDictionary<byte[], byte[]> _expected = new(KeyComparer.Instance);
    private readonly ConcurrentDictionary<byte[], byte[]> _found = new(KeyComparer.Instance);

    /// <summary>Keeps what should be there, where it is wanted; the last of a key.</summary>
    public void Expect(in Record record) => Keep(record, _expected);

    /// <summary>Keeps what is there, where it is wanted.</summary>
    public void Find(in Record record) => Keep(record, _found);

    /// <summary>Both documents of a key; null where one is not known.</summary>
    public (byte[] Expected, byte[] Found)? Of(byte[] key) =>
        _expected.TryGetValue(key, out var expected) && _found.TryGetValue(key, out var found) ? (expected, found) : null;

    private void Keep(in Record record, ConcurrentDictionary<byte[], byte[]> kept)
    {
        if (_wanted.Count == 0 || record.Json.Length > MostBytes || !_wanted.GetAlternateLookup<ReadOnlySpan<byte>>().Contains(record.Key.Span)) return;
        kept[record.Key.ToArray()] = record.Json.ToArray();
    }
}
