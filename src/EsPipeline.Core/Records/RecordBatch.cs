using System.Buffers;
using System.Runtime.CompilerServices;

namespace EsPipeline.Core.Records;

/// <summary>
/// Consecutive records of one partition and the position that follows the last of them. It owns the pooled memory that its records
/// point into: after <see cref="Dispose"/> none of them may be touched.
/// </summary>
/// <remarks>Not safe for concurrent disposal; reading it from many threads is safe.</remarks>
public sealed class RecordBatch : IDisposable
{
    private readonly Record[] _records;
    private readonly IReadOnlyList<byte[]> _buffers;
    private bool _disposed;

    /// <summary>Takes over <paramref name="records"/> and <paramref name="buffers"/>, which came from the shared array pools.</summary>
    /// <param name="records">The records; only the first <paramref name="count"/> count.</param>
    /// <param name="count">How many records.</param>
    /// <param name="buffers">The arrays that the records' memory lies in.</param>
    /// <param name="end">Where to read on after this batch.</param>
    /// <param name="malformed">What could not be read as a record.</param>
    public RecordBatch(
        Record[] records, int count, IReadOnlyList<byte[]> buffers, Position end, IReadOnlyList<MalformedRecord>? malformed = null)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, records.Length);
        _records = records;
        _buffers = buffers;
        Count = count;
        End = end;
        Malformed = malformed ?? [];
        Bytes = (long)records.Length * Unsafe.SizeOf<Record>();
        foreach (var buffer in buffers) Bytes += buffer.Length;
    }

    /// <summary>A batch without records, which only moves the position.</summary>
    public static RecordBatch Empty(Position end) => new([], 0, [], end);

    /// <summary>The number of records; 0 is allowed, such a batch only moves the position.</summary>
    public int Count { get; private set; }

    /// <summary>The position to read on from once every record of this batch is safe.</summary>
    public Position End { get; }

    /// <summary>The bytes of memory that this batch holds until it is disposed.</summary>
    public long Bytes { get; }

    /// <summary>What was found and could not be read as a record. Each counts as read, and goes to the dead letters.</summary>
    public IReadOnlyList<MalformedRecord> Malformed { get; private set; }

    /// <summary>How much of <see cref="Sources.Partition.Extent"/> this batch covers, in the partition's unit.</summary>
    public long Extent { get; init; }

    /// <summary>What <see cref="Record.Place"/> counts, as a person would read it before the number: <c>people.csv line</c>.</summary>
    public string PlaceUnit { get; init; } = "record";

    /// <summary>The records.</summary>
    public ReadOnlyMemory<Record> Records
    {
        get
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            return _records.AsMemory(0, Count);
        }
    }

    /// <summary>Where a record stood, for a person: <c>people.csv line 17</c>.</summary>
    public string PlaceOf(long place) => $"{PlaceUnit} {place}";

    /// <summary>Keeps only the first <paramref name="count"/> of records and malformed ones together, by their places.</summary>
    internal void CutTo(int count)
    {
        MalformedRecord[] malformed = [.. Malformed.OrderBy(m => m.Place)];
        var (good, bad) = (0, 0);
        while (good + bad < count)
        {
            if (bad < malformed.Length && (good == Count || malformed[bad].Place < _records[good].Place)) bad++;
            else good++;
        }

        (Count, Malformed) = (good, malformed[..bad]);
    }

    /// <summary>Gives the memory back to its pool.</summary>
    public void Dispose()
    {
        if (_disposed) return;
        _disposed = true;
        foreach (var buffer in _buffers) ArrayPool<byte>.Shared.Return(buffer);
        if (_records.Length > 0) ArrayPool<Record>.Shared.Return(_records, clearArray: true);
    }
}
