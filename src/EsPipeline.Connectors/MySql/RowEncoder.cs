using System.Text;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>Turns records into rows of a table.</summary>
internal abstract class RowEncoder
{
    /// <summary>The columns that rows have values for, in the order of their values; the key's is the first.</summary>
    public abstract IReadOnlyList<MySqlColumn> Columns { get; }

    /// <summary>Appends the row of a record to insert or replace; nothing where it is refused.</summary>
    /// <returns>Null, or why the table can't hold it.</returns>
    public Misfit? Append(in Record record, int index, RowBlock rows)
    {
        Misfit? misfit;
        try
        {
            misfit = Encode(record, rows);
        }
        catch (InvalidOperationException)
        {
            // The reader's way to say that an escaped text is no text.
            misfit = new Misfit(TableErrors.WrongType, "A field's name holds half of a surrogate pair, which is no character.");
        }

        if (misfit is null) rows.EndRow(index);
        else rows.DropRow();
        return misfit;
    }

    /// <summary>Appends a row that is a key alone.</summary>
    /// <returns>Null, or why the table can't hold such a key.</returns>
    public Misfit? AppendKey(ReadOnlySpan<byte> key, int index, RowBlock keys)
    {
        var misfit = EncodeKey(key, keys);
        if (misfit is null) keys.EndRow(index);
        else keys.DropRow();
        return misfit;
    }

    /// <summary>Sets the first value of a row to a key.</summary>
    protected abstract Misfit? EncodeKey(ReadOnlySpan<byte> key, RowBlock rows);

    /// <summary>Sets the values of a row.</summary>
    protected abstract Misfit? Encode(in Record record, RowBlock rows);
}

/// <summary>A row is a key and a document.</summary>
internal sealed class DocumentEncoder(TableLayout layout) : RowEncoder
{
    private readonly ColumnValue _key = new(layout.Key[0], EpochUnit.None);
    private readonly MySqlColumn _content = layout.Content!;

    public override IReadOnlyList<MySqlColumn> Columns { get; } = [layout.Key[0], layout.Content!];

    protected override Misfit? EncodeKey(ReadOnlySpan<byte> key, RowBlock rows) => _key.WriteKey(key, isText: true, 0, rows);

    protected override Misfit? Encode(in Record record, RowBlock rows)
    {
        if (EncodeKey(record.Key.Span, rows) is { } misfit) return misfit;
        var json = record.Json.Span;
        if (_content.MaxBytes > 0 && json.Length > _content.MaxBytes) return Misfit.TooLong(_content, json.Length, _content.MaxBytes, "bytes");
        if (NativeJson.Misfit(_content, json) is { } inexact) return inexact;
        rows.Set(1, json);
        return null;
    }
}

/// <summary>
/// A row has a column for each field; nested values are JSON text. Of a table that somebody else has made, only columns that some document
/// has had a field for are written, so that what others keep in its other columns stays their own.
/// </summary>
internal sealed class ColumnEncoder : RowEncoder
{
    private const int Unknown = -1;
    private const int Computed = -2;

    private readonly ColumnValue[] _values;
    private readonly Dictionary<byte[], int> _byField = new(KeyComparer.Instance);

    /// <param name="layout">The table.</param>
    /// <param name="fields">The fields that documents are known to have; others are met when they come.</param>
    /// <param name="epochOf">What numbers mean in a field of times.</param>
    public ColumnEncoder(TableLayout layout, IEnumerable<string> fields, Func<string, EpochUnit> epochOf)
    {
        var key = layout.Key[0];
        var columns = new List<MySqlColumn> { key };
        foreach (var field in fields)
        {
            if (layout.Table.Find(field) is not { } column) continue;
            if (!column.IsGenerated && !columns.Contains(column)) columns.Add(column);
            _byField[Encoding.UTF8.GetBytes(field)] = column.IsGenerated ? Computed : columns.IndexOf(column);
        }

        _byField[Encoding.UTF8.GetBytes(key.Name)] = 0;
        Columns = columns;
        _values = [.. columns.Select(c => new ColumnValue(c, epochOf(c.Name)))];
    }

    public override IReadOnlyList<MySqlColumn> Columns { get; }

    /// <summary>The fields of some documents that this encoder has not met yet; whether the table has columns for them is not asked.</summary>
    public IReadOnlyList<string> NewFields(RecordSlice slice)
    {
        List<string>? found = null;
        foreach (ref readonly var record in slice.Records)
        {
            if (record.Operation == RecordOperation.Delete) continue;
            var reader = new Utf8JsonReader(record.Json.Span, DocumentJson.ReaderOptions);
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (DocumentJson.TextOf(ref reader) is { } name && Find(ref reader) == Unknown && found?.Contains(name) != true) (found ??= []).Add(name);
                reader.Read();
                reader.Skip();
            }
        }

        return found ?? [];
    }

    protected override Misfit? EncodeKey(ReadOnlySpan<byte> key, RowBlock rows) => _values[0].WriteKey(key, isText: false, 0, rows);

    protected override Misfit? Encode(in Record record, RowBlock rows)
    {
        if (EncodeKey(record.Key.Span, rows) is { } badKey) return badKey;
        var json = record.Json.Span;
        var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var at = Find(ref reader);
            if (at == Computed)
            {
                // The server has the same value, from the columns that it is computed from.
                reader.Read();
                reader.Skip();
                continue;
            }

            if (at == Unknown) return new Misfit(TableErrors.UnknownField, $"The table has no column for the field '{reader.GetString()}'.");
            var name = at == 0 || rows.IsSet(at) ? reader.GetString()! : "";
            reader.Read();
            if (at == 0)
            {
                if (!IsKey(ref reader, record.Key.Span)) return new Misfit(TableErrors.KeyDiffers, $"Its field '{name}' is not its key, and the column '{name}' holds the key.");
                continue;
            }

            if (rows.IsSet(at)) return new Misfit(TableErrors.UnknownField, $"Two of its fields would stand in the column '{_values[at].Column.Name}'; the second is '{name}'.");
            if (_values[at].Write(ref reader, json, at, rows) is { } misfit) return misfit;
        }

        for (var i = 1; i < _values.Length; i++)
        {
            if (!rows.IsSet(i)) rows.Set(i, _values[i].Column is { IsNullable: true } ? Indicator.Null : Indicator.Default);
        }

        return null;
    }

    private int Find(ref Utf8JsonReader property)
    {
        if (property.ValueIsEscaped) return _byField.GetValueOrDefault(Encoding.UTF8.GetBytes(property.GetString()!), Unknown);
        return _byField.GetAlternateLookup<ReadOnlySpan<byte>>().TryGetValue(property.ValueSpan, out var at) ? at : Unknown;
    }

    private static bool IsKey(ref Utf8JsonReader reader, ReadOnlySpan<byte> key) => reader.TokenType switch
    {
        JsonTokenType.String => reader.ValueTextEquals(key),
        JsonTokenType.Number => reader.ValueSpan.SequenceEqual(key),
        _ => SkipAndSay(ref reader),
    };

    private static bool SkipAndSay(ref Utf8JsonReader reader)
    {
        reader.Skip();
        return false;
    }
}
