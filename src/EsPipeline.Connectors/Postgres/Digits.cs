using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Writes digits of which the number is known beforehand, two at a time.</summary>
internal static class Digits
{
    private static ReadOnlySpan<byte> Pairs =>
        "00010203040506070809101112131415161718192021222324252627282930313233343536373839404142434445464748495051525354555657585960616263646566676869707172737475767778798081828384858687888990919293949596979899"u8;

    /// <summary>Writes a number of 0 to 99.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteTwo(int number, Span<byte> to) =>
        BinaryPrimitives.WriteUInt16LittleEndian(to, BinaryPrimitives.ReadUInt16LittleEndian(Pairs[(2 * number)..]));

    /// <summary>Writes a number of 0 to 9,999.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static void WriteFour(int number, Span<byte> to)
    {
        WriteTwo(number / 100, to);
        WriteTwo(number % 100, to[2..]);
    }
}
