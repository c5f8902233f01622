using System.Buffers.Text;

namespace EsPipeline.Connectors.Columns;

/// <summary>
/// A JSON number by its value: its significant digits without zeros at either end, and where the point stands among them. Two numbers are
/// the same exactly when these are: <c>1.50</c> and <c>15e-1</c> are both 15 with one digit before the point.
/// </summary>
internal readonly ref struct DecimalDigits
{
    // Exponents beyond this are out of every type's range; the arithmetic stays within an int.
    private const int LargestExponent = 1_000_000;

    private readonly ReadOnlySpan<byte> _first;
    private readonly ReadOnlySpan<byte> _second;

    /// <summary>Reads a number's token.</summary>
    public DecimalDigits(ReadOnlySpan<byte> number)
    {
        IsNegative = number[0] == (byte)'-';
        if (IsNegative || number[0] == (byte)'+') number = number[1..];
        var exponent = 0;
        var e = number.IndexOfAny((byte)'e', (byte)'E');
        if (e >= 0)
        {
            var text = number[(e + 1)..];
            if (text[0] == (byte)'+') text = text[1..];
            exponent = Utf8Parser.TryParse(text, out int parsed, out var used) && used == text.Length
                ? Math.Clamp(parsed, -LargestExponent, LargestExponent)
                : text[0] == (byte)'-' ? -LargestExponent : LargestExponent;
            number = number[..e];
        }

        var point = number.IndexOf((byte)'.');
        var whole = point < 0 ? number : number[..point];
        var fraction = point < 0 ? default : number[(point + 1)..].TrimEnd((byte)'0');
        whole = whole.TrimStart((byte)'0');
        if (whole.IsEmpty)
        {
            var significant = fraction.TrimStart((byte)'0');
            PointAt = significant.Length - fraction.Length + exponent;
            _first = significant;
        }
        else if (fraction.IsEmpty)
        {
            PointAt = whole.Length + exponent;
            _first = whole.TrimEnd((byte)'0');
        }
        else
        {
            PointAt = whole.Length + exponent;
            _first = whole;
            _second = fraction;
        }

        if (Count == 0) (PointAt, IsNegative) = (0, false);
    }

    /// <summary>True below zero.</summary>
    public bool IsNegative { get; }

    /// <summary>The number of significant digits; 0 for zero.</summary>
    public int Count => _first.Length + _second.Length;

    /// <summary>How many digits stand before the point: negative where zeros follow it, beyond <see cref="Count"/> where zeros precede it.</summary>
    public int PointAt { get; }

    /// <summary>Digits that are needed before the point.</summary>
    public int WholeDigits => Math.Max(0, PointAt);

    /// <summary>Digits that are needed behind the point.</summary>
    public int FractionDigits => Math.Max(0, Count - PointAt);

    /// <summary>A significant digit, as its character.</summary>
    public byte this[int index] => index < _first.Length ? _first[index] : _second[index - _first.Length];

    /// <summary>True where both numbers are the same.</summary>
    public bool IsSameAs(DecimalDigits other)
    {
        if (Count != other.Count || PointAt != other.PointAt || IsNegative != other.IsNegative) return false;
        for (var i = 0; i < Count; i++)
        {
            if (this[i] != other[i]) return false;
        }

        return true;
    }

    /// <summary>The whole number that this is; false where it is none or has more than 20 digits.</summary>
    public bool TryGetInteger(out Int128 value)
    {
        value = 0;
        if (FractionDigits > 0 || WholeDigits > 20) return false;
        for (var i = 0; i < WholeDigits; i++) value = (value * 10) + (i < Count ? this[i] - '0' : 0);
        if (IsNegative) value = -value;
        return true;
    }

    /// <summary>
    /// True where a double is as good as the number: the double's shortest text, which reads back as the same double, has the same digits.
    /// Every number of up to 15 digits within a double's range is.
    /// </summary>
    public static bool FitsDouble(ReadOnlySpan<byte> number)
    {
        Span<byte> text = stackalloc byte[32];
        return Utf8Parser.TryParse(number, out double value, out var used) && used == number.Length && double.IsFinite(value)
            && Utf8Formatter.TryFormat(value, text, out var written) && new DecimalDigits(text[..written]).IsSameAs(new DecimalDigits(number));
    }

    /// <summary>The same for a FLOAT's 32 bits.</summary>
    public static bool FitsFloat(ReadOnlySpan<byte> number)
    {
        Span<byte> text = stackalloc byte[32];
        return Utf8Parser.TryParse(number, out float value, out var used) && used == number.Length && float.IsFinite(value)
            && Utf8Formatter.TryFormat(value, text, out var written) && new DecimalDigits(text[..written]).IsSameAs(new DecimalDigits(number));
    }
}
