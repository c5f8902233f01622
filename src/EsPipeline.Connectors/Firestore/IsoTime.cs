namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// ISO 8601 times with dashes and colons, from the year alone to nanoseconds, with or without a zone (UTC where there is none):
/// what <c>strict_date_optional_time</c> and its like read, and a blank in place of the <c>T</c>.
/// </summary>
internal static class IsoTime
{
    /// <summary>Reads a time; null for anything else.</summary>
    public static FirestoreTime? Parse(ReadOnlySpan<byte> text)
    {
        var cursor = new DateCursor(text);
        if (!cursor.Digits(4, out var year)) return null;
        var (month, day, seconds, nanos, offset) = (1, 1, 0, 0L, 0);
        if (cursor.Skip('-'))
        {
            if (!cursor.Digits(2, out month)) return null;
            if (cursor.Skip('-') && !cursor.Digits(2, out day)) return null;
        }

        if (cursor.Skip('T') || cursor.Skip(' '))
        {
            if (!cursor.Digits(2, out var hour) || hour > 23) return null;
            var (minute, second) = (0, 0);
            if (cursor.Skip(':'))
            {
                if (!cursor.Digits(2, out minute) || minute > 59) return null;
                if (cursor.Skip(':'))
                {
                    if (!cursor.Digits(2, out second) || second > 59) return null;
                    if ((cursor.Skip('.') || cursor.Skip(',')) && !cursor.Fraction(1, 18, out nanos)) return null;
                }
            }

            seconds = (hour * 3600) + (minute * 60) + second;
            if (!cursor.AtEnd && !cursor.Zone(out offset)) return null;
        }

        return cursor.AtEnd ? FirestoreTime.Of(year, month, day, seconds, nanos, offset) : null;
    }
}
