using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Writes <c>numeric</c> exactly. It is sent as the number of its digits to the base of 10,000, the power of the first one, its sign, the
/// number of decimal places to show, and the digits (numeric_send in the server's numeric.c).
/// </summary>
internal static class NumericText
{
    private const int HeaderBytes = 8;
    private const int DigitsEach = 4;

    /// <summary>Writes a number; NaN and the infinities in quotes.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static void Write(ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        var digits = value[HeaderBytes..];
        int count = BinaryPrimitives.ReadInt16BigEndian(value);
        int weight = BinaryPrimitives.ReadInt16BigEndian(value[2..]);
        int scale = BinaryPrimitives.ReadInt16BigEndian(value[6..]);
        var isNegative = false;
        switch (BinaryPrimitives.ReadUInt16BigEndian(value[4..]))
        {
            case 0xC000: output.Write("\"NaN\""u8); return;
            case 0xD000: output.Write("\"Infinity\""u8); return;
            case 0xF000: output.Write("\"-Infinity\""u8); return;
            case 0x4000: isNegative = true; break;
        }

        // A sign, a point, and whole fours of digits on both of its sides, of which the last may be cut.
        var text = output.GetSpan(2 + (DigitsEach * (Math.Max(weight, 0) + 1)) + scale + DigitsEach);
        var length = 0;
        if (isNegative) text[length++] = (byte)'-';
        if (weight < 0)
        {
            text[length++] = (byte)'0';
        }
        else
        {
            // The first four is without its leading zeros, as a number is that has no more than four digits.
            Utf8Formatter.TryFormat(At(digits, count, 0), text[length..], out var written);
            length += written;
            for (var i = 1; i <= weight; i++, length += DigitsEach) Digits.WriteFour(At(digits, count, i), text[length..]);
        }

        if (scale > 0)
        {
            text[length++] = (byte)'.';
            for (var (i, left) = (weight + 1, scale); left > 0; i++, left -= DigitsEach)
            {
                Digits.WriteFour(At(digits, count, i), text[length..]);
                length += Math.Min(left, DigitsEach);
            }
        }

        output.Advance(length);
    }

    private static int At(ReadOnlySpan<byte> digits, int count, int index) =>
        index >= 0 && index < count ? BinaryPrimitives.ReadInt16BigEndian(digits[(index * 2)..]) : 0;
}
