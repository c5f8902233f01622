using System.Buffers;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// An answer's bytes in one pooled array, received in pieces as large as the network gives them, with room for
/// <see cref="JsonSpan.Padding"/> more behind them.
/// </summary>
internal sealed class AnswerBuffer : IDisposable
{
    private readonly long _maxBytes;
    private AnswerRoom? _room;

    /// <param name="sizeHint">How many bytes are expected.</param>
    /// <param name="maxBytes">How many are taken at most.</param>
    /// <param name="room">What has to be waited for before more than some of them are taken; null for nothing.</param>
    public AnswerBuffer(int sizeHint, long maxBytes, AnswerRoom? room = null)
    {
        (_maxBytes, _room) = (maxBytes, room);
        Array = ArrayPool<byte>.Shared.Rent(Math.Max(sizeHint, 4096));
    }

    /// <summary>The array; only the first <see cref="Length"/> bytes count.</summary>
    public byte[] Array { get; private set; }

    /// <summary>Bytes received.</summary>
    public int Length { get; private set; }

    /// <summary>True where the answer had more bytes than were taken.</summary>
    public bool CutOff { get; private set; }

    /// <summary>The bytes received.</summary>
    public ReadOnlyMemory<byte> Written => Array.AsMemory(0, Length);

    /// <summary>Receives to the end of the stream, or as much as is taken.</summary>
    /// <exception cref="TimeoutException">Nothing came for as long as <paramref name="silence"/>.</exception>
    public async Task ReceiveAsync(Stream stream, TimeSpan silence, CancellationToken ct)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(ct);
        try
        {
            while (true)
            {
                if (Length >= Array.Length - JsonSpan.Padding)
                {
                    patience.CancelAfter(Timeout.InfiniteTimeSpan);
                    await MakeRoomAsync(ct).ConfigureAwait(false);
                }

                patience.CancelAfter(silence);
                var read = await stream.ReadAsync(Array.AsMemory(Length, Array.Length - JsonSpan.Padding - Length), patience.Token).ConfigureAwait(false);
                if (read == 0) return;
                Length += read;
                if (Length < _maxBytes) continue;
                CutOff = true;
                return;
            }
        }
        catch (OperationCanceledException e) when (!ct.IsCancellationRequested)
        {
            throw new TimeoutException("Nothing more came.", e);
        }
    }

    /// <summary>Hands the array over; this no longer owns it.</summary>
    public byte[] Detach()
    {
        var array = Array;
        Array = [];
        return array;
    }

    public void Dispose()
    {
        if (Array.Length > 0) ArrayPool<byte>.Shared.Return(Detach());
    }

    private async ValueTask MakeRoomAsync(CancellationToken ct)
    {
        if (_room is { } room && Array.Length * 2L > room.Bytes)
        {
            _room = null;
            await room.WaitAsync(ct).ConfigureAwait(false);
        }

        Grow();
    }

    private void Grow()
    {
        if (Array.Length == System.Array.MaxLength) throw ElasticsearchErrors.AnswerTooLarge.Error("The server's answer is larger than 2 GiB.");
        var larger = ArrayPool<byte>.Shared.Rent((int)Math.Min(System.Array.MaxLength, Array.Length * 2L));
        Written.CopyTo(larger);
        ArrayPool<byte>.Shared.Return(Array);
        Array = larger;
    }
}

/// <summary>A bound on how many large answers are held in memory at once.</summary>
/// <param name="Bytes">From how many bytes on an answer is a large one.</param>
/// <param name="WaitAsync">Called once for an answer that becomes one, before it does.</param>
internal sealed record AnswerRoom(int Bytes, Func<CancellationToken, ValueTask> WaitAsync);
