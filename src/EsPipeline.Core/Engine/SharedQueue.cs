using System.Threading.Channels;

namespace EsPipeline.Core.Engine;

/// <summary>One queue for all writers, for partitions in which no key comes twice: whoever is free takes the next records.</summary>
internal sealed class SharedQueue : WriteQueue, IDisposable
{
    private readonly Channel<InFlightBatch> _batches = Channel.CreateBounded<InFlightBatch>(WaitingBatches);
    private readonly SemaphoreSlim _turn = new(1, 1);
    private InFlightBatch? _current;
    private int _taken;

    public override ValueTask AddAsync(InFlightBatch batch, CancellationToken ct) => _batches.Writer.WriteAsync(batch, ct);

    public override void Complete() => _batches.Writer.TryComplete();

    public override async ValueTask<WriteUnit?> TakeAsync(int writer, UnitSize size, CancellationToken ct)
    {
        await _turn.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (_current is null)
            {
                if (!await _batches.Reader.WaitToReadAsync(ct).ConfigureAwait(false)) return null;
                _batches.Reader.TryRead(out _current);
            }

            var unit = new WriteUnit();
            while (_current is not null)
            {
                var rest = _current.Batch.Records[_taken..];
                var (count, bytes) = Fit(unit, rest.Span, size);
                if (count == 0) break;
                unit.Append(_current, rest[..count], bytes);
                _taken += count;
                if (count < rest.Length) break;
                _taken = 0;
                if (!_batches.Reader.TryRead(out _current)) _current = null;
            }

            return unit;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose() => _turn.Dispose();
}
