using System.Buffers;
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
        // Most text needs no escaping, and is copied in one go.
        if (text.IndexOfAny(MustEscape) < 0)
        {
            var quoted = output.GetSpan(text.Length + 2);
            quoted[0] = (byte)'"';
            text.CopyTo(quoted[1..]);
            quoted[text.Length + 1] = (byte)'"';
            output.Advance(text.Length + 2);
            return;
        }

        output.Write("\""u8);
        WriteEscaped(text, output);
        output.Write("\""u8);
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
