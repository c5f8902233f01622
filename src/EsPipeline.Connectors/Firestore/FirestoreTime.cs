using System.Globalization;

namespace EsPipeline.Connectors.Firestore;

/// <summary>A point in time as Firestore keeps it: whole microseconds, of the years 1 to 9999, in UTC.</summary>
/// <param name="Ticks">Units of 100 ns since the year 1; a multiple of 10.</param>
/// <param name="IsCut">True where digits below a microsecond were left out.</param>
internal readonly record struct FirestoreTime(long Ticks, bool IsCut)
{
    /// <summary>The most bytes that <see cref="Write"/> needs.</summary>
    public const int MaxLength = 27;

    private static readonly long Epoch = DateTime.UnixEpoch.Ticks;

    /// <summary>A time from its parts, as a clock at an offset from UTC shows them.</summary>
    /// <param name="year">The year.</param>
    /// <param name="month">The month, from 1.</param>
    /// <param name="day">The day, from 1.</param>
    /// <param name="seconds">Seconds since the day began.</param>
    /// <param name="nanos">Nanoseconds since the second began.</param>
    /// <param name="offset">Minutes that the clock is before UTC.</param>
    /// <returns>Null where there is no such time, or Firestore can't hold it.</returns>
    public static FirestoreTime? Of(int year, int month, int day, int seconds, long nanos, int offset)
    {
        if (year is < 1 or > 9999 || month is < 1 or > 12 || day < 1 || day > DateTime.DaysInMonth(year, month)) return null;
        var ticks = new DateTime(year, month, day, 0, 0, 0, DateTimeKind.Utc).Ticks;
        return OfTicks(ticks + ((seconds - (offset * 60L)) * TimeSpan.TicksPerSecond), nanos);
    }

    /// <summary>A time from what has passed since 1970.</summary>
    /// <param name="value">A whole or decimal number, such as <c>1700000000123</c> or <c>-1.5</c>.</param>
    /// <param name="unitTicks">Units of 100 ns in one of it.</param>
    /// <returns>Null where it is not such a number, or Firestore can't hold the time.</returns>
    public static FirestoreTime? OfEpoch(ReadOnlySpan<byte> value, long unitTicks)
    {
        const NumberStyles Style = NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint;
        if (!decimal.TryParse(value, Style, CultureInfo.InvariantCulture, out var number)) return null;
        if (Math.Abs(number) > DateTime.MaxValue.Ticks / unitTicks) return null;
        var nanos = number * unitTicks * 100;
        var ticks = Math.Floor(nanos / 100);
        return OfTicks((long)ticks + Epoch, (long)Math.Ceiling(nanos - (ticks * 100)));
    }

    /// <summary>The next whole minute; null where it is one already.</summary>
    public FirestoreTime? NextMinute()
    {
        var into = Ticks % TimeSpan.TicksPerMinute;
        return into == 0 ? null : this with { Ticks = Ticks - into + TimeSpan.TicksPerMinute };
    }

    /// <summary>Writes it in RFC 3339 form.</summary>
    /// <returns>How many bytes.</returns>
    public int Write(Span<byte> text)
    {
        var time = new DateTime(Ticks, DateTimeKind.Utc);
        var format = Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-ddTHH:mm:ssZ" : "yyyy-MM-ddTHH:mm:ss.ffffffZ";
        time.TryFormat(text, out var length, format, CultureInfo.InvariantCulture);
        return length;
    }

    private static FirestoreTime? OfTicks(long ticks, long nanos)
    {
        ticks += nanos / 100;
        if (ticks < 0 || ticks > DateTime.MaxValue.Ticks) return null;
        return new FirestoreTime(ticks - (ticks % 10), ticks % 10 != 0 || nanos % 100 != 0);
    }
}
