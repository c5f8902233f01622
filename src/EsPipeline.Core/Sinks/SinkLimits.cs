namespace EsPipeline.Core.Sinks;

/// <summary>What one write to a sink may hold, and how many may be under way.</summary>
public sealed record SinkLimits
{
    /// <summary>The most records in one write.</summary>
    public int MaxRecords { get; init; } = 10_000;

    /// <summary>The most bytes (keys and documents) in one write. A single record may be larger than this, up to <see cref="MaxRecordBytes"/>.</summary>
    public long MaxBytes { get; init; } = 8 << 20;

    /// <summary>The largest record, key and document together; a larger one is set aside before it is sent.</summary>
    public long MaxRecordBytes { get; init; } = long.MaxValue;

    /// <summary>The most writes under way at once.</summary>
    public int Concurrency { get; init; } = 8;

    /// <summary>The number of records in a write to begin with; adapted from there.</summary>
    public int StartRecords { get; init; } = 1000;

    /// <summary>Writes under way at once to begin with; adapted from there.</summary>
    public int StartConcurrency { get; init; } = 2;

    /// <summary>How fast the system lets a client become; null where it sets no rate.</summary>
    public RateRamp? Ramp { get; init; }
}

/// <summary>A rate that a system asks its clients to grow into.</summary>
/// <param name="Start">Records a second at first.</param>
/// <param name="Factor">What the rate is multiplied by after each period.</param>
/// <param name="Period">How long each rate lasts.</param>
/// <param name="Max">Records a second that it never exceeds.</param>
public sealed record RateRamp(double Start, double Factor, TimeSpan Period, double Max)
{
    /// <summary>The least time that so many records take.</summary>
    public TimeSpan TimeFor(long records)
    {
        var (rate, time) = (Math.Min(Start, Max), TimeSpan.Zero);
        double left = records;
        while (rate < Max && Factor > 1 && left > rate * Period.TotalSeconds)
        {
            left -= rate * Period.TotalSeconds;
            time += Period;
            rate = Math.Min(rate * Factor, Max);
        }

        return time + TimeSpan.FromSeconds(left / rate);
    }
}
