using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Engine;

/// <summary>
/// How many records a write holds and how many writes are under way, adapted by additive increase and multiplicative decrease: up by a
/// step while latency and errors are calm, halved on throttling, a time-out, or a time per record beyond twice the best seen since the last cut.
/// </summary>
/// <remarks>Safe for many threads. Writes that began before a cut do not cut again: they still speak of the old load.</remarks>
internal sealed class AdaptiveSize
{
    private const double Smoothing = 0.2;

    private readonly Lock _lock = new();
    private readonly int _minRecords;
    private readonly int _maxRecords;
    private readonly int _maxConcurrency;
    private readonly int _step;
    private readonly Queue<TaskCompletionSource> _waiting = new();
    private int _records;
    private int _concurrency;
    private int _underWay;
    private int _calm;
    private long _epoch;
    private double _perRecord;
    private double _best = double.MaxValue;

    /// <param name="limits">The sink's limits.</param>
    /// <param name="startRecords">Records to begin with; the sink's own start where null.</param>
    /// <param name="minRecords">Never fewer records than this; 1 where null.</param>
    /// <param name="maxRecords">Never more records than this; the sink's limit where null.</param>
    public AdaptiveSize(SinkLimits limits, int? startRecords = null, int? minRecords = null, int? maxRecords = null)
    {
        _maxRecords = Math.Clamp(maxRecords ?? limits.MaxRecords, 1, limits.MaxRecords);
        _minRecords = Math.Clamp(minRecords ?? 1, 1, _maxRecords);
        _records = Math.Clamp(startRecords ?? limits.StartRecords, _minRecords, _maxRecords);
        _maxConcurrency = Math.Max(1, limits.Concurrency);
        _concurrency = Math.Clamp(limits.StartConcurrency, 1, _maxConcurrency);
        _step = Math.Max(1, _records / 4);
    }

    /// <summary>The number of records that a write should hold now.</summary>
    public int Records => Volatile.Read(ref _records);

    /// <summary>The number of writes that may be under way now.</summary>
    public int Concurrency => Volatile.Read(ref _concurrency);

    /// <summary>Waits until one more write may begin; <see cref="Leave"/> must follow.</summary>
    /// <returns>The epoch that the write belongs to.</returns>
    public async ValueTask<long> EnterAsync(CancellationToken ct)
    {
        TaskCompletionSource turn;
        lock (_lock)
        {
            if (_underWay < _concurrency)
            {
                _underWay++;
                return _epoch;
            }

            turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue(turn);
        }

        await using var registration = ct.Register(() => turn.TrySetCanceled(ct)).ConfigureAwait(false);
        await turn.Task.ConfigureAwait(false);
        lock (_lock) return _epoch;
    }

    /// <summary>A write has ended.</summary>
    public void Leave()
    {
        lock (_lock)
        {
            _underWay--;
            Admit();
        }
    }

    /// <summary>A write was answered without any sign of pressure.</summary>
    /// <param name="epoch">From <see cref="EnterAsync"/>.</param>
    /// <param name="records">How many records it held.</param>
    /// <param name="latency">How long it took.</param>
    public void Calm(long epoch, int records, TimeSpan latency)
    {
        lock (_lock)
        {
            // A write much smaller than the others is all fixed cost: its time per record says nothing.
            if (records * 2 >= _records)
            {
                var perRecord = latency.TotalMilliseconds / records;
                _perRecord = _perRecord == 0 ? perRecord : (_perRecord * (1 - Smoothing)) + (perRecord * Smoothing);
                _best = Math.Min(_best * 1.002, _perRecord);
                if (_perRecord > 2 * _best)
                {
                    Cut(epoch);
                    return;
                }

                _records = Math.Min(_maxRecords, _records + _step);
            }

            if (++_calm < 2 * _concurrency || _concurrency == _maxConcurrency) return;
            _calm = 0;
            _concurrency++;
            Admit();
        }
    }

    /// <summary>The system asked for less, or did not answer in time.</summary>
    public void Pressed(long epoch)
    {
        lock (_lock) Cut(epoch);
    }

    private void Cut(long epoch)
    {
        _calm = 0;
        if (epoch != _epoch) return;
        _epoch++;
        _records = Math.Max(_minRecords, _records / 2);
        _concurrency = Math.Max(1, _concurrency / 2);

        // What was best for larger writes is no measure for smaller ones, in which a record bears more of a write's fixed cost: kept, it
        // would cut and cut again, down to single records.
        (_perRecord, _best) = (0, double.MaxValue);
    }

    private void Admit()
    {
        while (_underWay < _concurrency && _waiting.TryDequeue(out var next))
        {
            if (next.TrySetResult()) _underWay++;
        }
    }
}
