using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Runtime.CompilerServices;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Writes binary floating-point numbers in the server's own form: the shortest digits, with an exponent where it has one.</summary>
internal static class FloatText
{
    // The precision from which on the server writes an exponent: FLT_DIG and DBL_DIG.
    private const int FloatDigits = 6;
    private const int DoubleDigits = 15;

    // With as many decimal places as amounts of money and readings mostly have.
    private const double MostScaled = 1e15;
    private const int MostPlaces = 4;

    /// <summary>The most bytes that are written: a sign, 17 digits, a point, and an exponent or the zeros that stand for one.</summary>
    public const int LongestBytes = 32;

    /// <summary>Writes a number of 4 or 8 bytes; NaN and the infinities in quotes.</summary>
    /// <returns>How many bytes were written.</returns>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int Write(ReadOnlySpan<byte> value, Span<byte> output)
    {
        if (value.Length == 8 && WriteDecimal(BinaryPrimitives.ReadDoubleBigEndian(value), output) is > 0 and var written) return written;
        return WriteAny(value, output);
    }

    // Of all decimals with 15 digits or fewer no two are the same double, so the one that a double is the nearest to is its shortest form. A
    // division of whole numbers of that size gives the nearest one: what it gives back exactly needs no search for digits.
    private static int WriteDecimal(double number, Span<byte> output)
    {
        var magnitude = Math.Abs(number);
        var (places, power) = (0, 1L);
        for (; magnitude * power < MostScaled && places <= MostPlaces; places++, power *= 10)
        {
            var scaled = (long)((magnitude * power) + 0.5);
            if (scaled / (double)power == magnitude) return WriteDecimal(scaled, places, power, double.IsNegative(number), output);
        }

        return 0;
    }

    private static int WriteDecimal(long scaled, int places, long power, bool isNegative, Span<byte> output)
    {
        var length = 0;
        if (isNegative) output[length++] = (byte)'-';
        var (whole, fraction) = Math.DivRem(scaled, power);
        Utf8Formatter.TryFormat(whole, output[length..], out var digits);
        length += digits;
        if (places == 0) return length;
        output[length] = (byte)'.';
        for (var i = places; i > 0; i--, fraction /= 10) output[length + i] = (byte)('0' + (fraction % 10));
        return length + 1 + places;
    }

    private static int WriteAny(ReadOnlySpan<byte> value, Span<byte> output)
    {
        Span<byte> text = stackalloc byte[32];
        int length;
        bool isFinite;
        if (value.Length == 4)
        {
            var number = BinaryPrimitives.ReadSingleBigEndian(value);
            isFinite = float.IsFinite(number);
            number.TryFormat(text, out length, "R", CultureInfo.InvariantCulture);
        }
        else
        {
            var number = BinaryPrimitives.ReadDoubleBigEndian(value);
            isFinite = double.IsFinite(number);
            number.TryFormat(text, out length, "R", CultureInfo.InvariantCulture);
        }

        if (isFinite)
        {
            if (OnBoundary(value, text[..length])) length = Strictly(value, text);
            return WriteFinite(text[..length], value.Length == 4 ? FloatDigits : DoubleDigits, output);
        }

        output[0] = output[length + 1] = (byte)'"';
        text[..length].CopyTo(output[1..]);
        return length + 2;
    }

    // The server takes no digits that lie exactly between two numbers, where .NET takes those that are read back as the even one. Only
    // whole numbers beyond the precision have such digits that are the shortest.
    private static bool OnBoundary(ReadOnlySpan<byte> value, ReadOnlySpan<byte> text)
    {
        double number, up, down;
        if (value.Length == 4)
        {
            var single = MathF.Abs(BinaryPrimitives.ReadSingleBigEndian(value));
            (number, up, down) = (single, MathF.BitIncrement(single), MathF.BitDecrement(single));
            if (number < 1 << 24) return false;
        }
        else
        {
            number = Math.Abs(BinaryPrimitives.ReadDoubleBigEndian(value));
            (up, down) = (Math.BitIncrement(number), Math.BitDecrement(number));
            if (number < 1L << 53) return false;
        }

        if (!double.IsFinite(up)) return false;
        var twice = 2 * BigInteger.Abs(BigInteger.Parse(System.Text.Encoding.ASCII.GetString(text), NumberStyles.Float, CultureInfo.InvariantCulture));
        var exact = new BigInteger(number);
        return twice == exact + new BigInteger(up) || twice == exact + new BigInteger(down);
    }

    private static int Strictly(ReadOnlySpan<byte> value, Span<byte> text)
    {
        for (var digits = 1; ; digits++)
        {
            var format = string.Create(CultureInfo.InvariantCulture, $"E{digits}");
            int length;
            bool same;
            if (value.Length == 4)
            {
                var number = BinaryPrimitives.ReadSingleBigEndian(value);
                number.TryFormat(text, out length, format, CultureInfo.InvariantCulture);
                same = float.Parse(text[..length], CultureInfo.InvariantCulture) == number;
            }
            else
            {
                var number = BinaryPrimitives.ReadDoubleBigEndian(value);
                number.TryFormat(text, out length, format, CultureInfo.InvariantCulture);
                same = double.Parse(text[..length], CultureInfo.InvariantCulture) == number;
            }

            if (same && !OnBoundary(value, text[..length])) return length;
        }
    }

    // Rewrites .NET's shortest digits with the exponent where the server has it.
    private static int WriteFinite(ReadOnlySpan<byte> text, int precision, Span<byte> output)
    {
        var length = 0;
        if (text[0] == '-')
        {
            output[length++] = (byte)'-';
            text = text[1..];
        }

        Span<byte> digits = stackalloc byte[32];
        var exponentAt = text.IndexOf((byte)'E');
        var mantissa = exponentAt < 0 ? text : text[..exponentAt];
        var point = 0;
        if (exponentAt >= 0) point = int.Parse(text[(exponentAt + 1)..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        var dot = mantissa.IndexOf((byte)'.');
        point += dot < 0 ? mantissa.Length : dot;
        var count = 0;
        foreach (var c in mantissa)
        {
            if (c == '.') continue;
            if (count == 0 && c == '0')
            {
                point--;
                continue;
            }

            digits[count++] = c;
        }

        while (count > 0 && digits[count - 1] == '0') count--;
        if (count == 0)
        {
            output[length] = (byte)'0';
            return length + 1;
        }

        var exponent = point - 1;
        return length + (exponent < -4 || exponent >= precision
            ? WriteScientific(digits[..count], exponent, output[length..])
            : WritePlain(digits[..count], point, output[length..]));
    }

    private static int WriteScientific(ReadOnlySpan<byte> digits, int exponent, Span<byte> output)
    {
        var length = 0;
        output[length++] = digits[0];
        if (digits.Length > 1)
        {
            output[length++] = (byte)'.';
            digits[1..].CopyTo(output[length..]);
            length += digits.Length - 1;
        }

        output[length++] = (byte)'e';
        output[length++] = exponent < 0 ? (byte)'-' : (byte)'+';
        Utf8Formatter.TryFormat(Math.Abs(exponent), output[length..], out var written, new System.Buffers.StandardFormat('D', 2));
        return length + written;
    }

    private static int WritePlain(ReadOnlySpan<byte> digits, int point, Span<byte> output)
    {
        if (point <= 0)
        {
            var zeros = 2 - point;
            output[..zeros].Fill((byte)'0');
            output[1] = (byte)'.';
            digits.CopyTo(output[zeros..]);
            return zeros + digits.Length;
        }

        if (digits.Length <= point)
        {
            digits.CopyTo(output);
            output[digits.Length..point].Fill((byte)'0');
            return point;
        }

        digits[..point].CopyTo(output);
        output[point] = (byte)'.';
        digits[point..].CopyTo(output[(point + 1)..]);
        return digits.Length + 1;
    }
}
