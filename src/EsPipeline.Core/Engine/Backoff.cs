namespace EsPipeline.Core.Engine;

/// <summary>Growing pauses between tries: doubled each time up to a minute, with 30 % jitter so that clients do not march in step.</summary>
/// <param name="first">The pause before the second try.</param>
/// <param name="random">Where the jitter comes from.</param>
internal sealed class Backoff(TimeSpan first, Random random)
{
    /// <summary>The longest pause, but for one that the system itself asks for.</summary>
    public static readonly TimeSpan Longest = TimeSpan.FromMinutes(1);

    /// <summary>The longest pause that a system may ask for: beyond it the run had better look for itself.</summary>
    public static readonly TimeSpan LongestAsked = TimeSpan.FromHours(1);

    /// <summary>The pause before try number <paramref name="attempt"/> + 1.</summary>
    /// <param name="attempt">Tries so far, from 1.</param>
    /// <param name="asked">What the system asked for; the pause is not shorter, up to <see cref="LongestAsked"/>.</param>
    public TimeSpan Pause(int attempt, TimeSpan? asked)
    {
        double jitter;
        lock (random) jitter = 0.7 + (0.6 * random.NextDouble());
        var grown = first.TotalMilliseconds * Math.Pow(2, Math.Min(attempt - 1, 30)) * jitter;
        var pause = TimeSpan.FromMilliseconds(Math.Min(grown, Longest.TotalMilliseconds));
        if (!(asked > pause)) return pause;
        return asked < LongestAsked ? asked.Value : LongestAsked;
    }
}
