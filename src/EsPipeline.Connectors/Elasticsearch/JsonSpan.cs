using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Finds where JSON values end without reading what is in them, 64 bytes at a time: quotes and brackets become bit masks, and what stands
/// between quotes is masked out. Trusts that the text is JSON, as a server's answer is, but for comments; wherever that ends too early it says so.
/// </summary>
/// <remarks>
/// Compiled with all optimizations at once, here and in what reads hits: a copy of half a million documents takes two seconds, and would
/// spend one of them in code that is still to be optimized.
/// </remarks>
internal static class JsonSpan
{
    /// <summary>Bytes behind the text that may be read and mean nothing.</summary>
    public const int Padding = 64;

    /// <summary>
    /// The index behind the object or array that begins at <paramref name="start"/>; -1 where the text ends before it does, or a slash stands in it
    /// outside of strings, as only a comment has one.
    /// </summary>
    /// <param name="array">The text and <see cref="Padding"/> bytes behind it.</param>
    /// <param name="length">The length of the text.</param>
    /// <param name="start">Where <c>{</c> or <c>[</c> stands.</param>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    public static int EndOfContainer(byte[] array, int length, int start)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, array.Length - Padding);
        var (open, close) = array[start] == (byte)'{' ? ((byte)'{', (byte)'}') : ((byte)'[', (byte)']');
        ref var bytes = ref MemoryMarshal.GetArrayDataReference(array);
        var depth = 0;
        var inString = 0UL;
        var escapesNext = false;
        for (var at = start; at < length; at += 64)
        {
            ref var block = ref Unsafe.Add(ref bytes, at);
            var quotes = Mask(ref block, (byte)'"');
            var backslashes = Mask(ref block, (byte)'\\');
            if (backslashes != 0 || escapesNext) quotes &= ~Escaped(backslashes, ref escapesNext);

            var strings = PrefixXor(quotes) ^ inString;
            inString = (ulong)((long)strings >> 63);
            var opens = Mask(ref block, open) & ~strings;
            var closes = Mask(ref block, close) & ~strings;
            var slashes = Mask(ref block, (byte)'/') & ~strings;
            var closed = BitOperations.PopCount(closes);
            if (closed < depth)
            {
                if (slashes != 0) return -1;
                depth += BitOperations.PopCount(opens) - closed;
                continue;
            }

            // The end may be in this block: count bracket by bracket.
            for (var brackets = opens | closes; brackets != 0; brackets &= brackets - 1)
            {
                var bit = brackets & (ulong)-(long)brackets;
                depth += (opens & bit) != 0 ? 1 : -1;
                if (depth > 0) continue;
                if ((slashes & (bit - 1)) != 0) return -1;
                var end = at + BitOperations.TrailingZeroCount(bit) + 1;
                return end <= length ? end : -1;
            }

            if (slashes != 0) return -1;
        }

        return -1;
    }

    /// <summary>The index of the quote that ends the string whose content begins at <paramref name="start"/>; -1 where there is none.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int EndOfString(ReadOnlySpan<byte> text, int start, out bool escaped)
    {
        // Names and keys are short: most of them end before a vector would have been set up.
        escaped = false;
        var near = Math.Min(text.Length, start + 24);
        for (var i = start; i < near; i++)
        {
            if (text[i] == (byte)'"') return i;
            if (text[i] == (byte)'\\') break;
        }

        return EndOfLongString(text, start, out escaped);
    }

    private static int EndOfLongString(ReadOnlySpan<byte> text, int start, out bool escaped)
    {
        escaped = false;
        while (true)
        {
            var next = text[start..].IndexOfAny((byte)'"', (byte)'\\');
            if (next < 0) return -1;
            start += next;
            if (text[start] == (byte)'"') return start;
            escaped = true;
            start += 2;
            if (start > text.Length) return -1;
        }
    }

    // A bit for each character that a backslash stands before, unless that backslash is itself escaped.
    private static ulong Escaped(ulong backslashes, ref bool escapesNext)
    {
        var escaped = escapesNext ? 1UL : 0;
        backslashes &= ~escaped;
        escapesNext = false;
        while (backslashes != 0)
        {
            var bit = backslashes & (ulong)-(long)backslashes;
            escapesNext = bit == 1UL << 63;
            escaped |= bit << 1;
            backslashes &= ~(bit | (bit << 1));
        }

        return escaped;
    }

    // Each bit becomes the parity of all bits up to it: set from an opening quote up to before its closing one.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong PrefixXor(ulong bits)
    {
        bits ^= bits << 1;
        bits ^= bits << 2;
        bits ^= bits << 4;
        bits ^= bits << 8;
        bits ^= bits << 16;
        return bits ^ (bits << 32);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static ulong Mask(ref byte block, byte value)
    {
        if (Vector256.IsHardwareAccelerated)
        {
            var wanted = Vector256.Create(value);
            return Vector256.Equals(Vector256.LoadUnsafe(ref block), wanted).ExtractMostSignificantBits()
                | ((ulong)Vector256.Equals(Vector256.LoadUnsafe(ref block, 32), wanted).ExtractMostSignificantBits() << 32);
        }

        var mask = 0UL;
        var narrow = Vector128.Create(value);
        for (var i = 0; i < 64; i += 16)
        {
            mask |= (ulong)Vector128.Equals(Vector128.LoadUnsafe(ref block, (nuint)i), narrow).ExtractMostSignificantBits() << i;
        }

        return mask;
    }
}
