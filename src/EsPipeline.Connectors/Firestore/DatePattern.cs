namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// A date pattern of a mapping, in the letters of Java's <c>DateTimeFormatter</c>: <c>yyyy-MM-dd HH:mm:ss</c>, <c>dd/MMM/yyyy:HH:mm:ss Z</c>. Only what reads
/// in one way is known: years of four digits, months by number or English name, days, hours of 24, fractions, offsets, quoted text.
/// </summary>
internal sealed class DatePattern
{
    private readonly List<(char Letter, int Count)> _parts;

    private DatePattern(List<(char Letter, int Count)> parts) => _parts = parts;

    /// <summary>Reads a pattern; null for one with other letters, optional parts, or without a year.</summary>
    public static DatePattern? TryCreate(string pattern)
    {
        var parts = new List<(char Letter, int Count)>();
        for (var i = 0; i < pattern.Length;)
        {
            var letter = pattern[i];
            if (letter == '\'')
            {
                // Two quotes are one; otherwise what stands between them is meant as it is.
                var end = pattern.IndexOf('\'', i + 1);
                if (end < 0) return null;
                foreach (var literal in end == i + 1 ? "'" : pattern[(i + 1)..end]) parts.Add((literal, 0));
                i = end + 1;
                continue;
            }

            var count = 1;
            if (!char.IsAsciiLetter(letter))
            {
                if (letter is '[' or ']' or '{' or '}' or '#' || !char.IsAscii(letter)) return null;
                parts.Add((letter, 0));
            }
            else
            {
                while (i + count < pattern.Length && pattern[i + count] == letter) count++;
                if (!IsKnown(letter, count)) return null;
                parts.Add((letter == 'u' ? 'y' : letter, count));
            }

            i += count;
        }

        return parts.Contains(('y', 4)) ? new DatePattern(parts) : null;
    }

    /// <summary>Reads a time; null where the text does not follow the pattern.</summary>
    public FirestoreTime? Parse(ReadOnlySpan<byte> text)
    {
        var cursor = new DateCursor(text);
        var (year, month, day, dayOfYear, hour, minute, second, nanos, offset) = (0, 1, 1, 0, 0, 0, 0, 0L, 0);
        foreach (var (letter, count) in _parts)
        {
            var read = count == 0 ? cursor.Skip(letter) : letter switch
            {
                'y' => cursor.Digits(4, out year),
                'M' when count == 3 => cursor.MonthName(out month),
                'M' => cursor.Digits(count, 2, out month),
                'd' => cursor.Digits(count, 2, out day),
                'D' => cursor.Digits(count, 3, out dayOfYear) && dayOfYear > 0,
                'H' => cursor.Digits(count, 2, out hour) && hour < 24,
                'm' => cursor.Digits(count, 2, out minute) && minute < 60,
                's' => cursor.Digits(count, 2, out second) && second < 60,
                'S' => cursor.Fraction(count, count == 1 ? 9 : count, out nanos),
                _ => cursor.Zone(out offset),
            };
            if (!read) return null;
        }

        if (!cursor.AtEnd) return null;
        if (dayOfYear > 0 && year is >= 1 and <= 9999)
        {
            if (dayOfYear > (DateTime.IsLeapYear(year) ? 366 : 365)) return null;
            var date = new DateOnly(year, 1, 1).AddDays(dayOfYear - 1);
            (month, day) = (date.Month, date.Day);
        }

        return FirestoreTime.Of(year, month, day, (hour * 3600) + (minute * 60) + second, nanos, offset);
    }

    private static bool IsKnown(char letter, int count) => letter switch
    {
        'y' or 'u' => count == 4,
        'M' => count <= 3,
        'd' or 'H' or 'm' or 's' => count <= 2,
        'D' => count is 1 or 3,
        'S' => count <= 9,
        'X' or 'x' or 'Z' => count <= 5,
        _ => false,
    };
}
