using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text.RegularExpressions;

namespace EsPipeline.Core.Configuration;

/// <summary>A time as a person typed it: <c>2024-01-01T00:00:00Z</c>, <c>2024-01-01</c>, or an age such as <c>5m</c>.</summary>
/// <param name="Text">As typed; part of a job's identity, since an age means another time in each run.</param>
/// <param name="Instant">What it means in this run (UTC where no zone is given).</param>
public sealed partial record TimeText(string Text, DateTimeOffset Instant)
{
    private const int DateCharacters = 10;

    /// <summary>
    /// The last microsecond of what it means: of the whole day, minute or second where it is written no finer, as Elasticsearch takes the upper
    /// bound of a range (https://www.elastic.co/docs/reference/query-languages/query-dsl/query-dsl-range-query).
    /// </summary>
    public DateTimeOffset Last { get; init; } = Instant;

    /// <summary>Reads a time or an age.</summary>
    public static bool TryParse(string text, DateTimeOffset now, [NotNullWhen(true)] out TimeText? time)
    {
        time = null;
        if (DurationText.TryParse(text, out var age) && !double.TryParse(text, CultureInfo.InvariantCulture, out _))
        {
            if (age <= now - DateTimeOffset.MinValue) time = new TimeText(text, now - age);
        }
        else if (Iso8601().IsMatch(text) && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var instant))
        {
            var start = instant.ToUniversalTime();
            time = new TimeText(text, start) { Last = LengthOf(text) is { } length ? start + (length - TimeSpan.FromMicroseconds(1)) : start };
        }

        return time is not null;
    }

    // How long the time is that a text names; null for an instant.
    private static TimeSpan? LengthOf(string text)
    {
        var zone = text.LastIndexOfAny(['+', '-']);
        var withoutZone = zone > DateCharacters ? text[..zone] : text;
        return withoutZone.Count(c => c == ':') switch
        {
            0 => TimeSpan.FromDays(1),
            1 => TimeSpan.FromMinutes(1),
            _ => withoutZone.AsSpan().ContainsAny('.', ',') ? null : TimeSpan.FromSeconds(1),
        };
    }

    // Nothing else: 03/04/2024 is a day in March to some, and in April to others.
    [GeneratedRegex(@"^\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?: ?(?:Z|[+-]\d\d(?::?\d\d)?))?)?\z", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex Iso8601();

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
