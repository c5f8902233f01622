using System.Runtime.InteropServices;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// The keys that an unfinished output file holds, as seeded hashes in memory and in a file beside it, so that a resumed run knows what
/// the one before had written.
/// </summary>
/// <param name="path">The file: 16 bytes a key, in the order in which they came.</param>
/// <param name="seed">The hashes' seed.</param>
internal sealed class KeyLog(string path, ulong seed)
{
    private const int HashBytes = 16;
    private const int MostUnsaved = 1 << 20;

    private readonly KeySet _keys = new();
    private readonly List<UInt128> _unsaved = [];

    /// <summary>The hashes' seed.</summary>
    public ulong Seed => seed;

    /// <summary>How many keys there are.</summary>
    public long Count => _keys.Count;

    /// <summary>A mark to go back to with <see cref="Forget"/>, as long as nothing was saved since.</summary>
    public int Mark => _unsaved.Count;

    /// <summary>Reads the log of a run before.</summary>
    /// <returns>Null where the file does not hold so many keys.</returns>
    public static KeyLog? Load(string path, ulong seed, long count)
    {
        var log = new KeyLog(path, seed);
        if (count == 0) return log;
        if (!File.Exists(path) || new FileInfo(path).Length < count * HashBytes) return null;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
        var hash = new UInt128[1];
        for (long i = 0; i < count; i++)
        {
            file.ReadExactly(MemoryMarshal.AsBytes(hash.AsSpan()));
            log._keys.Add(hash[0]);
        }

        return log._keys.Count == count ? log : null;
    }

    /// <summary>The hash under which a key is held.</summary>
    public UInt128 HashOf(ReadOnlySpan<byte> key) => UInt128.Max(KeyHash.Compute(key, seed), 1);

    /// <summary>Announces a hash that will be asked for soon.</summary>
    public void Prefetch(UInt128 hash) => _keys.Prefetch(hash);

    /// <summary>True where the key came before.</summary>
    public bool Contains(UInt128 hash) => _keys.Contains(hash);

    /// <summary>Notes a key that is new.</summary>
    public void Add(UInt128 hash)
    {
        _keys.Add(hash);
        _unsaved.Add(hash);
    }

    /// <summary>Forgets the keys noted since a mark: they were not written after all.</summary>
    public void Forget(int mark)
    {
        _keys.Remove(_unsaved.Skip(mark));
        _unsaved.RemoveRange(mark, _unsaved.Count - mark);
    }

    /// <summary>Writes keys out when many have gathered.</summary>
    public void SaveIfMany()
    {
        if (_unsaved.Count >= MostUnsaved) Save(sync: false);
    }

    /// <summary>Writes all keys out.</summary>
    public void Save(bool sync = true)
    {
        if (_keys.Count == 0) return;
        using var file = new FileStream(path, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        file.Position = (_keys.Count - _unsaved.Count) * HashBytes;
        file.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_unsaved)));
        if (sync) file.Flush(flushToDisk: true);
        _unsaved.Clear();
    }
}
