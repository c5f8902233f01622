using System.Globalization;
using System.Text;

namespace EsPipeline.Connectors.Firestore;

/// <summary>What a name stands for; the two kinds are refused different things.</summary>
internal enum NameKind
{
    /// <summary>A document's id.</summary>
    Id,

    /// <summary>A field of a document or of a map in it.</summary>
    Field,
}

/// <summary>
/// Keys and field names as Firestore takes them, and back: <c>Decode(Encode(name)) == name</c> for every name. Most names stay as they are.
/// </summary>
/// <remarks>
/// <list type="bullet">
/// <item>A name of the form <c>__…__</c> is reserved: its first <c>_</c> becomes <c>%5F</c>.</item>
/// <item>In an id <c>/</c> becomes <c>%2F</c>, and the ids <c>.</c> and <c>..</c> become <c>%2E</c> and <c>%2E.</c></item>
/// <item>The empty name becomes <c>%00</c>.</item>
/// <item>A <c>%</c> becomes <c>%25</c> where it would otherwise read as one of these: <c>100%</c> stays, <c>a%2Fb</c> becomes <c>a%252Fb</c>.</item>
/// </list>
/// The rules are those of https://cloud.google.com/firestore/quotas#collections_documents_and_fields.
/// </remarks>
internal static class FirestoreNames
{
    private static ReadOnlySpan<byte> Empty => "%00"u8;

    /// <summary>The most bytes that encoding can make of so many: each may become three, and nothing becomes <c>%00</c>.</summary>
    public static int MaxEncodedLength(int bytes) => Math.Max(3, 3 * bytes);

    /// <summary>True where a name has to be written in another way.</summary>
    public static bool NeedsEncoding(ReadOnlySpan<byte> name, NameKind kind) =>
        name.IsEmpty
        || IsReserved(name)
        || (kind == NameKind.Id && (name.Contains((byte)'/') || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)))
        || (name.Contains((byte)'%') && HasAmbiguousPercent(name));

    /// <summary>Writes a name as Firestore takes it.</summary>
    /// <returns>How many bytes of <paramref name="encoded"/> it has.</returns>
    public static int Encode(ReadOnlySpan<byte> name, NameKind kind, Span<byte> encoded)
    {
        if (name.IsEmpty)
        {
            Empty.CopyTo(encoded);
            return Empty.Length;
        }

        var dots = kind == NameKind.Id && (name.SequenceEqual("."u8) || name.SequenceEqual(".."u8));
        var (first, wholeIsEmpty, length) = (dots || IsReserved(name), name.SequenceEqual(Empty), 0);
        for (var i = 0; i < name.Length; i++)
        {
            var escape = name[i] switch
            {
                (byte)'/' => kind == NameKind.Id,
                (byte)'%' => wholeIsEmpty || IsEscape(name[i..], out _),
                _ => i == 0 && first,
            };
            if (!escape)
            {
                encoded[length++] = name[i];
                continue;
            }

            encoded[length++] = (byte)'%';
            encoded[length++] = HexDigit(name[i] >> 4);
            encoded[length++] = HexDigit(name[i] & 15);
        }

        return length;
    }

    /// <summary>
    /// Writes the name that was encoded. A name that no encoding leads to, such as <c>50%25</c> of another writer,
    /// stays as it is.
    /// </summary>
    /// <param name="encoded">The name as Firestore has it.</param>
    /// <param name="kind">What it stands for.</param>
    /// <param name="name">At least as long as <paramref name="encoded"/>.</param>
    /// <returns>How many bytes of <paramref name="name"/> it has.</returns>
    public static int Decode(ReadOnlySpan<byte> encoded, NameKind kind, Span<byte> name)
    {
        if (encoded.SequenceEqual(Empty)) return 0;
        var length = 0;
        for (var i = 0; i < encoded.Length; i++)
        {
            if (IsEscape(encoded[i..], out var escaped))
            {
                name[length++] = escaped;
                i += 2;
            }
            else
            {
                name[length++] = encoded[i];
            }
        }

        if (length == encoded.Length || IsEncodingOf(name[..length], kind, encoded)) return length;
        encoded.CopyTo(name);
        return encoded.Length;
    }

    /// <summary><see cref="Encode(ReadOnlySpan{byte}, NameKind, Span{byte})"/> for text.</summary>
    public static string Encode(string name, NameKind kind)
    {
        var bytes = Encoding.UTF8.GetBytes(name);
        var encoded = new byte[MaxEncodedLength(bytes.Length)];
        return Encoding.UTF8.GetString(encoded, 0, Encode(bytes, kind, encoded));
    }

    /// <summary><see cref="Decode(ReadOnlySpan{byte}, NameKind, Span{byte})"/> for text.</summary>
    public static string Decode(string encoded, NameKind kind)
    {
        var bytes = Encoding.UTF8.GetBytes(encoded);
        var name = new byte[bytes.Length];
        return Encoding.UTF8.GetString(name, 0, Decode(bytes, kind, name));
    }

    /// <summary>True for what Firestore keeps for itself: <c>__.*__</c>.</summary>
    public static bool IsReserved(ReadOnlySpan<byte> name) => name.Length >= 4 && name.StartsWith("__"u8) && name.EndsWith("__"u8);

    /// <summary>True for what can be a document's id as it is; of the reserved names those with a number, <c>__id5__</c>, are ids.</summary>
    public static bool IsId(ReadOnlySpan<byte> name)
    {
        if (name.IsEmpty || name.Contains((byte)'/') || name.SequenceEqual("."u8) || name.SequenceEqual(".."u8)) return false;
        return !IsReserved(name) || (name.StartsWith("__id"u8) && long.TryParse(name[4..^2], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _));
    }

    private static bool IsEncodingOf(ReadOnlySpan<byte> name, NameKind kind, ReadOnlySpan<byte> encoded)
    {
        var again = new byte[MaxEncodedLength(name.Length)];
        return again.AsSpan(0, Encode(name, kind, again)).SequenceEqual(encoded);
    }

    private static bool HasAmbiguousPercent(ReadOnlySpan<byte> name)
    {
        if (name.SequenceEqual(Empty)) return true;
        for (var at = name.IndexOf((byte)'%'); at >= 0; at = name.IndexOf((byte)'%'))
        {
            if (IsEscape(name[at..], out _)) return true;
            name = name[(at + 1)..];
        }

        return false;
    }

    private static bool IsEscape(ReadOnlySpan<byte> text, out byte escaped)
    {
        escaped = text.Length < 3 || text[0] != '%' ? (byte)0 : (text[1], text[2]) switch
        {
            ((byte)'2', (byte)'5') => (byte)'%',
            ((byte)'2', (byte)'E') => (byte)'.',
            ((byte)'2', (byte)'F') => (byte)'/',
            ((byte)'5', (byte)'F') => (byte)'_',
            _ => (byte)0,
        };
        return escaped != 0;
    }

    private static byte HexDigit(int value) => (byte)(value < 10 ? '0' + value : 'A' + value - 10);
}
