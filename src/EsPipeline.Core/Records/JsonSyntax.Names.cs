using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Core.Records;

/// <content>Members of an object that have one name, of which most systems keep the last one without a word.</content>
public static partial class JsonSyntax
{
    // Of the objects that are open at once. Documents beyond that are left to the reader.
    private const int MostNames = 256;
    private const int BlockBytes = 32;

    /// <summary>A name that an object within a document has twice; null where there is none.</summary>
    /// <param name="json">Valid JSON; of what is not, it may say anything.</param>
    [SkipLocalsInit]
    public static string? NameTwice(ReadOnlySpan<byte> json)
    {
        Span<byte> tags = stackalloc byte[MostNames + BlockBytes];
        Span<(int Start, int End)> names = stackalloc (int, int)[MostNames];
        return FindTwice(json, tags, names) switch
        {
            (0, 0) => null,
            (var start, > 0 and var end) => Encoding.UTF8.GetString(json[start..end]),
            _ => ReadTwice(json),
        };
    }

    // Where a name stands for the second time; an end of 0 for nowhere, and one below that where that is not to be found out here.
    [SkipLocalsInit]
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private static (int Start, int End) FindTwice(ReadOnlySpan<byte> json, Span<byte> tags, Span<(int Start, int End)> names)
    {
        var unclear = (0, -1);
        Span<byte> rest = stackalloc byte[BlockBytes];
        Span<byte> firsts = stackalloc byte[MostDepth];
        var (depth, first, count) = (0, 0, 0);

        // Of the block before: whether it ended in a string, and with a backslash that escapes; and the last two quotes so far.
        var (inString, escapes, hasEscapes) = (0u, 0u, false);
        var (open, close) = (0, 0);
        for (var at = 0; at < json.Length; at += BlockBytes)
        {
            if (json.Length - at < BlockBytes)
            {
                rest.Fill((byte)' ');
                json[at..].CopyTo(rest);
            }

            var block = Vector256.LoadUnsafe(ref MemoryMarshal.GetReference(json.Length - at < BlockBytes ? rest : json[at..]));
            var quotes = Vector256.Equals(block, Vector256.Create((byte)'"')).ExtractMostSignificantBits();
            var backslashes = Vector256.Equals(block, Vector256.Create((byte)'\\')).ExtractMostSignificantBits();
            if ((backslashes | escapes) != 0)
            {
                hasEscapes = true;
                quotes &= ~Escaped(backslashes, ref escapes);
            }

            // Set from each quote that opens a string to before the one that closes it.
            var strings = quotes ^ (quotes << 1);
            strings ^= strings << 2;
            strings ^= strings << 4;
            strings ^= strings << 8;
            strings ^= strings << 16;
            strings ^= inString;
            inString = (uint)((int)strings >> 31);

            var marks = ~strings & (Vector256.Equals(block, Vector256.Create((byte)':')) | Vector256.Equals(block, Vector256.Create((byte)'{'))
                | Vector256.Equals(block, Vector256.Create((byte)'}'))).ExtractMostSignificantBits();
            for (; marks != 0; marks &= marks - 1)
            {
                var place = BitOperations.TrailingZeroCount(marks);
                var mark = json[at + place];
                if (mark == (byte)'{')
                {
                    if (depth == MostDepth) return unclear;
                    firsts[depth++] = (byte)first;
                    first = count;
                    if (count == MostNames) return unclear;
                    continue;
                }

                if (mark == (byte)'}')
                {
                    if (depth == 0) return unclear;
                    (count, first) = (first, firsts[--depth]);
                    continue;
                }

                // The name is what stands between the last two quotes.
                var before = quotes & ((1u << place) - 1);
                var (start, end) = (open, close);
                if (before != 0)
                {
                    end = at + 31 - BitOperations.LeadingZeroCount(before);
                    before &= ~(1u << (end - at));
                    start = 1 + (before != 0 ? at + 31 - BitOperations.LeadingZeroCount(before) : close);
                }
                else
                {
                    start++;
                }

                if (count == MostNames || end < start || (hasEscapes && json[start..end].Contains((byte)'\\'))) return unclear;
                var tag = TagOf(json, start, end);
                for (var from = first; from < count; from += BlockBytes)
                {
                    var alike = Vector256.Equals(Vector256.LoadUnsafe(ref tags[from]), Vector256.Create(tag)).ExtractMostSignificantBits();
                    if (count - from < BlockBytes) alike &= (1u << (count - from)) - 1;
                    for (; alike != 0; alike &= alike - 1)
                    {
                        var (otherStart, otherEnd) = names[from + BitOperations.TrailingZeroCount(alike)];
                        if (json[otherStart..otherEnd].SequenceEqual(json[start..end])) return (start, end);
                    }
                }

                (tags[count], names[count]) = (tag, (start, end));
                count++;
            }

            if (quotes == 0) continue;
            var last = BitOperations.Log2(quotes);
            var others = quotes & ~(1u << last);
            (open, close) = (others != 0 ? at + BitOperations.Log2(others) : close, at + last);
        }

        return (0, 0);
    }

    // What follows a backslash that is not escaped itself.
    private static uint Escaped(uint backslashes, ref uint escapes)
    {
        var escaped = escapes;
        backslashes &= ~escaped;
        escapes = 0;
        while (backslashes != 0)
        {
            var backslash = backslashes & (0 - backslashes);
            escaped |= backslash << 1;
            escapes = backslash >> 31;
            backslashes &= ~(backslash | (backslash << 1));
        }

        return escaped;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static byte TagOf(ReadOnlySpan<byte> json, int start, int end)
    {
        var length = end - start;
        return length == 0 ? (byte)0 : (byte)((json[start] * 31) + (json[start + (length / 2)] * 17) + (json[end - 1] * 7) + (length * 131));
    }

    // What there may be of escapes, names and depth.
    private static string? ReadTwice(ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json, new JsonReaderOptions { MaxDepth = int.MaxValue });
        var objects = new Stack<HashSet<string>>();
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.StartObject) objects.Push([]);
                else if (reader.TokenType == JsonTokenType.EndObject) objects.Pop();
                else if (reader.TokenType == JsonTokenType.PropertyName && !objects.Peek().Add(DocumentJson.TextOf(ref reader) ?? Encoding.UTF8.GetString(reader.ValueSpan)))
                {
                    return DocumentJson.TextOf(ref reader) ?? Encoding.UTF8.GetString(reader.ValueSpan);
                }
            }
        }
        catch (JsonException)
        {
            // It is no JSON, which whoever is given it says.
        }

        return null;
    }
}
