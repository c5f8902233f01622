using System.Buffers;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Records;

/// <summary>
/// Collects records into pooled memory. Write a record's key and then its document through <see cref="IBufferWriter{T}"/>, closing
/// each with <see cref="EndKey"/> and <see cref="EndRecord"/>; or take back what was written with <see cref="DropRecord"/>.
/// </summary>
/// <remarks>
/// Records never move once ended: a full chunk is followed by another, and only the record being written is copied over. Not thread-safe.
/// After <see cref="Build"/> it is empty and can be used again.
/// </remarks>
public sealed class RecordBatchBuilder : IBufferWriter<byte>, IDisposable
{
    private readonly int _chunkBytes;
    private List<byte[]> _chunks = [];
    private byte[] _chunk = [];
    private int _used;
    private int _recordStart;
    private int _keyEnd;
    private Record[] _records = [];
    private List<MalformedRecord>? _malformed;

    /// <param name="chunkBytes">The size of one chunk; a longer record gets a chunk of its own.</param>
    public RecordBatchBuilder(int chunkBytes = 1 << 20) => _chunkBytes = chunkBytes;

    /// <summary>Records ended so far.</summary>
    public int Count { get; private set; }

    /// <summary>Bytes of the records ended so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>Malformed records so far.</summary>
    public int MalformedCount => _malformed?.Count ?? 0;

    /// <inheritdoc/>
    public void Advance(int count)
    {
        if ((uint)count > (uint)(_chunk.Length - _used)) throw new ArgumentOutOfRangeException(nameof(count));
        _used += count;
    }

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _chunk.AsMemory(_used);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(sizeHint, 1));
        return _chunk.AsSpan(_used);
    }

    /// <summary>Appends bytes to the key or document being written.</summary>
    public void Write(ReadOnlySpan<byte> bytes)
    {
        Reserve(bytes.Length);
        bytes.CopyTo(_chunk.AsSpan(_used));
        _used += bytes.Length;
    }

    /// <summary>What has been written since the last record ended; valid until the next write.</summary>
    public ReadOnlySpan<byte> Current => _chunk.AsSpan(_recordStart, _used - _recordStart);

    /// <summary>The key of <see cref="Current"/>, once it has ended.</summary>
    public ReadOnlySpan<byte> CurrentKey => _chunk.AsSpan(_recordStart, _keyEnd - _recordStart);

    /// <summary>Ends the key: what is written from here on is the document.</summary>
    public void EndKey() => _keyEnd = _used;

    /// <summary>Ends the record.</summary>
    public void EndRecord(RecordOperation operation, long version, long place)
    {
        var key = _chunk.AsMemory(_recordStart, _keyEnd - _recordStart);
        var json = _chunk.AsMemory(_keyEnd, _used - _keyEnd);
        Add(new Record(key, json, operation, version, place));
        _recordStart = _keyEnd = _used;
    }

    /// <summary>Adds a whole record by copying it.</summary>
    public void Add(ReadOnlySpan<byte> key, ReadOnlySpan<byte> json, RecordOperation operation, long version, long place)
    {
        Write(key);
        EndKey();
        Write(json);
        EndRecord(operation, version, place);
    }

    /// <summary>Adds what could not be read as a record; <paramref name="key"/> and <paramref name="raw"/> are copied.</summary>
    public void AddMalformed(long place, ReadOnlySpan<byte> key, ReadOnlySpan<byte> raw, ErrorCode error, string reason)
    {
        raw = raw[..Math.Min(raw.Length, MalformedRecord.MaxRawBytes)];
        (_malformed ??= []).Add(new MalformedRecord(place, key.ToArray(), raw.ToArray(), error, reason));
    }

    /// <summary>Forgets what was written since the last record ended.</summary>
    public void DropRecord() => _used = _keyEnd = _recordStart;

    /// <summary>Hands everything over as a batch.</summary>
    public RecordBatch Build(Position end, long extent, string placeUnit)
    {
        DropRecord();
        if (_chunk.Length > 0) _chunks.Add(_chunk);
        var batch = new RecordBatch(_records, Count, _chunks, end, _malformed)
        {
            Extent = extent,
            PlaceUnit = placeUnit,
        };
        (_chunks, _chunk, _records, _malformed) = ([], [], [], null);
        (_used, _recordStart, _keyEnd, Count, Bytes) = (0, 0, 0, 0, 0);
        return batch;
    }

    /// <summary>Gives back memory that was not handed over.</summary>
    public void Dispose() => Build(default, 0, "").Dispose();

    private void Add(Record record)
    {
        if (Count == _records.Length)
        {
            var larger = ArrayPool<Record>.Shared.Rent(Math.Max(1024, _records.Length * 2));
            _records.AsSpan(0, Count).CopyTo(larger);
            if (_records.Length > 0) ArrayPool<Record>.Shared.Return(_records, clearArray: true);
            _records = larger;
        }

        _records[Count++] = record;
        Bytes += record.Bytes;
    }

    // Nearly always there is room, which is all that whoever writes a value has to pay for.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private void Reserve(int bytes)
    {
        if (_chunk.Length - _used < bytes) Grow(bytes);
    }

    private void Grow(int bytes)
    {
        var current = _used - _recordStart;
        var wanted = (long)current + bytes;
        if (wanted > Array.MaxLength) throw new InvalidOperationException("A record is larger than an array can be (2 GiB).");

        // A record that outgrows its chunk is doubled, so that building a long one byte by byte stays linear.
        var size = current == 0 ? Math.Max(wanted, _chunkBytes) : Math.Min(Array.MaxLength, Math.Max(wanted + current, _chunkBytes));
        var next = ArrayPool<byte>.Shared.Rent((int)size);
        _chunk.AsSpan(_recordStart, current).CopyTo(next);
        if (_recordStart > 0) _chunks.Add(_chunk);
        else if (_chunk.Length > 0) ArrayPool<byte>.Shared.Return(_chunk);
        _keyEnd = _keyEnd > _recordStart ? _keyEnd - _recordStart : 0;
        (_chunk, _recordStart, _used) = (next, 0, current);
    }
}
