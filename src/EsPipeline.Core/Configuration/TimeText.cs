using System.Diagnostics.CodeAnalysis;
using System.Globalization;

namespace EsPipeline.Core.Configuration;

/// <summary>A time as a person typed it: <c>2024-01-01T00:00:00Z</c>, <c>2024-01-01</c>, or an age such as <c>5m</c>.</summary>
/// <param name="Text">As typed; part of a job's identity, since an age means another time in each run.</param>
/// <param name="Instant">What it means in this run (UTC where no zone is given).</param>
public sealed record TimeText(string Text, DateTimeOffset Instant)
{
    /// <summary>Reads a time or an age.</summary>
    public static bool TryParse(string text, DateTimeOffset now, [NotNullWhen(true)] out TimeText? time)
    {
        time = null;
        if (DurationText.TryParse(text, out var age) && !double.TryParse(text, CultureInfo.InvariantCulture, out _))
        {
            if (age <= now - DateTimeOffset.MinValue) time = new TimeText(text, now - age);
        }
        else if (text.Length >= 10 && DateTimeOffset.TryParse(
            text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowWhiteSpaces, out var instant))
        {
            time = new TimeText(text, instant.ToUniversalTime());
        }

        return time is not null;
    }

    /// <inheritdoc/>
    public override string ToString() => Text;
}

/// <summary>Durations as a person types them: <c>30</c> (seconds), <c>500ms</c>, <c>30s</c>, <c>5m</c>, <c>2h</c>, <c>1d</c>.</summary>
public static class DurationText
{
    /// <summary>Reads a duration; negative ones are refused.</summary>
    public static bool TryParse(string text, out TimeSpan duration)
    {
        duration = default;
        var unit = text.TrimStart('0', '1', '2', '3', '4', '5', '6', '7', '8', '9', '.');
        if (!double.TryParse(text[..^unit.Length], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)) return false;
        var seconds = unit switch
        {
            "ms" => number / 1000,
            "" or "s" => number,
            "m" => number * 60,
            "h" => number * 3600,
            "d" => number * 86400,
            _ => double.NaN,
        };
        if (!(seconds < TimeSpan.MaxValue.TotalSeconds / 2)) return false;
        duration = TimeSpan.FromTicks((long)Math.Round(seconds * TimeSpan.TicksPerSecond));
        return true;
    }

    /// <summary>The shortest text that <see cref="TryParse"/> reads back.</summary>
    public static string Format(TimeSpan duration)
    {
        var seconds = duration.TotalSeconds;
        foreach (var (unit, size) in (ReadOnlySpan<(string, double)>)[("d", 86400), ("h", 3600), ("m", 60)])
        {
            if (seconds >= size && seconds % size == 0) return $"{seconds / size:0}{unit}";
        }

        return seconds < 1 && seconds > 0 ? $"{duration.TotalMilliseconds:0.###}ms" : $"{seconds:0.###}s";
    }
}
