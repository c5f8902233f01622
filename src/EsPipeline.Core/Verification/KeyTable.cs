using System.Buffers;
using System.Buffers.Binary;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Verification;

/// <summary>What is known of a key at one end.</summary>
internal enum KeyState : byte
{
    /// <summary>A document, of which there is a hash.</summary>
    Document,

    /// <summary>The end says that it is deleted.</summary>
    Deleted,

    /// <summary>A record that the sink would not take.</summary>
    Unwritable,

    /// <summary>Something that can't be read as a document.</summary>
    Unreadable,
}

/// <summary>
/// Keys with what is known of each, dealt by the key's hash into buckets, in the order in which they came. What exceeds a bound of memory lies in
/// one temporary file, which has no name any more while it is used (invariant 5). Safe for many writers; reading begins when writing is over.
/// </summary>
/// <param name="mostBytes">Bytes that are kept in memory.</param>
/// <param name="seed">The seed of the keys' hashes.</param>
/// <param name="level">Which bits of the hash choose the bucket: 8 for each level.</param>
internal sealed class KeyTable(long mostBytes, ulong seed, int level = 0) : IDisposable
{
    /// <summary>How many buckets there are.</summary>
    public const int Buckets = 256;

    private const int HashBytes = 16;

    private readonly Lock _lock = new();
    private readonly ByteBuffer[] _recent = [.. Enumerable.Range(0, Buckets).Select(_ => new ByteBuffer())];
    private readonly List<(long Start, int Length)>[] _spilt = [.. Enumerable.Range(0, Buckets).Select(_ => new List<(long, int)>())];
    private FileStream? _file;
    private long _end;

    /// <summary>Entries added.</summary>
    public long Count { get; private set; }

    /// <summary>Notes a key.</summary>
    public void Add(ReadOnlySpan<byte> key, KeyState state, UInt128 content)
    {
        var bucket = (int)(KeyHash.Compute64(key, seed) >> (8 * level)) & (Buckets - 1);
        var length = sizeof(int) + 1 + HashBytes + key.Length;
        lock (_lock)
        {
            var buffer = _recent[bucket];
            if (buffer.Length > 0 && buffer.Length + length > mostBytes / Buckets) Spill(bucket);
            var entry = buffer.GetSpan(length);
            BinaryPrimitives.WriteInt32LittleEndian(entry, key.Length);
            entry[sizeof(int)] = (byte)state;
            BinaryPrimitives.WriteUInt128LittleEndian(entry[(sizeof(int) + 1)..], content);
            key.CopyTo(entry[(sizeof(int) + 1 + HashBytes)..]);
            buffer.Advance(length);
            Count++;
        }
    }

    /// <summary>Bytes of a bucket's entries.</summary>
    public long BytesOf(int bucket) => _recent[bucket].Length + _spilt[bucket].Sum(c => (long)c.Length);

    /// <summary>Gives each entry of a bucket to <paramref name="take"/>, in the order in which they came.</summary>
    public void Read(int bucket, TakeEntry take)
    {
        foreach (var (start, length) in _spilt[bucket])
        {
            var chunk = ArrayPool<byte>.Shared.Rent(length);
            ReadWhole(chunk.AsSpan(0, length), start);
            Read(chunk.AsSpan(0, length), take);
            ArrayPool<byte>.Shared.Return(chunk);
        }

        Read(_recent[bucket].Written, take);
    }

    /// <summary>Gives memory and file back; <see cref="Count"/> stays.</summary>
    public void Dispose()
    {
        _file?.Dispose();
        foreach (var buffer in _recent) buffer.Release();
    }

    private static void Read(ReadOnlySpan<byte> entries, TakeEntry take)
    {
        while (!entries.IsEmpty)
        {
            var length = BinaryPrimitives.ReadInt32LittleEndian(entries);
            var state = (KeyState)entries[sizeof(int)];
            var content = BinaryPrimitives.ReadUInt128LittleEndian(entries[(sizeof(int) + 1)..]);
            entries = entries[(sizeof(int) + 1 + HashBytes)..];
            take(entries[..length], state, content);
            entries = entries[length..];
        }
    }

    private void ReadWhole(Span<byte> chunk, long start)
    {
        while (!chunk.IsEmpty)
        {
            var read = RandomAccess.Read(_file!.SafeFileHandle, chunk, start);
            if (read == 0) throw VerifyErrors.NoRoom.Error("A temporary file is shorter than what was written into it.");
            chunk = chunk[read..];
            start += read;
        }
    }

    private void Spill(int bucket)
    {
        var buffer = _recent[bucket];
        try
        {
            _file ??= TemporaryFile.Create();
            RandomAccess.Write(_file.SafeFileHandle, buffer.Written, _end);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw VerifyErrors.NoRoom.Error($"A temporary file in {Path.GetTempPath()} can't be written: {e.Message}", inner: e);
        }

        _spilt[bucket].Add((_end, buffer.Length));
        _end += buffer.Length;
        buffer.CutTo(0);
    }
}

/// <summary>Takes an entry of a <see cref="KeyTable"/>; the key is borrowed.</summary>
internal delegate void TakeEntry(ReadOnlySpan<byte> key, KeyState state, UInt128 content);
