using System.Globalization;
using EsPipeline.Core.Engine;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Cli;

/// <summary>
/// Tells how a run goes: a live line on a terminal, elsewhere a log line every ten seconds, or every five minutes while nothing moves.
/// </summary>
internal sealed class ProgressLine(Pipeline pipeline, Terminal terminal, ILogger log, bool live)
{
    private static readonly TimeSpan LiveEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LogEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan IdleEvery = TimeSpan.FromMinutes(5);

    // The rate is that of the last 5 s on a terminal, of the last half minute in a log.
    private readonly int _window = live ? 20 : 3;
    private readonly Queue<(long At, long Records)> _samples = new([(TimeProvider.System.GetTimestamp(), 0)]);

    /// <summary>Runs until <paramref name="ended"/>.</summary>
    public async Task RunAsync(CancellationToken ended)
    {
        var (logged, loggedAt) = (0L, TimeProvider.System.GetTimestamp());
        while (true)
        {
            await Task.Delay(live ? LiveEvery : LogEvery, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ended.IsCancellationRequested) break;
            var progress = pipeline.Progress;
            var text = Describe(progress);
            if (live)
            {
                terminal.ShowLive(text);
            }
            else if (progress.Account.Finished != logged || TimeProvider.System.GetElapsedTime(loggedAt) > IdleEvery)
            {
                CliLog.Progress(log, text);
                (logged, loggedAt) = (progress.Account.Finished, TimeProvider.System.GetTimestamp());
            }
        }

        terminal.ShowLive("");
    }

    /// <summary>Records, rate, bytes, percent and time left or lag, retries, dead letters, and which end is down.</summary>
    internal string Describe(RunProgress progress)
    {
        var account = progress.Account;
        var now = TimeProvider.System.GetTimestamp();
        var finished = account.Finished;
        var (at, records) = _samples.Peek();
        _samples.Enqueue((now, finished));
        while (_samples.Count > _window) _samples.Dequeue();
        var seconds = TimeProvider.System.GetElapsedTime(at, now).TotalSeconds;
        var rate = seconds > 0 ? (finished - records) / seconds : 0;
        var byteRate = account.Read > 0 ? rate * account.Bytes / account.Read : 0;

        var parts = new List<string>
        {
            EnumName(progress.Phase),
            $"{finished.ToString("N0", CultureInfo.InvariantCulture)} records",
            $"{rate.ToString("N0", CultureInfo.InvariantCulture)}/s",
            $"{Bytes(byteRate)}/s",
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
        return string.Join("  ", parts);
    }

    /// <summary>A number of bytes in the unit that suits it.</summary>
    internal static string Bytes(double bytes) => bytes switch
    {
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        >= 1e3 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes:0} B"),
    };

    private static string Clock(double seconds) =>
        string.Create(CultureInfo.InvariantCulture, $"{(long)seconds / 3600:00}:{(long)seconds / 60 % 60:00}:{(long)seconds % 60:00}");

    private static string EnumName(RunPhase phase) => phase.ToString().ToLowerInvariant();
}
