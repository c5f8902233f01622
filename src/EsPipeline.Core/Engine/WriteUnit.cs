using System.Buffers;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Engine;

/// <summary>What one write takes from the queue: records in order, and the batches that they belong to.</summary>
internal sealed class WriteUnit
{
    private readonly List<(InFlightBatch Batch, int Records)> _parts = [];
    private readonly List<(Record Record, InFlightBatch Owner)> _superseded = [];
    private ReadOnlyMemory<Record> _records;
    private Record[] _copied = [];
    private InFlightBatch[] _owners = [];
    private Dictionary<byte[], Stack<(Record Record, InFlightBatch Owner)>>? _supersededByKey;
    private int _takenBack;
    private int _written;
    private int _unchanged;
    private int _deadLettered;

    /// <summary>The records to write.</summary>
    public RecordSlice Slice => new(_records);

    public int Count => _records.Length;

    public long Bytes { get; private set; }

    /// <summary>True where the last record is also the last of its batch.</summary>
    public bool EndsBatch { get; set; } = true;

    /// <summary>Adds consecutive records of one batch. The first ones are borrowed; only where others follow are they copied together.</summary>
    public void Append(InFlightBatch batch, ReadOnlyMemory<Record> records, long bytes)
    {
        Bytes += bytes;
        _parts.Add((batch, records.Length));
        if (_parts.Count == 1)
        {
            _records = records;
            return;
        }

        var first = Count;
        Room(first + records.Length);
        if (_parts.Count == 2)
        {
            _records.CopyTo(_copied);
            _owners.AsSpan(0, first).Fill(_parts[0].Batch);
        }

        records.CopyTo(_copied.AsMemory(first));
        _owners.AsSpan(first, records.Length).Fill(batch);
        _records = _copied.AsMemory(0, first + records.Length);
    }

    /// <summary>The batch of the record at <paramref name="index"/> of <see cref="Slice"/>.</summary>
    public InFlightBatch OwnerOf(int index) => _parts.Count == 1 ? _parts[0].Batch : _owners[index];

    /// <summary>
    /// Indexes of <see cref="Slice"/> such that of each key an earlier record comes before a later one: those that <see cref="TryTakeBack"/>
    /// has put at the end are earlier than what was there, and each than the one before.
    /// </summary>
    public IEnumerable<int> InOrder => Enumerable.Range(Count - _takenBack, _takenBack).Reverse().Concat(Enumerable.Range(0, Count - _takenBack));

    /// <summary>Keeps the last record of each key, where it stands, and leaves the earlier ones out of <see cref="Slice"/>.</summary>
    public void Compact()
    {
        var drop = EarlierOfSameKey();
        if (drop is null) return;
        Room(Count);
        if (_parts.Count == 1)
        {
            _records.CopyTo(_copied);
            _owners.AsSpan(0, Count).Fill(_parts[0].Batch);
        }

        var kept = 0;
        var records = _records.Span;
        for (var i = 0; i < records.Length; i++)
        {
            if (drop[i])
            {
                _superseded.Add((records[i], _owners[i]));
                continue;
            }

            _copied[kept] = records[i];
            _owners[kept++] = _owners[i];
        }

        _records = _copied.AsMemory(0, kept);
    }

    /// <summary>
    /// The record at an index was refused: the one that it took the place of, if any, is to be written after all, as it would have been in a
    /// unit of its own. It is put at the end of <see cref="Slice"/>.
    /// </summary>
    /// <param name="index">The index of the record that was refused.</param>
    /// <param name="earlier">The index of the one before it.</param>
    public bool TryTakeBack(int index, out int earlier)
    {
        earlier = Count;
        if (_superseded.Count == 0) return false;
        if (_supersededByKey is null)
        {
            _supersededByKey = new Dictionary<byte[], Stack<(Record, InFlightBatch)>>(KeyComparer.Instance);
            var byKey = _supersededByKey.GetAlternateLookup<ReadOnlySpan<byte>>();
            foreach (var superseded in _superseded)
            {
                if (!byKey.TryGetValue(superseded.Record.Key.Span, out var ofKey)) byKey[superseded.Record.Key.Span] = ofKey = new();
                ofKey.Push(superseded);
            }
        }

        if (!_supersededByKey.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(Slice[index].Key.Span, out var before) || !before.TryPop(out var found)) return false;
        Room(Count + 1);
        (_copied[Count], _owners[Count]) = found;
        _records = _copied.AsMemory(0, Count + 1);
        _takenBack++;
        return true;
    }

    /// <summary>Notes what became of some of the records.</summary>
    public void Note(int written, int unchanged, int deadLettered)
    {
        _written += written;
        _unchanged += unchanged;
        _deadLettered += deadLettered;
    }

    /// <summary>
    /// Everything of the unit is written, unchanged or durably set aside: only now does it count, so that a unit that is broken off
    /// half-way is as if it had never been read (invariant 2).
    /// </summary>
    public void Finish(RunAccount account)
    {
        if (_written + _unchanged + _deadLettered != Count)
        {
            throw new InvalidOperationException(
                $"The sink answered for {_written} written, {_unchanged} unchanged and {_deadLettered} failed of {Count} records.");
        }

        account.AddWritten(_written);
        account.AddUnchanged(_unchanged + _superseded.Count - _takenBack);
        account.AddDeadLettered(_deadLettered);
        foreach (var (batch, records) in _parts) batch.Finish(records);
        GiveBack(_copied);
        GiveBack(_owners);
        (_copied, _owners, _records) = ([], [], default);
    }

    // Large enough that the garbage collector would keep them apart and long: without the pool, memory grew by half with ten times the records.
    private void Room(int count)
    {
        if (_copied.Length >= count) return;
        var size = Math.Max(count, 2 * _copied.Length);
        (_copied, _owners) = (Larger(_copied, size), Larger(_owners, size));

        static T[] Larger<T>(T[] array, int size)
        {
            var larger = ArrayPool<T>.Shared.Rent(size);
            array.CopyTo(larger, 0);
            GiveBack(array);
            return larger;
        }
    }

    private static void GiveBack<T>(T[] array)
    {
        if (array.Length > 0) ArrayPool<T>.Shared.Return(array, clearArray: true);
    }

    // An open-addressing table of record numbers, read from the last record to the first: the first met of a key is the one to keep.
    private System.Collections.BitArray? EarlierOfSameKey()
    {
        if (Count < 2) return null;
        var records = _records.Span;
        var mask = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)Count * 2) - 1;
        var table = ArrayPool<int>.Shared.Rent(mask + 1);
        table.AsSpan(0, mask + 1).Clear();
        System.Collections.BitArray? drop = null;
        for (var i = records.Length - 1; i >= 0; i--)
        {
            var key = records[i].Key.Span;
            var slot = (int)KeyHash.Compute64(key, 0) & mask;
            while (table[slot] != 0 && !records[table[slot] - 1].Key.Span.SequenceEqual(key)) slot = (slot + 1) & mask;
            if (table[slot] == 0) table[slot] = i + 1;
            else (drop ??= new System.Collections.BitArray(Count))[i] = true;
        }

        ArrayPool<int>.Shared.Return(table);
        return drop;
    }
}
