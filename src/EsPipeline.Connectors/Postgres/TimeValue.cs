using System.Buffers.Binary;
using System.Buffers.Text;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Writes dates and times as the server's JSON has them: ISO 8601, years before 1 as <c>0044-03-15 BC</c>, and the two infinities. They
/// are sent as days or microseconds since 2000-01-01.
/// </summary>
internal static class TimeValue
{
    private const long MicrosecondsADay = 86_400_000_000;
    private const int DaysFrom1970To2000 = 10_957;

    /// <summary>Microseconds since 1970 of a timestamp as sent; null for the infinities.</summary>
    public static long? UnixMicroseconds(ReadOnlySpan<byte> value)
    {
        var sent = BinaryPrimitives.ReadInt64BigEndian(value);
        return sent is long.MinValue or long.MaxValue ? null : sent + (DaysFrom1970To2000 * MicrosecondsADay);
    }

    /// <summary>Writes a date of 4 bytes.</summary>
    public static void WriteDate(ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        var days = BinaryPrimitives.ReadInt32BigEndian(value);
        if (days is int.MaxValue or int.MinValue)
        {
            output.Write(days > 0 ? "\"infinity\""u8 : "\"-infinity\""u8);
            return;
        }

        output.Write("\""u8);
        var isBeforeOne = WriteDay(days, output);
        output.Write(isBeforeOne ? " BC\""u8 : "\""u8);
    }

    /// <summary>Writes a timestamp of 8 bytes.</summary>
    public static void WriteTimestamp(ReadOnlySpan<byte> value, bool hasZone, RecordBatchBuilder output)
    {
        var microseconds = BinaryPrimitives.ReadInt64BigEndian(value);
        if (microseconds is long.MaxValue or long.MinValue)
        {
            output.Write(microseconds > 0 ? "\"infinity\""u8 : "\"-infinity\""u8);
            return;
        }

        var (days, time) = Math.DivRem(microseconds, MicrosecondsADay);
        if (time < 0) (days, time) = (days - 1, time + MicrosecondsADay);
        output.Write("\""u8);
        var isBeforeOne = WriteDay(days, output);
        output.Write("T"u8);
        WriteTwo(time / 3_600_000_000, output);
        output.Write(":"u8);
        WriteTwo(time / 60_000_000 % 60, output);
        output.Write(":"u8);
        WriteTwo(time / 1_000_000 % 60, output);
        WriteFraction((int)(time % 1_000_000), output);
        if (hasZone) output.Write("+00:00"u8);
        output.Write(isBeforeOne ? " BC\""u8 : "\""u8);
    }

    private static void WriteFraction(int microseconds, RecordBatchBuilder output)
    {
        if (microseconds == 0) return;
        Span<byte> text = stackalloc byte[7];
        text[0] = (byte)'.';
        Utf8Formatter.TryFormat(microseconds, text[1..], out _, new System.Buffers.StandardFormat('D', 6));
        output.Write(text.TrimEnd((byte)'0'));
    }

    private static void WriteTwo(long number, RecordBatchBuilder output) =>
        output.Write([(byte)('0' + (number / 10)), (byte)('0' + (number % 10))]);

    // Days to the proleptic Gregorian calendar, in eras of 400 years that begin in March, so that the leap day comes last.
    private static bool WriteDay(long days, RecordBatchBuilder output)
    {
        const int daysAnEra = 146_097;
        var shifted = days + DaysFrom1970To2000 + 719_468;
        var era = Math.DivRem(shifted, daysAnEra, out var dayOfEra);
        if (dayOfEra < 0) (era, dayOfEra) = (era - 1, dayOfEra + daysAnEra);
        var yearOfEra = (dayOfEra - (dayOfEra / 1460) + (dayOfEra / 36_524) - (dayOfEra / 146_096)) / 365;
        var dayOfYear = dayOfEra - ((365 * yearOfEra) + (yearOfEra / 4) - (yearOfEra / 100));
        var monthFromMarch = ((5 * dayOfYear) + 2) / 153;
        var day = dayOfYear - (((153 * monthFromMarch) + 2) / 5) + 1;
        var month = monthFromMarch < 10 ? monthFromMarch + 3 : monthFromMarch - 9;
        var year = yearOfEra + (era * 400) + (month <= 2 ? 1 : 0);
        var isBeforeOne = year <= 0;
        if (isBeforeOne) year = 1 - year;
        Utf8Formatter.TryFormat(year, output.GetSpan(8), out var written, new System.Buffers.StandardFormat('D', 4));
        output.Advance(written);
        output.Write("-"u8);
        WriteTwo(month, output);
        output.Write("-"u8);
        WriteTwo(day, output);
        return isBeforeOne;
    }
}
