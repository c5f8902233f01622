using System.Buffers.Binary;
using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Writes binary floating-point numbers in the server's own form: the shortest digits, with an exponent where it has one.</summary>
internal static class FloatText
{
    // The precision from which on the server writes an exponent: FLT_DIG and DBL_DIG.
    private const int FloatDigits = 6;
    private const int DoubleDigits = 15;

    /// <summary>Writes a number of 4 or 8 bytes; NaN and the infinities in quotes.</summary>
    public static void Write(ReadOnlySpan<byte> value, RecordBatchBuilder output)
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
            WriteFinite(text[..length], value.Length == 4 ? FloatDigits : DoubleDigits, output);
            return;
        }

        output.Write("\""u8);
        output.Write(text[..length]);
        output.Write("\""u8);
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
    private static void WriteFinite(ReadOnlySpan<byte> text, int precision, RecordBatchBuilder output)
    {
        if (text[0] == '-')
        {
            output.Write("-"u8);
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
            output.Write("0"u8);
            return;
        }

        var exponent = point - 1;
        if (exponent < -4 || exponent >= precision) WriteScientific(digits[..count], exponent, output);
        else WritePlain(digits[..count], point, output);
    }

    private static void WriteScientific(ReadOnlySpan<byte> digits, int exponent, RecordBatchBuilder output)
    {
        output.Write(digits[..1]);
        if (digits.Length > 1)
        {
            output.Write("."u8);
            output.Write(digits[1..]);
        }

        output.Write(exponent < 0 ? "e-"u8 : "e+"u8);
        Utf8Formatter.TryFormat(Math.Abs(exponent), output.GetSpan(4), out var written, new System.Buffers.StandardFormat('D', 2));
        output.Advance(written);
    }

    private static void WritePlain(ReadOnlySpan<byte> digits, int point, RecordBatchBuilder output)
    {
        if (point <= 0)
        {
            output.Write("0."u8);
            for (var i = point; i < 0; i++) output.Write("0"u8);
            output.Write(digits);
            return;
        }

        output.Write(digits[..Math.Min(point, digits.Length)]);
        for (var i = digits.Length; i < point; i++) output.Write("0"u8);
        if (digits.Length <= point) return;
        output.Write("."u8);
        output.Write(digits[point..]);
    }
}
