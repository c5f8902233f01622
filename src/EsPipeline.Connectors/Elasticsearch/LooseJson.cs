namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Documents that are no strict JSON, as the servers take and keep them: with comments between their tokens or behind them, or with a byte order mark
/// before them. None of that is data.
/// </summary>
internal static class LooseJson
{
    private static ReadOnlySpan<byte> ByteOrderMark => "\uFEFF"u8;

    /// <summary>Puts blanks in the place of whatever is not JSON in the value that begins at <paramref name="at"/>, and up to what follows it in its object.</summary>
    public static void Tighten(Span<byte> text, int at)
    {
        for (var depth = 0; at < text.Length;)
        {
            switch (text[at])
            {
                case (byte)'"':
                    at = JsonSpan.EndOfString(text, at + 1, out _) + 1;
                    if (at == 0) return;
                    continue;
                case (byte)'/' when LengthOfComment(text[at..]) is > 0 and var length:
                    text.Slice(at, length).Fill((byte)' ');
                    at += length;
                    continue;
                case 0xEF when text[at..].StartsWith(ByteOrderMark):
                    text.Slice(at, ByteOrderMark.Length).Fill((byte)' ');
                    break;
                case (byte)'{' or (byte)'[':
                    depth++;
                    break;
                case (byte)'}' or (byte)']' or (byte)',' when depth == 0:
                    return;
                case (byte)'}' or (byte)']':
                    depth--;
                    break;
            }

            at++;
        }
    }

    // 0 where it is none, or has no end.
    private static int LengthOfComment(ReadOnlySpan<byte> text)
    {
        if (text.StartsWith("//"u8)) return text.IndexOfAny((byte)'\n', (byte)'\r') is > 0 and var line ? line : 0;
        return text.StartsWith("/*"u8) && text[2..].IndexOf("*/"u8) is >= 0 and var end ? end + 4 : 0;
    }
}
