namespace EsPipeline.Core.Records;

/// <summary>
/// Some records in order, of one or several batches: what one write is given. Borrowed: nothing of it may be kept after the write returns.
/// </summary>
/// <param name="records">The records.</param>
public readonly struct RecordSlice(ReadOnlyMemory<Record> records)
{
    /// <summary>The number of records.</summary>
    public int Count => records.Length;

    /// <summary>The records.</summary>
    public ReadOnlySpan<Record> Records => records.Span;

    /// <summary>The record at <paramref name="index"/>, counted from 0.</summary>
    public ref readonly Record this[int index] => ref records.Span[index];

    /// <summary>Consecutive records of this slice.</summary>
    public RecordSlice Slice(int start, int count) => new(records.Slice(start, count));

    /// <summary>The records at these indexes of this slice.</summary>
    public RecordSlice Pick(IReadOnlyList<int> indexes)
    {
        var picked = new Record[indexes.Count];
        for (var i = 0; i < picked.Length; i++) picked[i] = records.Span[indexes[i]];
        return new RecordSlice(picked);
    }

    /// <summary>Bytes of all keys and documents.</summary>
    public long Bytes
    {
        get
        {
            long bytes = 0;
            foreach (ref readonly var record in records.Span) bytes += record.Bytes;
            return bytes;
        }
    }
}
