namespace EsPipeline.Api;

/// <summary>
/// Something that many ask for and that changes seldom. Once it is older than it may be, one caller asks anew; the others take what is
/// there for as long again, so that they do not all ask at the same moment. Safe for many threads.
/// </summary>
/// <param name="kept">How long it is taken for new.</param>
/// <param name="time">The clock.</param>
internal sealed class Recent<T>(TimeSpan kept, TimeProvider time)
    where T : class
{
    private volatile Answer? _last;
    private int _asking;

    /// <summary>Takes what is known, or asks.</summary>
    /// <param name="ask">Finds it out; what it throws goes to this caller alone, and nothing changes.</param>
    /// <param name="ct">Cancels the asking.</param>
    public async ValueTask<T> FindAsync(Func<CancellationToken, Task<T>> ask, CancellationToken ct)
    {
        var now = time.GetUtcNow();
        if (_last is { } last)
        {
            if (now - last.At < kept) return last.Value;
            if (now - last.At < 2 * kept && Interlocked.Exchange(ref _asking, 1) == 1) return last.Value;
        }

        try
        {
            var value = await ask(ct).ConfigureAwait(false);
            _last = new Answer(value, now);
            return value;
        }
        finally
        {
            Volatile.Write(ref _asking, 0);
        }
    }

    private sealed record Answer(T Value, DateTimeOffset At);
}
