using System.Buffers.Text;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Connectors.MySql;

/// <summary>How numbers in a column of times are meant.</summary>
internal enum EpochUnit
{
    /// <summary>They are no times.</summary>
    None,

    /// <summary>Milliseconds since 1970.</summary>
    Milliseconds,

    /// <summary>Seconds since 1970.</summary>
    Seconds,
}

/// <summary>
/// Puts JSON values into one column: unchanged, or not at all. What the server would cut, round, fold or set to zero, some of it without a
/// warning even in strict mode, is refused here.
/// </summary>
/// <param name="column">The column.</param>
/// <param name="epoch">What numbers mean in a column of times.</param>
internal sealed class ColumnValue(MySqlColumn column, EpochUnit epoch)
{
    private readonly string[] _choices = column.Kind is ColumnKind.Enum or ColumnKind.Set ? ChoicesOf(column.FullType) : [];

    /// <summary>The column.</summary>
    public MySqlColumn Column => column;

    /// <summary>Writes the value that the reader stands on; afterwards it stands on its last token.</summary>
    /// <returns>Null, or why it can't.</returns>
    public Misfit? Write(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, int cell, RowBlock rows)
    {
        if (reader.TokenType == JsonTokenType.Null && column.Kind != ColumnKind.Json) return WriteNull(cell, rows);
        if (column.Kind == ColumnKind.Json) return WriteJson(ref reader, json, cell, rows);
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return WriteString(ref reader, cell, rows);
            case JsonTokenType.Number when IsNumeric:
                return NumberValue.Write(column, reader.ValueSpan, cell, rows);
            case JsonTokenType.Number when column.Kind is ColumnKind.Timestamp or ColumnKind.Date && epoch != EpochUnit.None:
                return TimeValue.WriteEpoch(column, reader.ValueSpan, epoch == EpochUnit.Seconds, cell, rows);
            case JsonTokenType.True or JsonTokenType.False when column.Kind is ColumnKind.Integer or ColumnKind.Bit:
                return NumberValue.Write(column, reader.TokenType == JsonTokenType.True ? "1"u8 : "0"u8, cell, rows);
        }

        var start = (int)reader.TokenStartIndex;
        var found = reader.TokenType switch
        {
            JsonTokenType.StartObject => "an object",
            JsonTokenType.StartArray => "an array",
            JsonTokenType.Number => "the number " + Encoding.UTF8.GetString(reader.ValueSpan[..Math.Min(60, reader.ValueSpan.Length)]),
            _ => "true or false",
        };
        reader.Skip();
        return column.Kind == ColumnKind.Text ? WriteText(json[start..(int)reader.BytesConsumed], cell, rows) : Misfit.WrongType(column, found);
    }

    /// <summary>Writes a record's key.</summary>
    /// <returns>Null, or why it can't.</returns>
    public Misfit? WriteKey(ReadOnlySpan<byte> key, bool isText, int cell, RowBlock rows)
    {
        var misfit = column.Kind switch
        {
            ColumnKind.Bytes when isText => key.Length > column.MaxLength ? Misfit.TooLong(column, key.Length, column.MaxLength, "bytes") : Put(key, cell, rows),
            ColumnKind.Bytes => WriteBase64(key, cell, rows),
            ColumnKind.Text => WriteText(key, cell, rows),
            _ when NumberValue.IsNumber(key) => NumberValue.Write(column, key, cell, rows),
            _ => Misfit.WrongType(column, "the key"),
        };

        // 007 and 7 would be one row.
        if (misfit is null && column.Kind == ColumnKind.Integer && !rows[rows.Count, cell].SequenceEqual(key)) misfit = Misfit.WrongType(column, "the key, not written as the server writes it");
        return misfit is null ? null : new Misfit(TableErrors.BadKey, misfit.Reason);
    }

    private bool IsNumeric => column.Kind is ColumnKind.Integer or ColumnKind.Decimal or ColumnKind.Double or ColumnKind.Float or ColumnKind.Bit or ColumnKind.Year;

    private Misfit? WriteNull(int cell, RowBlock rows)
    {
        if (!column.IsNullable) return new Misfit(TableErrors.Constraint, $"The column '{column.Name}' takes no NULL.");
        rows.Set(cell, Indicator.Null);
        return null;
    }

    private Misfit? WriteJson(ref Utf8JsonReader reader, ReadOnlySpan<byte> json, int cell, RowBlock rows)
    {
        if (reader.TokenType == JsonTokenType.Null && column.IsNullable) return WriteNull(cell, rows);
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        var value = json[start..(int)reader.BytesConsumed];
        return NativeJson.Misfit(column, value) ?? Put(value, cell, rows);
    }

    private Misfit? WriteString(ref Utf8JsonReader reader, int cell, RowBlock rows)
    {
        Span<byte> text = default;
        if (reader.ValueIsEscaped)
        {
            text = new byte[reader.ValueSpan.Length];
            try
            {
                text = text[..reader.CopyString(text)];
            }
            catch (InvalidOperationException)
            {
                return Misfit.WrongType(column, "a text with half of a surrogate pair, which is no character");
            }
        }

        var value = reader.ValueIsEscaped ? text : reader.ValueSpan;
        switch (column.Kind)
        {
            case ColumnKind.Text: return WriteText(value, cell, rows);
            case ColumnKind.Bytes: return WriteBase64(value, cell, rows);
            case ColumnKind.Timestamp or ColumnKind.Date: return TimeValue.Write(column, value, cell, rows);
            case ColumnKind.Time: return TimeValue.WriteTimeOfDay(column, value, cell, rows);
            case ColumnKind.Enum when _choices.Contains(Encoding.UTF8.GetString(value)): return Put(value, cell, rows);
            case ColumnKind.Set when IsSubset(Encoding.UTF8.GetString(value)): return Put(value, cell, rows);
            case ColumnKind.Other: return Put(value, cell, rows);
        }

        return IsNumeric && NumberValue.IsNumber(value) && (column.IsZeroFilled || !NumberValue.HasLeadingZeros(value))
            ? NumberValue.Write(column, value, cell, rows)
            : Misfit.WrongType(column, $"the text '{Encoding.UTF8.GetString(value[..Math.Min(60, value.Length)])}'{(IsNumeric && NumberValue.HasLeadingZeros(value) ? ", whose zeros would be lost" : "")}");
    }

    private Misfit? WriteText(ReadOnlySpan<byte> text, int cell, RowBlock rows)
    {
        if (column.DataType is "char" or "varchar")
        {
            if (text.Length > column.MaxLength && CharactersIn(text) is var characters && characters > column.MaxLength)
            {
                return Misfit.TooLong(column, characters, column.MaxLength, "characters");
            }

            if (column.DataType == "char" && text.EndsWith(" "u8)) return Misfit.WrongType(column, "a text that ends with a blank, which CHAR drops");
        }
        else if (text.Length > column.MaxBytes)
        {
            return Misfit.TooLong(column, text.Length, column.MaxBytes, "bytes");
        }

        return Put(text, cell, rows);
    }

    private Misfit? WriteBase64(ReadOnlySpan<byte> text, int cell, RowBlock rows)
    {
        if (Base64.DecodeFromUtf8(text, rows.GetSpan(Base64.GetMaxDecodedFromUtf8Length(text.Length)), out _, out var written) != System.Buffers.OperationStatus.Done)
        {
            return Misfit.WrongType(column, "a text that is not base64");
        }

        if (written > column.MaxLength) return Misfit.TooLong(column, written, column.MaxLength, "bytes");
        if (column.DataType == "binary" && written < column.MaxLength) return Misfit.WrongType(column, $"only {written} bytes, which would be filled up with zeros");
        rows.Advance(written);
        rows.EndValue(cell);
        return null;
    }

    private static Misfit? Put(ReadOnlySpan<byte> value, int cell, RowBlock rows)
    {
        rows.Set(cell, value);
        return null;
    }

    private static int CharactersIn(ReadOnlySpan<byte> text)
    {
        var characters = 0;
        foreach (var b in text) characters += (b & 0xC0) != 0x80 ? 1 : 0;
        return characters;
    }

    // In the order of the declaration and without repeats: otherwise the server would change the text.
    private bool IsSubset(string text)
    {
        if (text.Length == 0) return true;
        var last = -1;
        foreach (var item in text.Split(','))
        {
            var at = Array.IndexOf(_choices, item);
            if (at <= last) return false;
            last = at;
        }

        return true;
    }

    // enum('a','it''s','C:\\new\n'): between quotes, which are doubled within; other signs stand behind a backslash.
    private static string[] ChoicesOf(string type)
    {
        var choices = new List<string>();
        for (var at = type.IndexOf('\'', StringComparison.Ordinal); at >= 0 && at < type.Length; at++)
        {
            if (type[at] != '\'') continue;
            var choice = new StringBuilder();
            for (at++; at < type.Length; at++)
            {
                if (type[at] == '\\' && at + 1 < type.Length) choice.Append(Unescaped(type[++at]));
                else if (type[at] != '\'') choice.Append(type[at]);
                else if (at + 1 < type.Length && type[at + 1] == '\'') choice.Append(type[at++]);
                else break;
            }

            choices.Add(choice.ToString());
        }

        return [.. choices];
    }

    private static char Unescaped(char escaped) => escaped switch
    {
        '0' => '\0',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'b' => '\b',
        'Z' => '\u001a',
        _ => escaped,
    };
}
