using System.Globalization;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Cli;

/// <summary>
/// Tells how something long goes: a live line on a terminal, elsewhere a log line every ten seconds, or every five minutes while nothing moves.
/// </summary>
/// <param name="describe">Says how it stands now: how much is done, and in words.</param>
/// <param name="terminal">The screen.</param>
/// <param name="log">The log.</param>
/// <param name="live">True for a line on the terminal.</param>
internal sealed class ProgressLine(Func<(long Done, string Text)> describe, Terminal terminal, ILogger log, bool live)
{
    private static readonly TimeSpan LiveEvery = TimeSpan.FromMilliseconds(250);
    private static readonly TimeSpan LogEvery = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan IdleEvery = TimeSpan.FromMinutes(5);

    /// <summary>How many samples a rate is taken over: those of the last 5 s on a terminal, of the last half minute in a log.</summary>
    public static int Samples(bool live) => live ? 20 : 3;

    /// <summary>Tells of something for as long as it goes on.</summary>
    public async Task<T> WhileAsync<T>(Task<T> work)
    {
        using var ended = new CancellationTokenSource();
        var telling = RunAsync(ended.Token);
        try
        {
            return await work;
        }
        finally
        {
            await ended.CancelAsync();
            await telling;
        }
    }

    private async Task RunAsync(CancellationToken ended)
    {
        var (logged, loggedAt) = (0L, TimeProvider.System.GetTimestamp());
        while (true)
        {
            await Task.Delay(live ? LiveEvery : LogEvery, ended).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (ended.IsCancellationRequested) break;
            var (done, text) = describe();
            if (live)
            {
                terminal.ShowLive(text);
            }
            else if (done != logged || TimeProvider.System.GetElapsedTime(loggedAt) > IdleEvery)
            {
                CliLog.Progress(log, text);
                (logged, loggedAt) = (done, TimeProvider.System.GetTimestamp());
            }
        }

        terminal.ShowLive("");
    }

    /// <summary>A number of bytes in the unit that suits it.</summary>
    internal static string Bytes(double bytes) => bytes switch
    {
        >= 1e9 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e9:0.0} GB"),
        >= 1e6 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e6:0.0} MB"),
        >= 1e3 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1e3:0.0} kB"),
        _ => string.Create(CultureInfo.InvariantCulture, $"{bytes:0} B"),
    };
}
