using System.Buffers;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Connectors.Files;

/// <summary>The columns of a CSV output, and how a document becomes a row of them.</summary>
internal sealed class CsvColumns
{
    private static readonly SearchValues<byte> NeedsQuotes = SearchValues.Create(",\"\r\n"u8);

    private readonly Dictionary<byte[], int> _index = new(KeyComparer.Instance);
    private readonly bool _safe;
    private readonly int _idColumn;
    private readonly (int Start, int Length, bool IsText, bool IsSet)[] _cells;
    private readonly ArrayBufferWriter<byte> _texts = new();

    /// <param name="names">The columns in order.</param>
    /// <param name="safe">Put a single quote before texts that look like formulas.</param>
    public CsvColumns(IReadOnlyList<string> names, bool safe)
    {
        Names = names;
        _safe = safe;
        for (var i = 0; i < names.Count; i++) _index[Encoding.UTF8.GetBytes(names[i])] = i;
        _idColumn = _index.GetValueOrDefault("id"u8.ToArray(), -1);
        _cells = new (int, int, bool, bool)[names.Count];
    }

    /// <summary>The columns' names in order.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>True where the document of the last row has an <c>id</c> of its own that is not its key: the row holds one of the two.</summary>
    public bool HadOtherId { get; private set; }

    /// <summary>The fields of documents in the order in which they first appear, <c>id</c> before them where none has it.</summary>
    public static IReadOnlyList<string> Of(IEnumerable<ReadOnlyMemory<byte>> documents)
    {
        var names = new List<string>();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var document in documents)
        {
            var reader = new Utf8JsonReader(document.Span, DocumentJson.ReaderOptions);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (seen.Add(reader.GetString()!)) names.Add(reader.GetString()!);
                reader.Skip();
            }
        }

        if (seen.Add("id")) names.Insert(0, "id");
        return names;
    }

    /// <summary>The place in a document of a name or a text that half a surrogate pair makes no text at all; null for none. Within nested values such a one stays the JSON that it is.</summary>
    public static string? NoTextIn(ReadOnlySpan<byte> json)
    {
        // Only an escape can be half a pair, and few documents have any.
        if (json.IndexOf("\\u"u8) < 0) return null;
        var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            if (DocumentJson.TextOf(ref reader) is not { } name) return "A field's name";
            reader.Read();
            if (reader.TokenType == JsonTokenType.String && DocumentJson.TextOf(ref reader) is null) return $"The text in '{name}'";
            reader.Skip();
        }

        return null;
    }

    /// <summary>A name that a document has twice, in its members' order; null for none.</summary>
    public static string? TwiceIn(ReadOnlySpan<byte> json)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            if (!names.Add(name)) return name;
            reader.Read();
            reader.Skip();
        }

        return null;
    }

    /// <summary>A document whose row would have to hold two values in one cell.</summary>
    public static RecordFailure NamedTwice(string field) =>
        new(0, FilesErrors.NamedTwice, $"It has the field '{field}' twice, and a row has one cell for it.");

    /// <summary>The columns' names that a header of safe cells stands for.</summary>
    public static IReadOnlyList<string> NamesOf(IEnumerable<string> header) => [.. header.Select(h => h is ['\'', var first, ..] && LooksLikeFormula(first) ? h[1..] : h)];

    /// <summary>Writes the first line.</summary>
    public void WriteHeader(RecordBatchBuilder output)
    {
        for (var i = 0; i < Names.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            WriteCell(Encoding.UTF8.GetBytes(Names[i]), isText: true, output);
        }

        output.Write("\n"u8);
    }

    /// <summary>
    /// Writes a row of a document that is all text (<see cref="NoTextIn"/>); the key stands in <c>id</c> where the document has no text or number there.
    /// </summary>
    /// <returns>Null, or why the document can't be a row; then nothing was written.</returns>
    public RecordFailure? WriteRow(ReadOnlySpan<byte> key, ReadOnlySpan<byte> json, RecordBatchBuilder output)
    {
        Array.Clear(_cells);
        _texts.ResetWrittenCount();
        HadOtherId = false;
        var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.ValueIsEscaped ? Encoding.UTF8.GetBytes(reader.GetString()!) : reader.ValueSpan;
            if (!_index.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(name, out var column))
            {
                return new RecordFailure(0, FilesErrors.UnknownColumn, $"It has the field '{reader.GetString()}', for which the file has no column.");
            }

            if (_cells[column].IsSet) return NamedTwice(Names[column]);
            reader.Read();
            SetValue(column, ref reader, json);
        }

        if (_idColumn >= 0) SetKey(key);
        for (var i = 0; i < _cells.Length; i++)
        {
            if (i > 0) output.Write(","u8);
            WriteCell(_texts.WrittenSpan.Slice(_cells[i].Start, _cells[i].Length), _cells[i].IsText, output);
        }

        output.Write("\n"u8);
        return null;
    }

    // What is no text or number is no key to whoever reads the file: the record's own is then the only one that there is.
    private void SetKey(ReadOnlySpan<byte> key)
    {
        var cell = _cells[_idColumn];
        var own = _texts.WrittenSpan.Slice(cell.Start, cell.Length);
        var isKey = cell.IsText || (own.Length > 0 && own[0] is (byte)'-' or (>= (byte)'0' and <= (byte)'9'));
        HadOtherId = cell.IsSet && (cell.IsText || own.Length > 0) && !own.SequenceEqual(key);
        if (!isKey || own.IsEmpty) SetCell(_idColumn, key, isText: true);
    }

    private void SetValue(int column, ref Utf8JsonReader reader, ReadOnlySpan<byte> json)
    {
        if (reader.TokenType == JsonTokenType.String)
        {
            var start = _texts.WrittenCount;
            var length = reader.CopyString(_texts.GetSpan(Math.Max(1, reader.ValueSpan.Length)));
            _texts.Advance(length);
            _cells[column] = (start, length, true, true);
            return;
        }

        var from = (int)reader.TokenStartIndex;
        var isNull = reader.TokenType == JsonTokenType.Null;
        reader.Skip();
        SetCell(column, isNull ? default : json[from..(int)reader.BytesConsumed], isText: false);
    }

    private void SetCell(int column, ReadOnlySpan<byte> value, bool isText)
    {
        _cells[column] = (_texts.WrittenCount, value.Length, isText, true);
        _texts.Write(value);
    }

    private static bool LooksLikeFormula(char first) => first is '=' or '+' or '-' or '@' or '\t' or '\r';

    private void WriteCell(ReadOnlySpan<byte> value, bool isText, RecordBatchBuilder output)
    {
        var guard = _safe && isText && value.Length > 0 && LooksLikeFormula((char)value[0]);
        if (value.IndexOfAny(NeedsQuotes) < 0)
        {
            if (guard) output.Write("'"u8);
            output.Write(value);
            return;
        }

        output.Write(guard ? "\"'"u8 : "\""u8);
        for (int quote; (quote = value.IndexOf((byte)'"')) >= 0; value = value[(quote + 1)..])
        {
            output.Write(value[..(quote + 1)]);
            output.Write("\""u8);
        }

        output.Write(value);
        output.Write("\""u8);
    }
}
