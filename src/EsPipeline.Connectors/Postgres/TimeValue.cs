using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.CompilerServices;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Writes dates and times as the server's JSON has them: ISO 8601, years before 1 as <c>0044-03-15 BC</c>, and the two infinities. They
/// are sent as days or microseconds since 2000-01-01.
/// </summary>
internal static class TimeValue
{
    private const long MicrosecondsADay = 86_400_000_000;
    private const int DaysFrom1970To2000 = 10_957;

    /// <summary>The most bytes that are written: a year has 7 digits at most (dates go to 5874897), and <c>-12-31T23:59:59.999999+00:00 BC</c> follows.</summary>
    public const int LongestBytes = 48;

    /// <summary>Writes a date of 4 bytes.</summary>
    /// <returns>How many bytes were written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int WriteDate(ReadOnlySpan<byte> value, Span<byte> text)
    {
        var days = BinaryPrimitives.ReadInt32BigEndian(value);
        if (days is int.MaxValue or int.MinValue) return WriteInfinity(days > 0, text);
        text[0] = (byte)'"';
        var length = 1 + WriteDay(days, text[1..], out var isBeforeOne);
        return length + WriteEnd(isBeforeOne, text[length..]);
    }

    /// <summary>Writes a timestamp of 8 bytes.</summary>
    /// <returns>How many bytes were written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int WriteTimestamp(ReadOnlySpan<byte> value, bool hasZone, Span<byte> text)
    {
        var microseconds = BinaryPrimitives.ReadInt64BigEndian(value);
        if (microseconds is long.MaxValue or long.MinValue) return WriteInfinity(microseconds > 0, text);
        var (days, time) = Math.DivRem(microseconds, MicrosecondsADay);
        if (time < 0) (days, time) = (days - 1, time + MicrosecondsADay);
        text[0] = (byte)'"';
        var length = 1 + WriteDay(days, text[1..], out var isBeforeOne);
        var clock = text[length..];
        var seconds = (int)(time / 1_000_000);
        clock[0] = (byte)'T';
        Digits.WriteTwo(seconds / 3600, clock[1..]);
        clock[3] = (byte)':';
        Digits.WriteTwo(seconds / 60 % 60, clock[4..]);
        clock[6] = (byte)':';
        Digits.WriteTwo(seconds % 60, clock[7..]);
        length += 9;
        length += WriteFraction((int)(time % 1_000_000), text[length..]);
        if (hasZone)
        {
            "+00:00"u8.CopyTo(text[length..]);
            length += 6;
        }

        return length + WriteEnd(isBeforeOne, text[length..]);
    }

    private static int WriteInfinity(bool isPositive, Span<byte> text)
    {
        var infinity = isPositive ? "\"infinity\""u8 : "\"-infinity\""u8;
        infinity.CopyTo(text);
        return infinity.Length;
    }

    private static int WriteEnd(bool isBeforeOne, Span<byte> text)
    {
        var end = isBeforeOne ? " BC\""u8 : "\""u8;
        end.CopyTo(text);
        return end.Length;
    }

    private static int WriteFraction(int microseconds, Span<byte> text)
    {
        if (microseconds == 0) return 0;
        text[0] = (byte)'.';
        Digits.WriteTwo(microseconds / 10_000, text[1..]);
        Digits.WriteTwo(microseconds / 100 % 100, text[3..]);
        Digits.WriteTwo(microseconds % 100, text[5..]);
        return text[..7].TrimEnd((byte)'0').Length;
    }

    // Days to the proleptic Gregorian calendar, in eras of 400 years that begin in March, so that the leap day comes last. They are counted
    // from so many eras before the year 0 that the first day that the server has, in 4714 BC, is not below zero: without a sign dividing is cheap.
    private static int WriteDay(long days, Span<byte> text, out bool isBeforeOne)
    {
        const uint daysAnEra = 146_097;
        const int erasBefore = 12;
        var shifted = (uint)(days + DaysFrom1970To2000 + 719_468 + (erasBefore * daysAnEra));
        var era = shifted / daysAnEra;
        var dayOfEra = shifted - (era * daysAnEra);
        var yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        var dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        var monthFromMarch = ((5 * dayOfYear) + 2) / 153;
        var day = dayOfYear - (((153 * monthFromMarch) + 2) / 5) + 1;
        var month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        var year = (int)(yearOfEra + (era * 400)) - (erasBefore * 400) + (month <= 2 ? 1 : 0);
        isBeforeOne = year <= 0;
        if (isBeforeOne) year = 1 - year;
        var length = 4;
        if (year <= 9999) Digits.WriteFour(year, text);
        else Utf8Formatter.TryFormat(year, text, out length);
        text[length] = (byte)'-';
        Digits.WriteTwo((int)month, text[(length + 1)..]);
        text[length + 3] = (byte)'-';
        Digits.WriteTwo((int)day, text[(length + 4)..]);
        return length + 6;
    }
}
