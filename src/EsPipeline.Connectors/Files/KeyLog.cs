using System.Runtime.InteropServices;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// The keys that an unfinished output file holds, as seeded hashes in a file beside it, so that a resumed run knows what the one before
/// had written. They are in memory only from the first key on that does not come after all before it: until then no key can have come
/// twice, and a sorted file of any size costs nothing.
/// </summary>
/// <param name="path">The file: 16 bytes a key, in the order in which they came; null for keys in memory only, for an output that can't be resumed.</param>
/// <param name="seed">The hashes' seed.</param>
internal sealed class KeyLog(string? path, ulong seed)
{
    private const int HashBytes = 16;
    private const int MostUnsaved = 1 << 16;

    private readonly AscendingKeys _ascending = new();
    private readonly List<UInt128> _unsaved = new(2 * MostUnsaved);
    private KeySet? _keys = path is null ? new KeySet() : null;

    /// <summary>The hashes' seed.</summary>
    public ulong Seed => seed;

    /// <summary>How many keys there are.</summary>
    public long Count { get; private set; }

    /// <summary>A mark to go back to with <see cref="Forget"/>, as long as nothing was saved since.</summary>
    public int Mark => _unsaved.Count;

    /// <summary>Reads the log of a run before.</summary>
    /// <returns>Null where the file does not hold so many keys.</returns>
    public static KeyLog? Load(string path, ulong seed, long count)
    {
        var log = new KeyLog(path, seed);
        return count == 0 || log.Read(count) ? log : null;
    }

    /// <summary>The hash under which a key is held.</summary>
    public UInt128 HashOf(ReadOnlySpan<byte> key) => KeyHash.Compute(key, seed);

    /// <summary>Announces a hash that will be asked for soon.</summary>
    public void Prefetch(UInt128 hash) => _keys?.Prefetch(hash);

    /// <summary>True where the key came before.</summary>
    /// <exception cref="IOException">The file can't be read; or another error of the file system.</exception>
    public bool Contains(ReadOnlySpan<byte> key, UInt128 hash)
    {
        if (_keys is null && !_ascending.IsNext(key)) ReadBack();
        return _keys?.Contains(hash) == true;
    }

    /// <summary>Notes a key that is new.</summary>
    public void Add(ReadOnlySpan<byte> key, UInt128 hash)
    {
        if (_keys is null) _ascending.Add(key);
        else _keys.Add(hash);
        _unsaved.Add(hash);
        Count++;
    }

    /// <summary>Forgets the keys noted since a mark: they were not written after all.</summary>
    public void Forget(int mark)
    {
        _keys?.Remove(_unsaved.Skip(mark));
        Count -= _unsaved.Count - mark;
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
        if (path is not null && Count > 0) Write(path, sync);
        _unsaved.Clear();
    }

    private void Write(string file, bool sync)
    {
        using var stream = new FileStream(file, FileMode.OpenOrCreate, FileAccess.Write, FileShare.Read, bufferSize: 0);
        stream.Position = (Count - _unsaved.Count) * HashBytes;
        stream.Write(MemoryMarshal.AsBytes(CollectionsMarshal.AsSpan(_unsaved)));
        if (sync) DurableFile.Sync(stream);
    }

    // What is not saved stays so: a write that fails has to be able to forget it.
    private void ReadBack()
    {
        var saved = Count - _unsaved.Count;
        if (!Read(saved)) throw new IOException($"{path} does not hold the {saved} keys that were written to it.");
        foreach (var hash in _unsaved) _keys!.Add(hash);
        Count += _unsaved.Count;
    }

    // Nothing has changed until all of them are read: a file that can't be read now may be read later.
    private bool Read(long count)
    {
        var keys = new KeySet();
        if (count > 0)
        {
            if (!File.Exists(path) || new FileInfo(path).Length < count * HashBytes) return false;
            using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, bufferSize: 1 << 16);
            var hash = new UInt128[1];
            for (long i = 0; i < count; i++)
            {
                file.ReadExactly(MemoryMarshal.AsBytes(hash.AsSpan()));
                keys.Add(hash[0]);
            }
        }

        if (keys.Count != count) return false;
        (_keys, Count) = (keys, count);
        return true;
    }
}
