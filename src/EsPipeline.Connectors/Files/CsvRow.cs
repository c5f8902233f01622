using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace EsPipeline.Connectors.Files;

/// <summary>How looking for a row ended.</summary>
internal enum CsvRowStatus
{
    /// <summary>A whole row was found.</summary>
    Whole,

    /// <summary>The row goes on behind the bytes that there are.</summary>
    NeedsMore,

    /// <summary>A quote is not closed before the file ends.</summary>
    Unclosed,

    /// <summary>Text follows a closing quote.</summary>
    TextAfterQuote,
}

/// <summary>
/// Finds the values of one CSV row (RFC 4180; a row also ends at a lone CR or LF). Rows without quotes, the most by far, are found 64 bytes
/// at a time by comparing vectors; others value by value.
/// </summary>
internal sealed class CsvRow(byte delimiter)
{
    private int[] _starts = new int[32];
    private int[] _ends = new int[32];
    private bool[] _doubled = new bool[32];

    /// <summary>The number of values.</summary>
    public int Count { get; private set; }

    /// <summary>The row's bytes with the line's end.</summary>
    public int Length { get; private set; }

    /// <summary>How many lines the row has.</summary>
    public int Lines { get; private set; }

    /// <summary>True where some byte has to be escaped in JSON: a backslash, a quote or a control character.</summary>
    public bool NeedsEscapes { get; private set; }

    /// <summary>True where some byte is not ASCII.</summary>
    public bool HasNonAscii { get; private set; }

    /// <summary>A value's bytes, without its quotes.</summary>
    public ReadOnlySpan<byte> this[int index, ReadOnlySpan<byte> data] => data[_starts[index].._ends[index]];

    /// <summary>True where doubled quotes in the value stand for one each.</summary>
    public bool HasDoubledQuotes(int index) => _doubled[index];

    /// <summary>Finds the row that begins with the first byte.</summary>
    /// <param name="padded">The bytes, followed by <see cref="ChunkReader.Padding"/> meaningless ones.</param>
    /// <param name="atEnd">True when no more bytes follow.</param>
    public CsvRowStatus Find(ReadOnlySpan<byte> padded, bool atEnd)
    {
        Count = 0;
        Lines = 1;
        var length = padded.Length - ChunkReader.Padding;
        ref var first = ref MemoryMarshal.GetReference(padded);
        var delimiters = Vector256.Create(delimiter);
        var valueStart = 0;
        ulong awkward = 0, nonAscii = 0;
        for (var block = 0; block < length; block += 64)
        {
            var low = Vector256.LoadUnsafe(ref first, (nuint)block);
            var high = Vector256.LoadUnsafe(ref first, (nuint)block + 32);
            var ends = Bits(Vector256.Equals(low, delimiters), Vector256.Equals(high, delimiters));
            var controls = Bits(Vector256.LessThan(low, Vector256.Create((byte)' ')), Vector256.LessThan(high, Vector256.Create((byte)' ')));
            var quotes = Bits(Vector256.Equals(low, Vector256.Create((byte)'"')), Vector256.Equals(high, Vector256.Create((byte)'"')));
            var backslashes = Bits(Vector256.Equals(low, Vector256.Create((byte)'\\')), Vector256.Equals(high, Vector256.Create((byte)'\\')));
            var highBits = low.ExtractMostSignificantBits() | ((ulong)high.ExtractMostSignificantBits() << 32);

            // A quote means something at a value's start only; elsewhere it is a character that JSON wants escaped.
            var stops = ends | controls | quotes;
            while (stops != 0)
            {
                var bit = BitOperations.TrailingZeroCount(stops);
                stops &= stops - 1;
                var at = block + bit;
                if (at >= length) break;
                var c = Unsafe.Add(ref first, at);
                if (c == delimiter)
                {
                    Add(valueStart, at, false);
                    valueStart = at + 1;
                }
                else if (c is (byte)'\n' or (byte)'\r')
                {
                    if (c == '\r' && at + 1 == length && !atEnd) return CsvRowStatus.NeedsMore;
                    var before = (1UL << bit) - 1;
                    NeedsEscapes = (awkward | ((controls | quotes | backslashes) & before & ~ends)) != 0;
                    HasNonAscii = (nonAscii | (highBits & before)) != 0;
                    Add(valueStart, at, false);
                    Length = at + (c == '\r' && at + 1 < length && Unsafe.Add(ref first, at + 1) == '\n' ? 2 : 1);
                    return CsvRowStatus.Whole;
                }
                else if (c == '"' && at == valueStart)
                {
                    return FindQuoted(padded[..length], valueStart, atEnd);
                }
            }

            var valid = length - block >= 64 ? ulong.MaxValue : (1UL << (length - block)) - 1;
            awkward |= (controls | quotes | backslashes) & ~ends & valid;
            nonAscii |= highBits & valid;
        }

        if (!atEnd) return CsvRowStatus.NeedsMore;
        (NeedsEscapes, HasNonAscii, Length) = (awkward != 0, nonAscii != 0, length);
        Add(valueStart, length, false);
        return CsvRowStatus.Whole;
    }

    private static ulong Bits(Vector256<byte> low, Vector256<byte> high) =>
        low.ExtractMostSignificantBits() | ((ulong)high.ExtractMostSignificantBits() << 32);

    // From the first quoted value on, value by value.
    private CsvRowStatus FindQuoted(ReadOnlySpan<byte> data, int valueStart, bool atEnd)
    {
        NeedsEscapes = HasNonAscii = true;
        while (true)
        {
            int next;
            if (valueStart < data.Length && data[valueStart] == '"')
            {
                var status = FindClosingQuote(data, valueStart + 1, atEnd, out var close, out var doubled);
                if (status != CsvRowStatus.Whole) return status;
                next = close + 1;
                if (next < data.Length && data[next] != delimiter && data[next] is not ((byte)'\r' or (byte)'\n')) return CsvRowStatus.TextAfterQuote;
                Add(valueStart + 1, close, doubled);
            }
            else
            {
                var end = data[valueStart..].IndexOfAny(delimiter, (byte)'\r', (byte)'\n');
                if (end < 0 && !atEnd) return CsvRowStatus.NeedsMore;
                next = end < 0 ? data.Length : valueStart + end;
                Add(valueStart, next, false);
            }

            if (next == data.Length || data[next] != delimiter)
            {
                if (next == data.Length) Length = next;
                else if (data[next] == '\n') Length = next + 1;
                else if (next + 1 == data.Length && !atEnd) return CsvRowStatus.NeedsMore;
                else Length = next + (next + 1 < data.Length && data[next + 1] == '\n' ? 2 : 1);
                return CsvRowStatus.Whole;
            }

            valueStart = next + 1;
        }
    }

    private CsvRowStatus FindClosingQuote(ReadOnlySpan<byte> data, int from, bool atEnd, out int close, out bool doubled)
    {
        doubled = false;
        for (close = from; ; close += 2)
        {
            var quote = data[close..].IndexOf((byte)'"');
            if (quote < 0) return atEnd ? CsvRowStatus.Unclosed : CsvRowStatus.NeedsMore;
            close += quote;
            if (close + 1 == data.Length && !atEnd) return CsvRowStatus.NeedsMore;
            if (close + 1 == data.Length || data[close + 1] != '"') break;
            doubled = true;
        }

        Lines += LineBreaks(data[from..close]);
        return CsvRowStatus.Whole;
    }

    // CRLF counts once, a lone CR or LF each.
    private static int LineBreaks(ReadOnlySpan<byte> value)
    {
        var count = value.Count((byte)'\n');
        for (var at = value.IndexOf((byte)'\r'); at >= 0;)
        {
            if (at + 1 == value.Length || value[at + 1] != '\n') count++;
            var next = value[(at + 1)..].IndexOf((byte)'\r');
            at = next < 0 ? -1 : at + 1 + next;
        }

        return count;
    }

    private void Add(int start, int end, bool doubled)
    {
        if (Count == _starts.Length)
        {
            Array.Resize(ref _starts, Count * 2);
            Array.Resize(ref _ends, Count * 2);
            Array.Resize(ref _doubled, Count * 2);
        }

        (_starts[Count], _ends[Count], _doubled[Count]) = (start, end, doubled);
        Count++;
    }
}
