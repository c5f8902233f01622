using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Turns rows into records. The select list begins with the columns of the key, then the document's column or all columns, then what
/// reading goes on from where that is something else than the key's values.
/// </summary>
internal sealed class RowReader
{
    private readonly IReadOnlyList<RowColumn> _key;
    private readonly IReadOnlyList<RowColumn> _fields;
    private readonly byte[][] _names;
    private readonly bool _isDocument;
    private readonly bool _holdsJson;
    private readonly int[] _ordering;
    private readonly ArrayBufferWriter<byte> _part = new();

    /// <param name="key">The columns of the key.</param>
    /// <param name="content">The column with the document; null where each of <paramref name="columns"/> is a field.</param>
    /// <param name="columns">All columns.</param>
    public RowReader(IReadOnlyList<RowColumn> key, RowColumn? content, IReadOnlyList<RowColumn> columns)
    {
        // The key of a document is text, though its column may hold bytes; elsewhere bytes are base64.
        _isDocument = content is not null;
        _key = _isDocument ? [.. key.Select(k => k.Kind == ColumnKind.Bytes ? k with { Kind = ColumnKind.Text } : k)] : key;
        _fields = content is not null ? [content] : columns;
        _holdsJson = _isDocument || _fields.Any(f => f.Kind == ColumnKind.Json);
        _names = [.. _fields.Select((f, i) => NameOf(f.Name, isFirst: i == 0))];
        var selected = key.Concat(_fields).Select(c => c.Selected).ToList();
        _ordering = new int[key.Count];
        for (var i = 0; i < key.Count; i++)
        {
            if (key[i].Ordering == key[i].Selected)
            {
                _ordering[i] = i;
                continue;
            }

            _ordering[i] = selected.Count;
            selected.Add(key[i].Ordering);
        }

        SelectedColumns = selected.Count;
        SelectList = string.Join(',', selected);
    }

    /// <summary>What to select.</summary>
    public string SelectList { get; }

    /// <summary>How many values that is; more may follow in the select list.</summary>
    public int SelectedColumns { get; }

    /// <summary>Which of them say where to go on after a row, one for each column of the key, as the server compares them.</summary>
    public IReadOnlyList<int> OrderingColumns => _ordering;

    /// <summary>Writes the key of the current row.</summary>
    public void WriteKey(MySqlResult row, IBufferWriter<byte> output)
    {
        if (_key.Count == 1)
        {
            RowValue.WriteText(_key[0].Kind, row[0], output);
            return;
        }

        for (var i = 0; i < _key.Count; i++)
        {
            if (i > 0) output.Write(","u8);
            _part.ResetWrittenCount();
            RowValue.WriteText(_key[i].Kind, row[i], _part);
            WriteKeyPart(_part.WrittenSpan, output);
        }
    }

    /// <summary>Appends the current row: a record, or what could not be read as one.</summary>
    /// <param name="row">The row.</param>
    /// <param name="place">Its number.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="wants">Asked when key and document are written; false leaves the record out. Null to take all.</param>
    public void Append(MySqlResult row, long place, RecordBatchBuilder output, Func<RecordBatchBuilder, bool>? wants = null)
    {
        WriteKey(row, output);
        output.EndKey();
        var hasKey = HasKey(row);
        var keyLength = output.Current.Length;
        if (_isDocument) output.Write(row[_key.Count]);
        else WriteFields(row, output);
        var record = output.Current;
        var found = hasKey ? Problem(record[..keyLength], record[keyLength..]) : new Misfit(TableErrors.EmptyKey, "A part of the row's key is NULL.");
        if (found is not { } problem)
        {
            if (wants?.Invoke(output) == false) output.DropRecord();
            else output.EndRecord(RecordOperation.Upsert, 0, place);
            return;
        }

        var (key, raw) = (record[..keyLength].ToArray(), record[keyLength..].ToArray());
        output.DropRecord();
        output.AddMalformed(place, Utf8.IsValid(key) ? key : default, raw, problem.Error, problem.Reason);
    }

    // NULL and an empty text would be one key.
    private bool HasKey(MySqlResult row)
    {
        for (var i = 0; i < _key.Count; i++)
        {
            if (row.IsNull(i)) return false;
        }

        return true;
    }

    private void WriteFields(MySqlResult row, RecordBatchBuilder output)
    {
        for (var i = 0; i < _fields.Count; i++)
        {
            output.Write(_names[i]);
            if (row.IsNull(_key.Count + i)) output.Write("null"u8);
            else RowValue.WriteJson(_fields[i].Kind, row[_key.Count + i], output);
        }

        output.Write("}"u8);
    }

    private Misfit? Problem(ReadOnlySpan<byte> key, ReadOnlySpan<byte> json)
    {
        if (key.IsEmpty) return new Misfit(TableErrors.EmptyKey, "The row's key is empty.");
        if (!Utf8.IsValid(key) || !Utf8.IsValid(json)) return new Misfit(TableErrors.NotUtf8, "The row holds text that is not UTF-8.");
        if (!_holdsJson) return null;
        try
        {
            JsonSyntax.CheckObject(json);
            return null;
        }
        catch (JsonException e)
        {
            return new Misfit(TableErrors.NotADocument, $"The row's content is not one whole JSON object: {e.Message}");
        }
    }

    private static byte[] NameOf(string name, bool isFirst)
    {
        using var text = new RecordBatchBuilder(256);
        text.Write(isFirst ? "{"u8 : ","u8);
        JsonText.WriteString(Encoding.UTF8.GetBytes(name), text);
        text.Write(":"u8);
        return text.Current.ToArray();
    }

    // A comma divides the parts, so one within a part, and the percent sign that stands for it, are encoded.
    private static void WriteKeyPart(ReadOnlySpan<byte> part, IBufferWriter<byte> output)
    {
        for (int at; (at = part.IndexOfAny((byte)'%', (byte)',')) >= 0; part = part[(at + 1)..])
        {
            output.Write(part[..at]);
            output.Write(part[at] == (byte)'%' ? "%25"u8 : "%2C"u8);
        }

        output.Write(part);
    }
}
