using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Numerics;
using System.Text;

namespace EsPipeline.Core.Verification;

/// <summary>Writes a JSON number such that two numbers are written alike exactly where they have the same value: nothing is rounded.</summary>
internal static class CanonicalNumber
{
    /// <summary>Writes sign, digits without zeros at either end, <c>e</c>, the power of ten of the last digit, and a semicolon; zero as <c>0;</c>.</summary>
    /// <param name="number">A number as JSON has it.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="fractionsAreDoubles">True where one with a fraction or an exponent stands for the nearest double.</param>
    public static void Write(ReadOnlySpan<byte> number, IBufferWriter<byte> output, bool fractionsAreDoubles)
    {
        if (fractionsAreDoubles && number.IndexOfAny(".eE"u8) >= 0 && Utf8Parser.TryParse(number, out double value, out _) && double.IsFinite(value))
        {
            number = Encoding.ASCII.GetBytes(value.ToString("R", CultureInfo.InvariantCulture));
        }

        var negative = number[0] == (byte)'-';
        if (negative) number = number[1..];
        var exponentAt = number.IndexOfAny((byte)'e', (byte)'E');
        var mantissa = exponentAt < 0 ? number : number[..exponentAt];
        var point = mantissa.IndexOf((byte)'.');
        var digits = output.GetSpan(number.Length + 16);
        var length = 0;
        if (negative) digits[length++] = (byte)'-';
        var firstDigit = length;
        foreach (var digit in mantissa)
        {
            if (digit == (byte)'.' || (digit == (byte)'0' && length == firstDigit)) continue;
            digits[length++] = digit;
        }

        if (length == firstDigit)
        {
            output.Write("0;"u8);
            return;
        }

        long power = point < 0 ? 0 : point + 1 - mantissa.Length;
        while (digits[length - 1] == (byte)'0')
        {
            length--;
            power++;
        }

        digits[length++] = (byte)'e';
        output.Advance(length);
        WritePower(exponentAt < 0 ? default : number[(exponentAt + 1)..], power, output);
        output.Write(";"u8);
    }

    private static void WritePower(ReadOnlySpan<byte> exponent, long power, IBufferWriter<byte> output)
    {
        // An exponent may have any number of digits; only the usual ones are worth being quick.
        var sum = exponent.Length < 18
            ? power + (exponent.IsEmpty ? 0 : long.Parse(exponent, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture))
            : power + BigInteger.Parse(Encoding.ASCII.GetString(exponent), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        output.Write(Encoding.ASCII.GetBytes(sum.ToString(CultureInfo.InvariantCulture)));
    }
}
