using System.Buffers.Binary;
using System.Numerics;

namespace EsPipeline.Core.Records;

/// <summary>
/// A fast 128-bit hash of a key: two chains of 64x64-to-128-bit multiplications folded by exclusive or. With a secret seed nobody can
/// prepare keys that collide; with seed 0 it is the same in every process, as <c>--shard</c> needs it.
/// </summary>
public static class KeyHash
{
    // Odd numbers with about as many ones as zeros: the fractions of the square roots of 2, 3, 5, 7 and 11.
    private const ulong K0 = 0x6a09e667f3bcc909, K1 = 0xbb67ae8584caa73b, K2 = 0x3c6ef372fe94f82b, K3 = 0xa54ff53a5f1d36f1, K4 = 0x510e527fade682d1;

    /// <summary>The hash of <paramref name="key"/>.</summary>
    public static UInt128 Compute(ReadOnlySpan<byte> key, ulong seed)
    {
        var low = seed ^ K0;
        var high = BitOperations.RotateLeft(seed, 32) ^ K4;
        var rest = key;
        while (rest.Length > 16)
        {
            Mix(ref low, ref high, BinaryPrimitives.ReadUInt64LittleEndian(rest), BinaryPrimitives.ReadUInt64LittleEndian(rest[8..]));
            rest = rest[16..];
        }

        // The last 1 to 16 bytes, with overlapping reads where there are enough of them; the length tells such tails apart.
        ulong a = 0, b = 0;
        if (rest.Length >= 8)
        {
            a = BinaryPrimitives.ReadUInt64LittleEndian(rest);
            b = BinaryPrimitives.ReadUInt64LittleEndian(rest[^8..]);
        }
        else if (rest.Length >= 4)
        {
            a = BinaryPrimitives.ReadUInt32LittleEndian(rest);
            b = BinaryPrimitives.ReadUInt32LittleEndian(rest[^4..]);
        }
        else if (rest.Length > 0)
        {
            a = ((ulong)rest[0] << 16) | ((ulong)rest[rest.Length >> 1] << 8) | rest[^1];
        }

        Mix(ref low, ref high, a ^ (ulong)key.Length, b);
        Mix(ref low, ref high, K2, K3 ^ (ulong)key.Length);
        return new UInt128(high, low);
    }

    /// <summary>64 bits of <see cref="Compute"/>.</summary>
    public static ulong Compute64(ReadOnlySpan<byte> key, ulong seed) => (ulong)Compute(key, seed);

    private static void Mix(ref ulong low, ref ulong high, ulong a, ulong b)
    {
        var first = Math.BigMul(a ^ low ^ K1, b ^ K2, out var firstLow) ^ firstLow;
        var second = Math.BigMul(a ^ K3, b ^ high ^ K1, out var secondLow) ^ secondLow;
        low = BitOperations.RotateLeft(low, 23) ^ first ^ second;
        high = BitOperations.RotateLeft(high, 41) + (second * K0) + first;
    }
}
