using System.Buffers;
using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>Writes text into JSON documents.</summary>
internal static class JsonText
{
    private static readonly SearchValues<byte> MustEscape = SearchValues.Create(
        [.. Enumerable.Range(0, 32).Select(i => (byte)i), (byte)'"', (byte)'\\']);

    /// <summary>Writes UTF-8 text as the inside of a JSON string, escaping what RFC 8259 says must be.</summary>
    public static void WriteEscaped<TOutput>(ReadOnlySpan<byte> text, TOutput output)
        where TOutput : IBufferWriter<byte>
    {
        while (true)
        {
            var at = text.IndexOfAny(MustEscape);
            if (at < 0)
            {
                output.Write(text);
                return;
            }

            output.Write(text[..at]);
            WriteEscape(text[at], output);
            text = text[(at + 1)..];
        }
    }

    /// <summary>Writes a JSON string.</summary>
    public static void WriteString(ReadOnlySpan<byte> text, RecordBatchBuilder output)
    {
        // Most text needs no escaping, and is looked through and copied in one go.
        var quoted = output.GetSpan(text.Length + 2);
        quoted[0] = (byte)'"';
        var plain = CopyPlain(text, quoted[1..]);
        if (plain == text.Length) quoted[plain + 1] = (byte)'"';
        output.Advance(plain == text.Length ? plain + 2 : plain + 1);
        while (plain < text.Length)
        {
            WriteEscape(text[plain], output);
            text = text[(plain + 1)..];
            var rest = output.GetSpan(text.Length + 1);
            plain = CopyPlain(text, rest);
            if (plain == text.Length) rest[plain] = (byte)'"';
            output.Advance(plain == text.Length ? plain + 1 : plain);
        }
    }

    /// <summary>Writes JSON on one line. Line breaks can only stand between its tokens, where a blank means the same.</summary>
    public static void WriteLine(ReadOnlySpan<byte> json, RecordBatchBuilder output)
    {
        if (json.IndexOfAny((byte)'\n', (byte)'\r') < 0)
        {
            output.Write(json);
            return;
        }

        var line = output.GetSpan(json.Length)[..json.Length];
        json.CopyTo(line);
        line.Replace((byte)'\n', (byte)' ');
        line.Replace((byte)'\r', (byte)' ');
        output.Advance(json.Length);
    }

    // Copies text up to the first byte that has to be escaped, and says how much that is; bytes behind that may be written to as well.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static int CopyPlain(ReadOnlySpan<byte> text, Span<byte> to)
    {
        var last = text.Length - Vector128<byte>.Count;
        if (last < 0) return CopyFewPlain(text, to);
        for (var at = 0; ; at = Math.Min(at + Vector128<byte>.Count, last))
        {
            var block = Vector128.Create(text.Slice(at, Vector128<byte>.Count));
            block.CopyTo(to[at..]);
            var special = Vector128.LessThan(block, Vector128.Create((byte)' '))
                | Vector128.Equals(block, Vector128.Create((byte)'"')) | Vector128.Equals(block, Vector128.Create((byte)'\\'));
            if (special != Vector128<byte>.Zero) return at + BitOperations.TrailingZeroCount(special.ExtractMostSignificantBits());
            if (at == last) return text.Length;
        }
    }

    private static int CopyFewPlain(ReadOnlySpan<byte> text, Span<byte> to)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var character = text[i];
            if (character is < (byte)' ' or (byte)'"' or (byte)'\\') return i;
            to[i] = character;
        }

        return text.Length;
    }

    private static void WriteEscape<TOutput>(byte character, TOutput output)
        where TOutput : IBufferWriter<byte>
    {
        switch (character)
        {
            case (byte)'"': output.Write("\\\""u8); break;
            case (byte)'\\': output.Write("\\\\"u8); break;
            case (byte)'\n': output.Write("\\n"u8); break;
            case (byte)'\r': output.Write("\\r"u8); break;
            case (byte)'\t': output.Write("\\t"u8); break;
            case (byte)'\b': output.Write("\\b"u8); break;
            case (byte)'\f': output.Write("\\f"u8); break;
            default:
                output.Write("\\u00"u8);
                output.Write([HexDigit(character >> 4), HexDigit(character & 15)]);
                break;
        }
    }

    private static byte HexDigit(int value) => (byte)(value < 10 ? '0' + value : 'a' + value - 10);
}
