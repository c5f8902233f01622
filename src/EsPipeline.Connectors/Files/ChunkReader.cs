using System.Buffers;
using System.Runtime.ExceptionServices;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// A stream as a growing window of bytes: fill it, use up what is whole, fill it again. The window is followed by at least
/// <see cref="Padding"/> bytes that may be read and mean nothing, so that vector code needs no special case at the end.
/// </summary>
/// <param name="stream">What is read; stays the caller's.</param>
/// <param name="patient">True to fill the window as far as it goes; false to take what is there, for a stream that somebody types into.</param>
/// <param name="windowBytes">The window's size to begin with, the padding included; it grows where one record needs more.</param>
internal sealed class ChunkReader(Stream stream, bool patient, int windowBytes = ChunkReader.DefaultWindowBytes) : IDisposable
{
    /// <summary>Readable bytes after the window.</summary>
    public const int Padding = 64;

    /// <summary>The window's size where nothing else is asked for.</summary>
    public const int DefaultWindowBytes = 1 << 20;

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(windowBytes, 2 * Padding));
    private int _start;
    private int _end;
    private bool _reading;
    private ExceptionDispatchInfo? _failure;

    /// <summary>True when the stream has no more bytes than the window.</summary>
    public bool AtEnd { get; private set; }

    /// <summary>Bytes in the window.</summary>
    public int Count => _end - _start;

    /// <summary>The window and the padding after it.</summary>
    public ReadOnlySpan<byte> Padded => _buffer.AsSpan(_start, Count + Padding);

    /// <summary>The window.</summary>
    public ReadOnlySpan<byte> Window => _buffer.AsSpan(_start, Count);

    /// <summary>What was the stream's end may no longer be: the next fill asks it once more.</summary>
    public void LookAgain() => AtEnd = false;

    /// <summary>Takes bytes off the window's front.</summary>
    public void Consume(int count) => _start += count;

    /// <summary>The last bytes taken off the front, at most <paramref name="most"/>; fewer after a fill.</summary>
    public ReadOnlySpan<byte> Consumed(int most) => _buffer.AsSpan(Math.Max(0, _start - most), Math.Min(most, _start));

    /// <summary>
    /// Reads more, until the buffer is full or the stream ends. Where the window fills the buffer already, that is doubled. Where reading fails
    /// after some bytes have come, the window has these, and the next call fails.
    /// </summary>
    public async ValueTask FillAsync(CancellationToken ct)
    {
        _failure?.Throw();
        MakeRoom();
        var before = _end;
        try
        {
            await LoadAsync(ct).ConfigureAwait(false);
        }
        catch (Exception e) when (e is not OperationCanceledException && _end > before)
        {
            _failure = ExceptionDispatchInfo.Capture(e);
        }
    }

    public void Dispose()
    {
        if (!_reading && _buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        _start = _end = 0;
    }

    private async ValueTask LoadAsync(CancellationToken ct)
    {
        while (!AtEnd && _end < _buffer.Length - Padding)
        {
            var reading = stream.ReadAsync(_buffer.AsMemory(_end, _buffer.Length - Padding - _end), ct);
            int read;
            if (reading.IsCompletedSuccessfully)
            {
                read = reading.Result;
            }
            else
            {
                // A read of a terminal or a pipe can't be cancelled: it is left behind, and its buffer with it.
                _reading = true;
                read = await reading.AsTask().WaitAsync(ct).ConfigureAwait(false);
                _reading = false;
            }

            _end += read;
            AtEnd = read == 0;
            if (!patient) return;
        }
    }

    private void MakeRoom()
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, Count).CopyTo(_buffer);
            (_start, _end) = (0, Count);
        }

        if (_end < _buffer.Length - Padding) return;
        var larger = ArrayPool<byte>.Shared.Rent(_buffer.Length * 2);
        _buffer.AsSpan(0, _end).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
