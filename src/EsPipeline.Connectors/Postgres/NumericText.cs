using System.Buffers.Binary;
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
    public static void Write(ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        var digits = value[HeaderBytes..];
        int count = BinaryPrimitives.ReadInt16BigEndian(value);
        int weight = BinaryPrimitives.ReadInt16BigEndian(value[2..]);
        int scale = BinaryPrimitives.ReadInt16BigEndian(value[6..]);
        switch (BinaryPrimitives.ReadUInt16BigEndian(value[4..]))
        {
            case 0xC000: output.Write("\"NaN\""u8); return;
            case 0xD000: output.Write("\"Infinity\""u8); return;
            case 0xF000: output.Write("\"-Infinity\""u8); return;
            case 0x4000: output.Write("-"u8); break;
        }

        Span<byte> four = stackalloc byte[DigitsEach];
        if (weight < 0)
        {
            output.Write("0"u8);
        }
        else
        {
            for (var i = 0; i <= weight; i++)
            {
                Spell(At(digits, count, i), four);
                output.Write(i > 0 ? four : WithoutLeadingZeros(four));
            }
        }

        if (scale == 0) return;
        output.Write("."u8);
        for (var (i, left) = (weight + 1, scale); left > 0; i++, left -= DigitsEach)
        {
            Spell(At(digits, count, i), four);
            output.Write(four[..Math.Min(left, DigitsEach)]);
        }
    }

    private static int At(ReadOnlySpan<byte> digits, int count, int index) =>
        index >= 0 && index < count ? BinaryPrimitives.ReadInt16BigEndian(digits[(index * 2)..]) : 0;

    private static void Spell(int number, Span<byte> four)
    {
        for (var i = DigitsEach - 1; i >= 0; i--, number /= 10) four[i] = (byte)('0' + (number % 10));
    }

    private static ReadOnlySpan<byte> WithoutLeadingZeros(ReadOnlySpan<byte> four)
    {
        var trimmed = four.TrimStart((byte)'0');
        return trimmed.IsEmpty ? "0"u8 : trimmed;
    }
}
