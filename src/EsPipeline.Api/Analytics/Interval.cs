using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Analytics;

/// <summary>How long one point of a timeline is.</summary>
/// <param name="Name">What it is called: <c>5m</c>, <c>1d</c>.</param>
/// <param name="Kind">The server's word for how it is meant: always as long, or by the calendar.</param>
/// <param name="Length">How long it is, the shortest by the calendar.</param>
internal sealed record Interval(string Name, string Kind, TimeSpan Length)
{
    /// <summary>Points in a timeline at most.</summary>
    public const int MostPoints = 2000;

    /// <summary>What fits on a screen, for <c>auto</c>.</summary>
    private const int UsualPoints = 150;

    private static readonly Interval[] All =
    [
        Fixed("1m", TimeSpan.FromMinutes(1)), Fixed("5m", TimeSpan.FromMinutes(5)), Fixed("10m", TimeSpan.FromMinutes(10)), Fixed("15m", TimeSpan.FromMinutes(15)),
        Fixed("30m", TimeSpan.FromMinutes(30)), Fixed("1h", TimeSpan.FromHours(1)), Fixed("3h", TimeSpan.FromHours(3)), Fixed("6h", TimeSpan.FromHours(6)),
        Fixed("12h", TimeSpan.FromHours(12)), Calendar("1d", 1), Calendar("1w", 7), Calendar("1M", 28), Calendar("1q", 90), Calendar("1y", 365),
    ];

    private static readonly Dictionary<string, string> Words = new()
    {
        ["minute"] = "1m", ["hour"] = "1h", ["day"] = "1d", ["week"] = "1w", ["month"] = "1M", ["quarter"] = "1q", ["year"] = "1y",
    };

    /// <summary>The interval that was asked for, or the next wider one with which a span of time has no more than <see cref="MostPoints"/> points.</summary>
    /// <param name="asked">A name; null or <c>auto</c> for one that suits.</param>
    /// <param name="span">From the first point to the last.</param>
    /// <returns>The interval, and whether it is wider than what was asked for.</returns>
    /// <exception cref="PipelineException"><see cref="ApiErrors.BadRequest"/>.</exception>
    public static (Interval Interval, bool Widened) Choose(string? asked, TimeSpan span)
    {
        var isAuto = string.IsNullOrEmpty(asked) || asked == "auto";
        var first = isAuto ? 0 : Array.FindIndex(All, i => i.Name == Words.GetValueOrDefault(asked!, asked!));
        if (first < 0) throw ApiErrors.BadRequest.Error($"'interval' has to be auto, {string.Join(", ", All.Select(i => i.Name))}, minute, hour, day, week, month, quarter or year.");
        var most = isAuto ? UsualPoints : MostPoints;
        for (var i = first; i < All.Length; i++)
        {
            // One more for the point in which the span begins, another for the one in which it ends.
            if (span / All[i].Length + 2 <= most) return (All[i], !isAuto && i > first);
        }

        if (span / All[^1].Length + 2 <= MostPoints) return (All[^1], !isAuto && first < All.Length - 1);
        throw ApiErrors.BadRequest.Error($"The counts reach over more than {MostPoints} years; narrow them with 'from' and 'to'.");
    }

    private static Interval Fixed(string name, TimeSpan length) => new(name, "fixed_interval", length);

    private static Interval Calendar(string name, int days) => new(name, "calendar_interval", TimeSpan.FromDays(days));
}
