using System.Buffers.Binary;
using System.Runtime.CompilerServices;
using System.Text.Unicode;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Where a row lies: its block, and its number in there (the server's <c>ctid</c>).</summary>
internal readonly record struct RowPlace(uint Block, ushort Offset)
{
    /// <summary>As one number, for <see cref="Record.Place"/>.</summary>
    public long Number => ((long)Block << 16) | Offset;

    /// <inheritdoc/>
    public override string ToString() => $"({Block},{Offset})";
}

/// <summary>What is selected of a table's rows, and how a record is made of each.</summary>
internal sealed class RowFormat
{
    /// <summary>The column that holds the document, where documents lie in one.</summary>
    public const string ContentColumn = "content";

    private readonly PostgresTable _table;
    private readonly bool _checksText;
    private readonly bool _nests;
    private readonly (byte[] Name, ValueForm Form)[] _members;
    private readonly (int Field, ValueForm Form)[] _key;
    private readonly int _content;
    private readonly ValueForm _contentForm;

    /// <param name="table">The table.</param>
    /// <param name="isDocument">True where the document is what <see cref="ContentColumn"/> holds, false where it is made of all columns.</param>
    /// <param name="checksText">True where the server does not promise that text is UTF-8.</param>
    public RowFormat(PostgresTable table, bool isDocument, bool checksText)
    {
        (_table, _checksText) = (table, checksText);
        var selected = new List<string> { table.IsQuery ? "'(0,0)'::tid" : "ctid" };
        var columns = isDocument ? [.. table.Key, ContentOf(table)] : table.Columns;
        Columns = columns;
        _nests = columns.Any(c => c.Form is ValueForm.Json or ValueForm.BinaryJson);
        foreach (var column in columns)
        {
            var name = SqlText.Name(column.Name);
            selected.Add(column.IsPlain ? name : $"to_json({name})::text");
        }

        _key = [.. table.Key.Select(k => KeyField(k, columns, selected))];
        _content = isDocument ? columns.Count : -1;
        _contentForm = isDocument ? columns[^1].Form : default;
        _members = isDocument ? [] : [.. columns.Select((c, i) => (MemberName(c.Name, i == 0), c.Form))];
        SelectList = string.Join(", ", selected);
    }

    /// <summary>True where the document is what one column holds.</summary>
    public bool IsDocument => _content >= 0;

    /// <summary>The columns that a document is made of.</summary>
    public IReadOnlyList<PostgresColumn> Columns { get; }

    /// <summary>What to select, <c>ctid</c> first.</summary>
    public string SelectList { get; }

    /// <summary>The place of a row.</summary>
    public static RowPlace PlaceOf(BinaryCopyReader row) =>
        new(BinaryPrimitives.ReadUInt32BigEndian(row[0]), BinaryPrimitives.ReadUInt16BigEndian(row[0][4..]));

    /// <summary>Adds a row, as a record or as something malformed.</summary>
    /// <param name="row">The row.</param>
    /// <param name="output">Where it is added.</param>
    /// <param name="found">Where its key is noted, if it has one; of two rows with one key the second is malformed.</param>
    public void Add(BinaryCopyReader row, RecordBatchBuilder output, ISet<string>? found = null)
    {
        var place = PlaceOf(row);
        var hasKey = WriteKey(row, output);
        output.EndKey();
        var keyLength = output.Current.Length;
        hasKey &= keyLength > 0;
        var isFirst = !hasKey || found?.Add(System.Text.Encoding.UTF8.GetString(output.Current)) != false;
        WriteDocument(row, output);
        var problem = !hasKey ? (PostgresErrors.NullKey, "has a key that is null or empty")
            : !isFirst ? (PostgresErrors.KeyTwice, "has the key of another one")
            : _content >= 0 && !IsObject(output.Current[keyLength..]) ? (PostgresErrors.NotADocument, $"has no JSON object in '{ContentColumn}'")
            : _nests && DocumentJson.IsTooDeep(output.Current[keyLength..]) ? (PostgresErrors.TooDeep, $"is nested deeper than {DocumentJson.MaxDepth} as JSON")
            : _checksText && !Utf8.IsValid(output.Current) ? (PostgresErrors.NotUtf8, "holds text that is not UTF-8")
            : default((ErrorCode Code, string Reason)?);
        if (problem is null)
        {
            output.EndRecord(RecordOperation.Upsert, 0, place.Number);
            return;
        }

        var (code, reason) = problem.Value;
        output.AddMalformed(place.Number, output.Current[..keyLength], output.Current[keyLength..], code, _table.IsQuery ? $"A row of the query {reason}." : $"The row at ctid {place} of {_table.Name} {reason}.");
        output.DropRecord();
    }

    /// <summary>True where a table's documents lie in one column: it is told so, or there is nothing beside it but the key.</summary>
    public static bool HoldsDocuments(PostgresTable table, TableShape shape) => shape == TableShape.Document
        || (shape == TableShape.Auto && table.Columns.Count == table.Key.Count + 1
            && table.Find(ContentColumn) is { Form: ValueForm.Json or ValueForm.BinaryJson, IsPlain: true } content && !table.Key.Contains(content));

    private static PostgresColumn ContentOf(PostgresTable table) => table.Find(ContentColumn) is { Form: ValueForm.Json or ValueForm.BinaryJson, IsPlain: true } content
        ? content
        : throw PostgresErrors.NoColumn.Error($"{table.Name} has no column '{ContentColumn}' of type json or jsonb for its documents.");

    // Keys of other types are selected once more, in the server's own text.
    private static (int Field, ValueForm Form) KeyField(PostgresColumn column, IReadOnlyList<PostgresColumn> columns, List<string> selected)
    {
        if (column.Form is ValueForm.Integer or ValueForm.Uuid or ValueForm.Text && !column.IsPadded) return (columns.Index().First(c => c.Item.Name == column.Name).Index + 1, column.Form);
        selected.Add($"{SqlText.Name(column.Name)}::text");
        return (selected.Count - 1, ValueForm.Text);
    }

    private static byte[] MemberName(string name, bool isFirst)
    {
        using var output = new RecordBatchBuilder(256);
        output.Write(isFirst ? "{"u8 : ","u8);
        JsonText.WriteString(System.Text.Encoding.UTF8.GetBytes(name), output);
        output.Write(":"u8);
        return output.Current.ToArray();
    }

    private static bool IsObject(ReadOnlySpan<byte> json)
    {
        var text = json.TrimStart(" \t\r\n"u8);
        return !text.IsEmpty && text[0] == '{';
    }

    private bool WriteKey(BinaryCopyReader row, RecordBatchBuilder output)
    {
        for (var i = 0; i < _key.Length; i++)
        {
            var (field, form) = _key[i];
            if (row.IsNull(field)) return false;
            if (i > 0) output.Write(","u8);
            if (form == ValueForm.Integer) output.Advance(JsonValue.WriteInteger(row[field], output.GetSpan(JsonValue.LongestShort)));
            else if (form == ValueForm.Uuid) output.Advance(JsonValue.WriteUuid(row[field], output.GetSpan(JsonValue.LongestShort)));
            else if (_key.Length == 1) output.Write(row[field]);
            else KeyText.WritePart(row[field], output);
        }

        return true;
    }

    // Compiled with all optimizations at once, as what it calls is: of a table that is copied in a second the first half would else go
    // through code that is still to be optimized.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void WriteDocument(BinaryCopyReader row, RecordBatchBuilder output)
    {
        if (_content >= 0)
        {
            if (!row.IsNull(_content)) JsonValue.WriteLong(_contentForm, row[_content], output);
            return;
        }

        for (var i = 0; i < _members.Length; i++)
        {
            var (name, form) = _members[i];
            var value = row[i + 1];
            var text = output.GetSpan(name.Length + JsonValue.LongestShort);
            name.CopyTo(text);
            var length = row.IsNull(i + 1) ? JsonValue.Put("null"u8, text[name.Length..]) : JsonValue.WriteShort(form, value, text[name.Length..]);
            output.Advance(name.Length + length);
            if (length == 0) JsonValue.WriteLong(form, value, output);
        }

        output.Write("}"u8);
    }
}
