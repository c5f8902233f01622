using System.Globalization;
using EsPipeline.Core.Engine;

namespace EsPipeline.Cli;

/// <summary>How a run stands, in a line.</summary>
/// <param name="samples">How many samples the rate is taken over.</param>
internal sealed class RunDescription(int samples)
{
    private readonly RateWindow _rate = new(samples);

    /// <summary>Records, rate, bytes, percent and time left or lag, retries, dead letters, and which end is down.</summary>
    public (long Done, string Text) Describe(RunProgress progress)
    {
        var account = progress.Account;
        var finished = account.Finished;
        var rate = _rate.Add(finished);
        var byteRate = account.Read > 0 ? rate * account.Bytes / account.Read : 0;

        var parts = new List<string>
        {
            EnumName(progress.Phase),
            $"{finished.ToString("N0", CultureInfo.InvariantCulture)} records",
            $"{rate.ToString("N0", CultureInfo.InvariantCulture)}/s",
            $"{ProgressLine.Bytes(byteRate)}/s",
        };
        if (progress.Phase == RunPhase.Snapshot && progress.Extent is > 0 and var extent)
        {
            var done = Math.Min(1, (double)progress.ExtentDone / extent);
            parts.Add($"{done * 100:0} %");
            if (done is > 0 and < 1 && rate > 0) parts.Add($"{Clock(finished / rate * (1 - done) / done)} left");
        }
        else if (progress.Lag is { } lag)
        {
            parts.Add($"lag {lag.TotalSeconds:0} s");
        }

        if (account.Retries > 0) parts.Add($"retries {account.Retries}");
        if (account.DeadLettered > 0) parts.Add($"dead letters {account.DeadLettered}");
        if (progress.SourceDownFor is { } source) parts.Add($"source down for {source.TotalSeconds:0} s");
        if (progress.SinkDownFor is { } sink) parts.Add($"sink down for {sink.TotalSeconds:0} s");
        return (finished, string.Join("  ", parts));
    }

    private static string Clock(double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)seconds / 3600:00}:{(long)seconds / 60 % 60:00}:{(long)seconds % 60:00}");

    private static string EnumName(RunPhase phase) => phase.ToString().ToLowerInvariant();
}
