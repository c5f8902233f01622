namespace EsPipeline.Core.Engine;

/// <summary>
/// The bytes that all readers together may be ahead of the writers (invariant 5). A batch larger than the whole budget passes alone.
/// First come, first served.
/// </summary>
internal sealed class ByteBudget(long capacity)
{
    private readonly Lock _lock = new();
    private readonly Queue<(long Bytes, TaskCompletionSource Granted)> _waiting = new();
    private long _used;

    /// <summary>Bytes taken and not given back.</summary>
    public long Used
    {
        get
        {
            lock (_lock) return _used;
        }
    }

    public async ValueTask TakeAsync(long bytes, CancellationToken ct)
    {
        TaskCompletionSource granted;
        lock (_lock)
        {
            if (_waiting.Count == 0 && Fits(bytes))
            {
                _used += bytes;
                return;
            }

            granted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _waiting.Enqueue((bytes, granted));
        }

        await using var registration = ct.Register(() => granted.TrySetCanceled(ct)).ConfigureAwait(false);
        await granted.Task.ConfigureAwait(false);
    }

    public void Give(long bytes)
    {
        lock (_lock)
        {
            _used -= bytes;
            while (_waiting.TryPeek(out var next) && (next.Granted.Task.IsCompleted || Fits(next.Bytes)))
            {
                _waiting.Dequeue();
                if (next.Granted.TrySetResult()) _used += next.Bytes;
            }
        }
    }

    private bool Fits(long bytes) => _used == 0 || _used + bytes <= capacity;
}
