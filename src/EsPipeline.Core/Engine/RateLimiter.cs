using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Engine;

/// <summary>
/// A token bucket in records a second: the user's <c>--rate-limit</c>, the system's own ramp, or the lower of both. It holds a tenth of a
/// second's records, so that any stretch of time keeps the rate.
/// </summary>
/// <param name="limit">Records a second; null for no limit of the user's.</param>
/// <param name="ramp">The rate that the system asks its clients to grow into; null for none.</param>
/// <param name="time">The clock.</param>
internal sealed class RateLimiter(double? limit, RateRamp? ramp, TimeProvider time)
{
    private readonly Lock _lock = new();
    private readonly long _started = time.GetTimestamp();
    private TimeSpan _filledAt;
    private double _tokens;

    /// <summary>Records a second that are allowed now; null where nothing limits them.</summary>
    public double? Rate => RateAt(time.GetElapsedTime(_started));

    /// <summary>
    /// Waits until this many more records may be sent. They are taken at once and waited for afterwards, so that waits line up and a
    /// write larger than the bucket passes too.
    /// </summary>
    public async ValueTask TakeAsync(int records, CancellationToken ct)
    {
        if (limit is null && ramp is null) return;
        TimeSpan wait;
        lock (_lock)
        {
            var now = time.GetElapsedTime(_started);
            var rate = RateAt(now)!.Value;
            _tokens = Math.Min(rate / 10, _tokens + ((now - _filledAt).TotalSeconds * rate));
            _filledAt = now;
            _tokens -= records;
            if (_tokens >= 0) return;
            wait = TimeSpan.FromSeconds(-_tokens / rate);
        }

        await Task.Delay(wait, time, ct).ConfigureAwait(false);
    }

    private double? RateAt(TimeSpan elapsed)
    {
        if (ramp is null) return limit;
        var grown = Math.Min(ramp.Max, ramp.Start * Math.Pow(ramp.Factor, Math.Floor(elapsed / ramp.Period)));
        return limit < grown ? limit : grown;
    }
}
