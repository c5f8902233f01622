using System.Globalization;
using EsPipeline.Core.Engine;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Cli;

/// <summary>Tells how a run goes: a live line on a terminal, a log line every ten seconds elsewhere.</summary>
internal sealed class ProgressLine(Pipeline pipeline, Terminal terminal, ILogger log, bool live)
{
    private static readonly TimeSpan LiveEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LogEvery = TimeSpan.FromSeconds(10);

    private readonly Queue<(long At, long Records, long Bytes)> _samples = new();

    /// <summary>Runs until <paramref name="ended"/>.</summary>
    public async Task RunAsync(CancellationToken ended)
    {
        while (true)
        {
            await Task.Delay(live ? LiveEvery : LogEvery, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ended.IsCancellationRequested) break;
            var text = Describe(pipeline.Progress);
            if (live) terminal.ShowLive(text);
            else CliLog.Progress(log, text);
        }

        terminal.ShowLive("");
    }

    /// <summary>Records, rate, bytes, percent and time left or lag, retries, dead letters, and which end is down.</summary>
    internal string Describe(RunProgress progress)
    {
        var account = progress.Account;
        var now = TimeProvider.System.GetTimestamp();
        _samples.Enqueue((now, account.Read, account.Bytes));
        while (_samples.Count > 20) _samples.Dequeue();
        var (at, records, bytes) = _samples.Peek();
        var seconds = TimeProvider.System.GetElapsedTime(at, now).TotalSeconds;
        var rate = seconds > 0 ? (account.Read - records) / seconds : 0;
        var byteRate = seconds > 0 ? (account.Bytes - bytes) / seconds : 0;

        var parts = new List<string>
        {
            EnumName(progress.Phase),
            $"{account.Read.ToString("N0", CultureInfo.InvariantCulture)} records",
            $"{rate.ToString("N0", CultureInfo.InvariantCulture)}/s",
            $"{Bytes(byteRate)}/s",
        };
        if (progress.Phase == RunPhase.Snapshot && progress.Extent is > 0 and var extent)
        {
            var done = Math.Min(1, (double)progress.ExtentDone / extent);
            parts.Add($"{done * 100:0} %");
            if (done > 0 && rate > 0 && account.Read > 0) parts.Add($"{TimeSpan.FromSeconds(account.Read / rate * (1 - done) / done):hh\\:mm\\:ss} left");
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

    private static string EnumName(RunPhase phase) => phase.ToString().ToLowerInvariant();
}
