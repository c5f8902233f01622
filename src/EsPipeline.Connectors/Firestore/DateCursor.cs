namespace EsPipeline.Connectors.Firestore;

/// <summary>Reads a date's text from left to right.</summary>
internal ref struct DateCursor(ReadOnlySpan<byte> text)
{
    private static readonly string[] Months = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

    private ReadOnlySpan<byte> _rest = text;

    public readonly bool AtEnd => _rest.IsEmpty;

    /// <summary>Passes over one character.</summary>
    public bool Skip(char character)
    {
        if (_rest.IsEmpty || _rest[0] != character) return false;
        _rest = _rest[1..];
        return true;
    }

    /// <summary>Reads a number of exactly so many digits.</summary>
    public bool Digits(int count, out int value) => Digits(count, count, out value);

    /// <summary>Reads a number of so many digits.</summary>
    public bool Digits(int least, int most, out int value)
    {
        value = 0;
        var count = 0;
        while (count < most && count < _rest.Length && char.IsAsciiDigit((char)_rest[count])) value = (value * 10) + _rest[count++] - '0';
        _rest = _rest[count..];
        return count >= least;
    }

    /// <summary>Reads the digits behind a decimal point as nanoseconds; what is below is only noticed.</summary>
    public bool Fraction(int least, int most, out long nanos)
    {
        nanos = 0;
        var (count, unit) = (0, 100_000_000);
        while (count < most && count < _rest.Length && char.IsAsciiDigit((char)_rest[count]))
        {
            var digit = _rest[count++] - '0';
            nanos += digit * unit;

            // Below a nanosecond: one is as good as another to say that something was cut.
            if (unit == 0 && digit > 0 && nanos % 10 == 0) nanos++;
            unit /= 10;
        }

        _rest = _rest[count..];
        return count >= least;
    }

    /// <summary>Reads <c>Z</c>, <c>+hh</c>, <c>+hhmm</c> or <c>+hh:mm</c> as minutes.</summary>
    public bool Zone(out int minutes)
    {
        minutes = 0;
        if (Skip('Z')) return true;
        var sign = Skip('+') ? 1 : Skip('-') ? -1 : 0;
        if (sign == 0 || !Digits(2, out var hours) || hours > 18) return false;
        var rest = 0;
        if (Skip(':') ? !Digits(2, out rest) : !AtEnd && char.IsAsciiDigit((char)_rest[0]) && !Digits(2, out rest)) return false;
        minutes = sign * ((hours * 60) + rest);
        return rest < 60;
    }

    /// <summary>Reads an English month's name of three letters, in any case.</summary>
    public bool MonthName(out int month)
    {
        month = 0;
        if (_rest.Length < 3) return false;
        Span<char> name = [char.ToLowerInvariant((char)_rest[0]), char.ToLowerInvariant((char)_rest[1]), char.ToLowerInvariant((char)_rest[2])];
        _rest = _rest[3..];
        for (var i = 0; i < Months.Length; i++)
        {
            if (name.SequenceEqual(Months[i])) month = i + 1;
        }

        return month > 0;
    }
}
