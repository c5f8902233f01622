using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Connectors.Firestore;

/// <summary>Reads the inside of JSON strings as UTF-8, of which half a surrogate pair is no part.</summary>
internal static class JsonStrings
{
    /// <summary>Writes a string without its escapes. The text of half a surrogate pair becomes U+FFFD.</summary>
    /// <param name="escaped">The inside of a valid JSON string.</param>
    /// <param name="text">At least as long.</param>
    /// <param name="repaired">True where there was half a pair.</param>
    /// <returns>How many bytes of <paramref name="text"/> it has.</returns>
    public static int Unescape(ReadOnlySpan<byte> escaped, Span<byte> text, out bool repaired)
    {
        repaired = false;
        var length = 0;
        while (true)
        {
            var plain = escaped.IndexOf((byte)'\\');
            var run = plain < 0 ? escaped : escaped[..plain];
            run.CopyTo(text[length..]);
            length += run.Length;
            if (plain < 0) return length;
            escaped = escaped[(plain + 1)..];
            if (escaped[0] != 'u')
            {
                text[length++] = Single(escaped[0]);
                escaped = escaped[1..];
                continue;
            }

            var first = Hex(escaped[1..5]);
            escaped = escaped[5..];
            Rune rune;
            if (char.IsHighSurrogate(first) && escaped.StartsWith("\\u"u8) && Hex(escaped[2..6]) is var second && char.IsLowSurrogate(second))
            {
                rune = new Rune(first, second);
                escaped = escaped[6..];
            }
            else if (!Rune.TryCreate(first, out rune))
            {
                rune = Rune.ReplacementChar;
                repaired = true;
            }

            length += rune.EncodeToUtf8(text[length..]);
        }
    }

    private static byte Single(byte letter) => letter switch
    {
        (byte)'n' => (byte)'\n',
        (byte)'t' => (byte)'\t',
        (byte)'r' => (byte)'\r',
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        (byte)'"' or (byte)'\\' or (byte)'/' => letter,
        _ => throw new JsonException($"'\\{(char)letter}' is not an escape"),
    };

    private static char Hex(ReadOnlySpan<byte> digits)
    {
        if (!Utf8Parser.TryParse(digits, out ushort value, out var used, 'x') || used != 4) throw new JsonException("'\\u' is not followed by four hexadecimal digits");
        return (char)value;
    }
}
