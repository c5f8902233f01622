using System.Buffers;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>How an object store is read.</summary>
/// <param name="RangeBytes">The most bytes of one request; AWS advises 8 to 16 MB.</param>
/// <param name="Ranges">How many ranges of that size are held or under way at once.</param>
/// <param name="Requests">The most requests under way at once, where files are smaller than a range.</param>
/// <param name="WindowBytes">How many unpacked bytes a batch covers.</param>
internal sealed record ReadTuning(int RangeBytes = 8 << 20, int Ranges = 3, int Requests = 16, int WindowBytes = Files.ChunkReader.DefaultWindowBytes);

/// <summary>
/// Fetches the ranges of a job's files in order, several at once and ahead of who reads them, across the files' borders: a job with thousands
/// of small files is then bound by the network's width and not by its delay. Memory is bounded by <see cref="ReadTuning"/> (invariant 5).
/// </summary>
internal sealed class RangeAhead : IAsyncDisposable
{
    private readonly IObjectStore _store;
    private readonly IReadOnlyList<StoredObject> _files;
    private readonly ReadTuning _tuning;
    private readonly CancellationTokenSource _stop;
    private readonly Queue<Range> _ranges = new();
    private Range? _current;
    private int _nextFile;
    private long _nextOffset;
    private long _held;
    private long _delivered;

    /// <param name="store">Where the files lie.</param>
    /// <param name="files">The files.</param>
    /// <param name="first">The first one to read.</param>
    /// <param name="offset">The first byte of it.</param>
    /// <param name="tuning">How much is fetched at once.</param>
    /// <param name="ct">Ends all requests.</param>
    public RangeAhead(IObjectStore store, IReadOnlyList<StoredObject> files, int first, long offset, ReadTuning tuning, CancellationToken ct)
    {
        (_store, _files, _nextFile, _nextOffset, _tuning) = (store, files, first, offset, tuning);
        _stop = CancellationTokenSource.CreateLinkedTokenSource(ct);
    }

    /// <summary>Bytes handed out since it was last asked.</summary>
    public long TakeDelivered()
    {
        var delivered = _delivered;
        _delivered = 0;
        return delivered;
    }

    /// <summary>The next bytes of a file; empty at its end. Those given before are gone. Files are asked for in order; what is left of an earlier one is passed over.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(int file)
    {
        while (Advance(file) is { } range)
        {
            await range.Fetch.ConfigureAwait(false);
            if (range.File == file) return range.Buffer.AsMemory(0, range.Length);
        }

        return default;
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync().ConfigureAwait(false);
        Range[] rest;
        lock (_ranges)
        {
            rest = _current is null ? [.. _ranges] : [_current, .. _ranges];
            _current = null;
            _ranges.Clear();
        }

        foreach (var range in rest)
        {
            // What it could still fail of is of no interest to anyone; its buffer must not be given back before it has ended.
            await range.Fetch.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            Release(range);
        }

        _stop.Dispose();
    }

    // The next range, of this file or an earlier one; null where this file has no more. Locked because a read that was given up may still be
    // here when everything is disposed; such a one is not to begin anything.
    private Range? Advance(int file)
    {
        lock (_ranges)
        {
            _stop.Token.ThrowIfCancellationRequested();
            if (_current is not null) Release(_current);
            _current = null;
            TopUp();
            if (!_ranges.TryPeek(out var next) || next.File > file) return null;
            _delivered += next.Length;
            return _current = _ranges.Dequeue();
        }
    }

    private void TopUp()
    {
        while (_nextFile < _files.Count && _ranges.Count < _tuning.Requests)
        {
            var file = _files[_nextFile];
            var length = (int)Math.Min(_tuning.RangeBytes, file.Size - _nextOffset);
            if (length > 0)
            {
                if (_held > 0 && _held + length > (long)_tuning.RangeBytes * _tuning.Ranges) return;
                var buffer = ArrayPool<byte>.Shared.Rent(length);
                _held += length;
                _ranges.Enqueue(new Range(_nextFile, buffer, length, _store.ReadAsync(file, _nextOffset, buffer.AsMemory(0, length), _stop.Token)));
                _nextOffset += length;
            }

            if (_nextOffset < file.Size) continue;
            _nextFile++;
            _nextOffset = 0;
        }
    }

    private void Release(Range range)
    {
        ArrayPool<byte>.Shared.Return(range.Buffer);
        _held -= range.Length;
    }

    private sealed record Range(int File, byte[] Buffer, int Length, Task Fetch);
}
