using System.Buffers;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Rows on their way to the server: the bytes of all their values in one array that the garbage collector does not move, and where each
/// value lies in it. A row is written value by value in any order, then ended or dropped. Used again and again; not for several threads.
/// </summary>
internal sealed class RowBlock : IBufferWriter<byte>
{
    // A block that has held an unusually large record gives its memory back.
    private const int MostKept = 16 << 20;

    private Cell[] _cells = new Cell[2048];
    private byte[] _bytes = [];
    private int[] _records = new int[1024];
    private int _used;
    private int _rowStart;
    private int _cellStart;

    /// <summary>Values in a row.</summary>
    public int Columns { get; private set; }

    /// <summary>Rows ended so far.</summary>
    public int Count { get; private set; }

    /// <summary>Begins anew.</summary>
    /// <param name="columns">Values in a row.</param>
    public void Clear(int columns)
    {
        (Columns, Count, _used, _rowStart, _cellStart) = (columns, 0, 0, 0, 0);
        if (_bytes.Length > MostKept) _bytes = [];
        if (_cells.Length < columns) Array.Resize(ref _cells, columns);
        ClearRow();
    }

    /// <inheritdoc/>
    public void Advance(int count) => _used += count;

    /// <inheritdoc/>
    public Memory<byte> GetMemory(int sizeHint = 0)
    {
        Reserve(Math.Max(1, sizeHint));
        return _bytes.AsMemory(_used);
    }

    /// <inheritdoc/>
    public Span<byte> GetSpan(int sizeHint = 0)
    {
        Reserve(Math.Max(1, sizeHint));
        return _bytes.AsSpan(_used);
    }

    /// <summary>Ends a value of the row: it is what was written since the last one was ended.</summary>
    public void EndValue(int column)
    {
        _cells[(Count * Columns) + column] = new Cell(_cellStart, _used - _cellStart, Indicator.None);
        _cellStart = _used;
    }

    /// <summary>Sets a value of the row.</summary>
    public void Set(int column, ReadOnlySpan<byte> value)
    {
        Reserve(value.Length);
        value.CopyTo(_bytes.AsSpan(_used));
        _used += value.Length;
        EndValue(column);
    }

    /// <summary>Sets a value of the row to what is no value.</summary>
    public void Set(int column, Indicator indicator) => _cells[(Count * Columns) + column] = new Cell(0, 0, indicator);

    /// <summary>True where a value of the row being written was set.</summary>
    public bool IsSet(int column) => _cells[(Count * Columns) + column].Indicator != Unset;

    /// <summary>Ends the row.</summary>
    /// <param name="record">The index of the record that it is made of.</param>
    public void EndRow(int record)
    {
        if (Count == _records.Length) Array.Resize(ref _records, Count * 2);
        _records[Count++] = record;
        if ((Count + 1) * Columns > _cells.Length) Array.Resize(ref _cells, Math.Max(_cells.Length * 2, (Count + 1) * Columns));
        (_rowStart, _cellStart) = (_used, _used);
        ClearRow();
    }

    /// <summary>Forgets the row being written.</summary>
    public void DropRow()
    {
        (_used, _cellStart) = (_rowStart, _rowStart);
        ClearRow();
    }

    /// <summary>The index of the record that a row is made of.</summary>
    public int RecordOf(int row) => _records[row];

    /// <summary>What a value is.</summary>
    public Indicator IndicatorOf(int row, int column) => _cells[(row * Columns) + column].Indicator;

    /// <summary>A value.</summary>
    public ReadOnlySpan<byte> this[int row, int column]
    {
        get
        {
            var cell = _cells[(row * Columns) + column];
            return _bytes.AsSpan(cell.Start, cell.Length);
        }
    }

    /// <summary>Bytes of a row's values.</summary>
    public long BytesOf(int row)
    {
        long bytes = 0;
        for (var column = 0; column < Columns; column++) bytes += _cells[(row * Columns) + column].Length;
        return bytes;
    }

    /// <summary>Where the bytes begin; valid until the next write.</summary>
    public unsafe byte* Address => (byte*)System.Runtime.InteropServices.Marshal.UnsafeAddrOfPinnedArrayElement(_bytes, 0);

    /// <summary>Where a value lies behind <see cref="Address"/>.</summary>
    public (int Start, int Length) PlaceOf(int row, int column)
    {
        var cell = _cells[(row * Columns) + column];
        return (cell.Start, cell.Length);
    }

    private const Indicator Unset = (Indicator)(-100);

    private void ClearRow() => _cells.AsSpan(Count * Columns, Columns).Fill(new Cell(0, 0, Unset));

    private void Reserve(int bytes)
    {
        if (_bytes.Length - _used >= bytes) return;
        var size = Math.Max((long)_used + bytes, Math.Min(Array.MaxLength, Math.Max(1 << 20, _bytes.Length * 2L)));
        if (size > Array.MaxLength) throw new InvalidOperationException("The rows of one write are larger than an array can be (2 GiB).");
        var larger = GC.AllocateUninitializedArray<byte>((int)size, pinned: true);
        _bytes.AsSpan(0, _used).CopyTo(larger);
        _bytes = larger;
    }

    private readonly record struct Cell(int Start, int Length, Indicator Indicator);
}
