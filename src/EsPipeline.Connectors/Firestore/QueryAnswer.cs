using System.Buffers;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// The answer to a <c>runQuery</c>: a JSON array of results, which is taken apart while it comes. Holds one result at a time, whatever the
/// answer's size. Not thread-safe.
/// </summary>
internal sealed class QueryAnswer(FirestoreStream stream) : IDisposable
{
    private const int FirstBuffer = 256 * 1024;

    /// <summary>How JSON of Firestore's is read: each of its 20 levels of values is three of JSON's.</summary>
    public static readonly JsonReaderOptions ReaderOptions = new() { MaxDepth = 1000 };

    private byte[] _buffer = ArrayPool<byte>.Shared.Rent(FirstBuffer);
    private int _start;
    private int _end;
    private bool _ended;
    private bool _begun;

    /// <summary>Bytes received so far.</summary>
    public long Bytes { get; private set; }

    /// <summary>The next result, valid until the next call; empty at the end.</summary>
    /// <exception cref="PipelineException">The answer broke off before its end (invariant 4), or can't be read.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> NextAsync(CancellationToken ct)
    {
        // A result is looked for again only when there is twice as much of it, so that a large one is not gone over for each piece.
        var enough = 1;
        while (true)
        {
            if (_end - _start >= enough || _ended)
            {
                var length = Find(out var last);
                if (last) return ReadOnlyMemory<byte>.Empty;
                if (length > 0)
                {
                    var result = _buffer.AsMemory(_start, length);
                    _start += length;
                    return result;
                }

                if (_ended) throw FirestoreErrors.BadAnswer.Error("Firestore's answer to a query ended in the middle.");
                enough = Math.Max(1, 2 * (_end - _start));
            }

            await ReceiveAsync(ct).ConfigureAwait(false);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_buffer.Length > 0) ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        stream.Dispose();
    }

    // The length of the whole result that begins at _start, after moving _start over what stands between results; 0 where there is none yet.
    private int Find(out bool last)
    {
        last = false;
        while (_start < _end && _buffer[_start] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t' or (byte)',' or (byte)'[')
        {
            if (_buffer[_start] == (byte)'[' && _begun) throw Unreadable("a second array");
            _begun |= _buffer[_start++] == (byte)'[';
        }

        if (_start == _end) return 0;
        if (!_begun) throw Unreadable("no array");
        if (_buffer[_start] == (byte)']')
        {
            last = true;
            return 0;
        }

        try
        {
            var reader = new Utf8JsonReader(_buffer.AsSpan(_start, _end - _start), isFinalBlock: false, new JsonReaderState(ReaderOptions));
            return reader.Read() && reader.TrySkip() ? (int)reader.BytesConsumed : 0;
        }
        catch (JsonException e)
        {
            throw FirestoreErrors.BadAnswer.Error($"Firestore's answer to a query can't be read: {e.Message}", inner: e);
        }
    }

    private async Task ReceiveAsync(CancellationToken ct)
    {
        if (_start > 0)
        {
            _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
            (_start, _end) = (0, _end - _start);
        }

        if (_end == _buffer.Length)
        {
            var larger = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
            _buffer.AsSpan(0, _end).CopyTo(larger);
            ArrayPool<byte>.Shared.Return(_buffer);
            _buffer = larger;
        }

        var read = await stream.ReadAsync(_buffer.AsMemory(_end), ct).ConfigureAwait(false);
        _ended = read == 0;
        _end += read;
        Bytes += read;
    }

    private static PipelineException Unreadable(string what) => FirestoreErrors.BadAnswer.Error($"Firestore's answer to a query can't be read: it is {what}.");
}
