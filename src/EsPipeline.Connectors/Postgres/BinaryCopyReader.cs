using System.Buffers;
using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Reads rows of COPY's binary format (PostgreSQL's manual, COPY, "Binary Format"): 11 bytes of signature, 8 of header, then each row as
/// its number of fields and each field as its length and bytes; -1 instead of a number of fields ends it.
/// </summary>
/// <remarks>One buffer holds one row at least; a row is valid until the next is read.</remarks>
internal sealed class BinaryCopyReader(Stream stream, int bufferBytes) : IDisposable
{
    private const int HeaderBytes = 19;
    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(bufferBytes);
    private (int Start, int Length)[] _fields = [];
    private int _read;
    private int _filled;
    private bool _begun;
    private bool _ended;
    private bool _waits;

    /// <summary>True where rows are left, and nothing has gone wrong with receiving them.</summary>
    public bool IsUnderWay => !_ended && !_waits;

    /// <summary>A field of the row; empty where it is null.</summary>
    public ReadOnlySpan<byte> this[int field] => IsNull(field) ? [] : _buffer.AsSpan(_fields[field].Start, _fields[field].Length);

    /// <summary>True where a field is null.</summary>
    public bool IsNull(int field) => _fields[field].Length < 0;

    /// <summary>Reads the next row; false where there is none.</summary>
    public ValueTask<bool> ReadAsync(CancellationToken ct) => TryParse(out var row) ? ValueTask.FromResult(row) : ReadMoreAsync(ct);

    /// <inheritdoc/>
    public void Dispose()
    {
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }

    private async ValueTask<bool> ReadMoreAsync(CancellationToken ct)
    {
        bool row;
        do
        {
            if (_read > 0)
            {
                _buffer.AsSpan(_read, _filled - _read).CopyTo(_buffer);
                (_filled, _read) = (_filled - _read, 0);
            }
            else if (_filled == _buffer.Length)
            {
                var larger = ArrayPool<byte>.Shared.Rent(checked(_buffer.Length * 2));
                _buffer.AsSpan(0, _filled).CopyTo(larger);
                ArrayPool<byte>.Shared.Return(_buffer);
                _buffer = larger;
            }

            _waits = true;
            var count = await stream.ReadAsync(_buffer.AsMemory(_filled), ct).ConfigureAwait(false);
            _waits = false;
            if (count == 0) throw new IOException("The server's answer ended in the middle of a row.");
            _filled += count;
        }
        while (!TryParse(out row));
        return row;
    }

    // False where more bytes are needed to know.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private bool TryParse(out bool row)
    {
        row = false;
        var at = _read;
        if (!_begun) at += HeaderBytes;
        if (_filled - at < 2) return false;
        var count = BinaryPrimitives.ReadInt16BigEndian(_buffer.AsSpan(at));
        at += 2;
        if (count >= 0)
        {
            if (_fields.Length != count) _fields = new (int, int)[count];
            for (var i = 0; i < count; i++)
            {
                if (_filled - at < 4) return false;
                var length = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(at));
                at += 4;
                _fields[i] = (at, length);
                if (length <= 0) continue;
                if (_filled - at < length) return false;
                at += length;
            }
        }

        (_read, _begun, _ended, row) = (at, true, count < 0, count >= 0);
        return true;
    }
}
