using System.Globalization;
using System.Text;
using EsPipeline.Connectors.Columns;

namespace EsPipeline.Connectors.MySql;

/// <summary>ISO 8601 times and numbers since 1970 into DATE, DATETIME and TIMESTAMP columns, in UTC: exactly, or not at all.</summary>
internal static class TimeValue
{
    /// <summary>Writes a text such as <c>2024-02-29T12:00:00.123+01:00</c>; without a zone it is UTC.</summary>
    /// <returns>Null, or why it can't.</returns>
    public static Misfit? Write(MySqlColumn column, ReadOnlySpan<byte> text, int cell, RowBlock rows) =>
        TryParse(text, out var time, out var fraction)
            ? Write(column, time, fraction, text, cell, rows)
            : Misfit.WrongType(column, $"no time: '{Encoding.UTF8.GetString(text[..Math.Min(text.Length, 60)])}'");

    /// <summary>Writes a number of milliseconds or seconds since 1970.</summary>
    /// <returns>Null, or why it can't.</returns>
    public static Misfit? WriteEpoch(MySqlColumn column, ReadOnlySpan<byte> number, bool isSeconds, int cell, RowBlock rows)
    {
        if (!new DecimalDigits(number).TryGetInteger(out var value)) return Misfit.Inexact(column, number);
        var ticks = value * (isSeconds ? TimeSpan.TicksPerSecond : TimeSpan.TicksPerMillisecond);
        if (ticks < -DateTime.UnixEpoch.Ticks || ticks > DateTime.MaxValue.Ticks - DateTime.UnixEpoch.Ticks) return Misfit.OutOfRange(column, number);
        var time = DateTime.UnixEpoch.AddTicks((long)ticks);
        return Write(column, time.AddTicks(-(time.Ticks % TimeSpan.TicksPerSecond)), (int)(time.Ticks % TimeSpan.TicksPerSecond) * 100, number, cell, rows);
    }

    /// <summary>Writes a span of time such as <c>-12:30:00.5</c> into a TIME column.</summary>
    /// <returns>Null, or why it can't.</returns>
    public static Misfit? WriteTimeOfDay(MySqlColumn column, ReadOnlySpan<byte> text, int cell, RowBlock rows)
    {
        var rest = text.StartsWith("-"u8) ? text[1..] : text;
        var colon = rest.IndexOf((byte)':');
        if (colon is < 1 or > 3 || !TryNumber(rest[..colon], out var hours) || !TryClock(rest[(colon + 1)..], out var seconds, out var fraction, out var left)
            || !left.IsEmpty) return Misfit.WrongType(column, $"no time of day: '{Encoding.UTF8.GetString(text[..Math.Min(text.Length, 60)])}'");
        if ((hours * 3600) + seconds > (838 * 3600) + (59 * 60) + 59) return Misfit.OutOfRange(column, text);
        if (HasMoreDigits(fraction, column.TimePrecision)) return Misfit.Inexact(column, text);
        rows.Set(cell, text);
        return null;
    }

    /// <summary>Reads a time.</summary>
    /// <param name="text">The text.</param>
    /// <param name="time">The time in UTC, in whole seconds.</param>
    /// <param name="fraction">Nanoseconds beyond them.</param>
    public static bool TryParse(ReadOnlySpan<byte> text, out DateTime time, out int fraction)
    {
        (time, fraction) = (default, 0);
        if (text.Length < 10 || text[4] != (byte)'-' || text[7] != (byte)'-' || !TryNumber(text[..4], out var year) || !TryNumber(text[5..7], out var month)
            || !TryNumber(text[8..10], out var day) || year == 0 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return false;
        time = new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc);
        if (text.Length == 10) return true;
        if (text[10] is not ((byte)'T' or (byte)' ') || text.Length < 16 || text[13] != (byte)':' || !TryNumber(text[11..13], out var hour) || hour > 23
            || !TryClock(text[14..], out var seconds, out fraction, out var zone) || !TryZone(zone, out var minutes)) return false;
        var ticks = time.Ticks + (((hour * 3600L) + seconds - (minutes * 60L)) * TimeSpan.TicksPerSecond);
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) return false;
        time = new DateTime(ticks, DateTimeKind.Utc);
        return true;
    }

    private static Misfit? Write(MySqlColumn column, DateTime time, int nanoseconds, ReadOnlySpan<byte> original, int cell, RowBlock rows)
    {
        if (column.Kind == ColumnKind.Date)
        {
            if (time.TimeOfDay != TimeSpan.Zero || nanoseconds != 0) return Misfit.Inexact(column, original);
            time.TryFormat(rows.GetSpan(10), out var date, "yyyy-MM-dd", CultureInfo.InvariantCulture);
            rows.Advance(date);
            rows.EndValue(cell);
            return null;
        }

        if (HasMoreDigits(nanoseconds, column.TimePrecision)) return Misfit.Inexact(column, original);
        if (column.DataType == "timestamp" && time <= DateTime.UnixEpoch) return Misfit.OutOfRange(column, original);
        time.TryFormat(rows.GetSpan(32), out var written, "yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);
        rows.Advance(written);
        if (nanoseconds != 0)
        {
            (nanoseconds / 1000).TryFormat(rows.GetSpan(8)[1..], out var digits, "000000", CultureInfo.InvariantCulture);
            rows.GetSpan(8)[0] = (byte)'.';
            rows.Advance(1 + digits);
        }

        rows.EndValue(cell);
        return null;
    }

    // "mm", "mm:ss" or "mm:ss.fraction", and what follows.
    private static bool TryClock(ReadOnlySpan<byte> text, out int seconds, out int fraction, out ReadOnlySpan<byte> rest)
    {
        (seconds, fraction) = (0, 0);
        rest = text;
        if (text.Length < 2 || !TryNumber(text[..2], out var minutes) || minutes > 59) return false;
        seconds = minutes * 60;
        rest = text[2..];
        if (rest.IsEmpty || rest[0] != (byte)':') return true;
        if (rest.Length < 3 || !TryNumber(rest[1..3], out var second) || second > 59) return false;
        seconds += second;
        rest = rest[3..];
        if (rest.IsEmpty || rest[0] is not ((byte)'.' or (byte)',')) return true;
        rest = rest[1..];
        var digits = 0;
        while (!rest.IsEmpty && char.IsAsciiDigit((char)rest[0]))
        {
            if (digits < 9) fraction = (fraction * 10) + rest[0] - '0';
            else if (rest[0] != (byte)'0') return false;
            digits++;
            rest = rest[1..];
        }

        for (var i = digits; i < 9; i++) fraction *= 10;
        return digits > 0;
    }

    private static bool TryZone(ReadOnlySpan<byte> text, out int minutes)
    {
        minutes = 0;
        if (text.IsEmpty || text.SequenceEqual("Z"u8) || text.SequenceEqual("z"u8)) return true;
        if (text[0] is not ((byte)'+' or (byte)'-') || text.Length is not (3 or 5 or 6) || !TryNumber(text[1..3], out var hours)) return false;
        var rest = text[3..];
        if (rest.Length == 3 && rest[0] == (byte)':') rest = rest[1..];
        if (rest.Length == 3) return false;
        var more = 0;
        if (!rest.IsEmpty && !TryNumber(rest, out more)) return false;
        minutes = ((hours * 60) + more) * (text[0] == (byte)'-' ? -1 : 1);
        return hours <= 23 && more <= 59;
    }

    private static bool TryNumber(ReadOnlySpan<byte> text, out int value) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out value) && !text.IsEmpty;

    private static bool HasMoreDigits(int nanoseconds, int precision)
    {
        var unit = 1;
        for (var i = precision; i < 9; i++) unit *= 10;
        return nanoseconds % unit != 0;
    }
}
