using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using EsPipeline.Core.Records;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Files;

/// <summary>Turns the rows of one CSV file into documents.</summary>
/// <param name="options">How.</param>
/// <param name="name">The file's name, for keys made of it and a line's number.</param>
/// <param name="path">The file's whole name, for errors.</param>
/// <param name="log">Where it goes what has to be said about the file as a whole.</param>
/// <param name="headers">What the headers of the other files are; null for a file that is read for itself.</param>
internal sealed class CsvParser(CsvOptions options, string name, string path, ILogger log, CsvHeaders? headers = null) : IRecordParser
{
    private static readonly SearchValues<byte> DigitsAndPoint = SearchValues.Create("0123456789."u8);

    private readonly CsvRow _row = new(options.DelimiterByte);
    private byte[][] _prefixes = [];
    private int _prefixBytes;
    private int _idColumn = -1;
    private int _contentColumn = -1;
    private long _brokenContents;
    private long _firstBrokenContent;
    private long _besideContents;
    private long _firstBesideContent;

    /// <summary>The columns' names.</summary>
    public IReadOnlyList<string> Columns { get; private set; } = [];

    public int ReadHeader(ReadOnlySpan<byte> padded, bool atEnd, out int lines)
    {
        lines = 0;
        var data = padded[..^ChunkReader.Padding];
        var mark = data.StartsWith("\uFEFF"u8) ? 3 : 0;
        if (data.Length == mark) return atEnd ? mark : -1;
        var status = _row.Find(padded[mark..], atEnd);
        if (status == CsvRowStatus.NeedsMore) return -1;
        if (status != CsvRowStatus.Whole) throw FilesErrors.Unreadable.Error($"The header of {path} can't be read: a double quote in it is not closed, or text follows it.");
        var names = new string[_row.Count];
        for (var i = 0; i < names.Length; i++)
        {
            var value = Unquoted(i, data[mark..]);
            if (!Utf8.IsValid(value)) throw FilesErrors.Unreadable.Error($"The header of {path} is not UTF-8.", FilesErrors.NotUtf8.Remedy);
            names[i] = options.NoHeader ? $"column_{i + 1}" : Encoding.UTF8.GetString(value);
        }

        Use(names);
        if (options.NoHeader) return mark;
        lines = _row.Lines;
        return mark + _row.Length;
    }

    public int ReadRecord(ReadOnlySpan<byte> padded, bool atEnd, long line, RecordBatchBuilder output, out int lines)
    {
        lines = 0;
        var status = _row.Find(padded, atEnd);
        if (status == CsvRowStatus.NeedsMore) return 0;
        var data = padded[..^ChunkReader.Padding];
        if (status != CsvRowStatus.Whole) return BrokenQuote(status, data, line, output, out lines);
        lines = _row.Lines;
        var bytes = data[.._row.Length];
        if (TrimLineEnd(bytes).IsEmpty) return _row.Length;
        if (_row.Count != _prefixes.Length)
        {
            var key = _idColumn >= 0 && _idColumn < _row.Count ? Unquoted(_idColumn, data) : default;
            output.AddMalformed(line, key, TrimLineEnd(bytes), FilesErrors.FieldCount, $"The row has {_row.Count} values, the header {_prefixes.Length} columns.");
        }
        else if (_row.HasNonAscii && !Utf8.IsValid(bytes))
        {
            output.AddMalformed(line, default, TrimLineEnd(bytes), FilesErrors.NotUtf8, "The row holds bytes that are not UTF-8.");
        }
        else
        {
            Convert(data, bytes, line, output);
        }

        return _row.Length;
    }

    public int GiveUp(ReadOnlySpan<byte> window, long line, RecordBatchBuilder output)
    {
        var length = LineLength(window);
        if (length > 0) BrokenQuote(CsvRowStatus.Unclosed, window, line, output, out _);
        return length;
    }

    public int LineLength(ReadOnlySpan<byte> window) => FirstLine(window) is var length and > 0 && window[length - 1] is (byte)'\n' or (byte)'\r' ? length : 0;

    public void Finish()
    {
        if (_brokenContents > 0) Log.BrokenContents(log, _brokenContents, options.ContentColumn, name, _firstBrokenContent);
        if (_besideContents > 0) Log.ValuesBesideContent(log, _besideContents, options.ContentColumn, name, _firstBesideContent, options.ContentOption);
    }

    // Only the line on which it begins is set aside: the lines after it may well be whole rows.
    private static int BrokenQuote(CsvRowStatus status, ReadOnlySpan<byte> data, long line, RecordBatchBuilder output, out int lines)
    {
        var length = FirstLine(data);
        lines = 1;
        var reason = status == CsvRowStatus.Unclosed ? "A double quote that opens on this line is never closed." : "Text follows the closing double quote of a value.";
        output.AddMalformed(line, default, TrimLineEnd(data[..length]), FilesErrors.Quote, reason);
        return length;
    }

    private static int FirstLine(ReadOnlySpan<byte> data)
    {
        var end = data.IndexOfAny((byte)'\n', (byte)'\r');
        if (end < 0) return data.Length;
        return data[end] == '\r' && end + 1 < data.Length && data[end + 1] == '\n' ? end + 2 : end + 1;
    }

    private static ReadOnlySpan<byte> TrimLineEnd(ReadOnlySpan<byte> line) => line.TrimEnd("\r\n"u8);

    private void Use(string[] names)
    {
        Columns = names;
        headers?.Check(path, names);
        if (names.GroupBy(n => n, StringComparer.Ordinal).FirstOrDefault(g => g.Count() > 1) is { } twice)
        {
            throw FilesErrors.DuplicateColumn.Error($"{path} has two columns named '{twice.Key}'.");
        }

        _idColumn = options.IdColumn == "@line" ? -1
            : options.NoHeader && options.IdColumn == "id" ? 0
            : Array.IndexOf(names, options.IdColumn);
        if (_idColumn < 0 && options.IdColumn != "@line")
        {
            throw FilesErrors.NoColumn.Error(
                $"{path} has no column '{options.IdColumn}'; its columns are {string.Join(", ", names.Take(20))}{(names.Length > 20 ? ", …" : "")}.",
                $"Name the column with {options.IdOption}, or use {options.IdOption} @line for keys from line numbers; where that line is a row, say {options.NoHeaderOption}.");
        }

        _contentColumn = Array.IndexOf(names, options.ContentColumn);
        _prefixes = [.. names.Select((name, i) => (byte[])[.. i == 0 ? "{"u8 : ","u8, .. QuotedName(name), (byte)':'])];
        _prefixBytes = _prefixes.Sum(p => p.Length + 2) + 1;
    }

    private static byte[] QuotedName(string name) =>
        [(byte)'"', .. JsonEncodedText.Encode(name, System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping).EncodedUtf8Bytes, (byte)'"'];

    private void Convert(ReadOnlySpan<byte> data, ReadOnlySpan<byte> bytes, long line, RecordBatchBuilder output)
    {
        if (_idColumn >= 0)
        {
            var key = Unquoted(_idColumn, data);
            if (key.IsEmpty)
            {
                output.AddMalformed(line, default, TrimLineEnd(bytes), FilesErrors.NoKey, $"Its '{Columns[_idColumn]}' is empty.");
                return;
            }

            output.Write(key);
        }
        else
        {
            output.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{name}:{line}")));
        }

        output.EndKey();
        if (_contentColumn < 0 || !WriteContent(data, line, output))
        {
            if (options.Types == CsvTypes.Text && !_row.NeedsEscapes) WritePlainRow(data, bytes.Length, output);
            else WriteRow(data, output);
        }

        output.EndRecord(RecordOperation.Upsert, 0, line);
    }

    // Values that need no change are copied between the names: the way of nearly every row.
    private void WritePlainRow(ReadOnlySpan<byte> data, int length, RecordBatchBuilder output)
    {
        var space = output.GetSpan(_prefixBytes + length);
        var at = 0;
        for (var i = 0; i < _prefixes.Length; i++)
        {
            var prefix = _prefixes[i];
            prefix.CopyTo(space[at..]);
            at += prefix.Length;
            space[at++] = (byte)'"';
            var value = _row[i, data];
            value.CopyTo(space[at..]);
            at += value.Length;
            space[at++] = (byte)'"';
        }

        space[at++] = (byte)'}';
        output.Advance(at);
    }

    private void WriteRow(ReadOnlySpan<byte> data, RecordBatchBuilder output)
    {
        for (var i = 0; i < _prefixes.Length; i++)
        {
            output.Write(_prefixes[i]);
            var value = Unquoted(i, data);
            if (options.Types == CsvTypes.Infer && IsUnmistakable(value)) output.Write(value.IsEmpty ? "null"u8 : value);
            else JsonText.WriteString(value, output);
        }

        output.Write("}"u8);
    }

    private bool WriteContent(ReadOnlySpan<byte> data, long line, RecordBatchBuilder output)
    {
        var value = Unquoted(_contentColumn, data).Trim(" \t\r\n"u8);
        if (value.IsEmpty || value[0] != '{') return false;
        try
        {
            JsonSyntax.CheckObject(value);
            output.Write(value);
            if (_prefixes.Length > 2 && HasValueBesideContent(data) && _besideContents++ == 0) _firstBesideContent = line;
            return true;
        }
        catch (JsonException)
        {
            if (_brokenContents++ == 0) _firstBrokenContent = line;
            return false;
        }
    }

    private bool HasValueBesideContent(ReadOnlySpan<byte> data)
    {
        for (var i = 0; i < _prefixes.Length; i++)
        {
            if (i != _contentColumn && i != _idColumn && !_row[i, data].IsEmpty) return true;
        }

        return false;
    }

    private ReadOnlySpan<byte> Unquoted(int index, ReadOnlySpan<byte> data)
    {
        var value = _row[index, data];
        if (!_row.HasDoubledQuotes(index)) return value;
        var text = new byte[value.Length];
        var length = 0;
        for (var i = 0; i < value.Length; i++)
        {
            text[length++] = value[i];
            if (value[i] == '"') i++;
        }

        return text.AsSpan(0, length);
    }

    // Empty, true, false, or a JSON number whose text a double or a long gives back: 007, 1e5 and +1 may be codes and stay texts.
    private static bool IsUnmistakable(ReadOnlySpan<byte> value)
    {
        if (value.IsEmpty || value.SequenceEqual("true"u8) || value.SequenceEqual("false"u8)) return true;
        var digits = value[0] == '-' ? value[1..] : value;
        if (digits.IsEmpty || !char.IsAsciiDigit((char)digits[0]) || (digits.Length > 1 && digits[0] == '0' && digits[1] != '.')) return false;
        var point = digits.IndexOf((byte)'.');
        if (digits.ContainsAnyExcept(DigitsAndPoint)) return false;
        return point < 0
            ? digits.Length <= 19 && Utf8Parser.TryParse(value, out long _, out var used) && used == value.Length
            : point == digits.LastIndexOf((byte)'.') && point < digits.Length - 1 && digits.Length <= 16;
    }
}
