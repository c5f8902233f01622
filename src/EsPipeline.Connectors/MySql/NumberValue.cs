using System.Buffers.Binary;
using System.Buffers.Text;
using EsPipeline.Connectors.Columns;

namespace EsPipeline.Connectors.MySql;

/// <summary>Numbers into number columns: exactly, or not at all.</summary>
internal static class NumberValue
{
    /// <summary>True for text that is a JSON number and nothing else, but for leading zeros.</summary>
    public static bool IsNumber(ReadOnlySpan<byte> text)
    {
        if (!text.IsEmpty && text[0] == (byte)'-') text = text[1..];
        if (!SkipDigits(ref text)) return false;
        if (!text.IsEmpty && text[0] == (byte)'.')
        {
            text = text[1..];
            if (!SkipDigits(ref text)) return false;
        }

        if (text.IsEmpty || text[0] is not ((byte)'e' or (byte)'E')) return text.IsEmpty;
        text = text[1..];
        if (!text.IsEmpty && text[0] is (byte)'+' or (byte)'-') text = text[1..];
        return SkipDigits(ref text) && text.IsEmpty;
    }

    /// <summary>True for 00501, which is a code rather than a number.</summary>
    public static bool HasLeadingZeros(ReadOnlySpan<byte> number)
    {
        var digits = number.TrimStart((byte)'-');
        return digits.Length > 1 && digits[0] == (byte)'0' && char.IsAsciiDigit((char)digits[1]);
    }

    /// <summary>Writes a number as the column takes it.</summary>
    /// <returns>Null, or why it can't.</returns>
    public static Misfit? Write(MySqlColumn column, ReadOnlySpan<byte> number, int cell, RowBlock rows)
    {
        switch (column.Kind)
        {
            case ColumnKind.Decimal:
                var digits = new DecimalDigits(number);
                if (digits.WholeDigits > column.Precision - column.Scale || (digits.IsNegative && column.IsUnsigned)) return Misfit.OutOfRange(column, number);
                if (digits.FractionDigits > column.Scale) return Misfit.Inexact(column, number);
                rows.Set(cell, number);
                return null;
            case ColumnKind.Double or ColumnKind.Float:
                if (number[0] == (byte)'-' && column.IsUnsigned) return Misfit.OutOfRange(column, number);
                if (!(column.Kind == ColumnKind.Double ? DecimalDigits.FitsDouble(number) : DecimalDigits.FitsFloat(number))) return Misfit.Inexact(column, number);
                if (column.HasFixedPoint && new DecimalDigits(number).FractionDigits > column.Scale) return Misfit.Inexact(column, number);
                rows.Set(cell, number);
                return null;
            default:
                return WriteInteger(column, number, cell, rows);
        }
    }

    private static Misfit? WriteInteger(MySqlColumn column, ReadOnlySpan<byte> number, int cell, RowBlock rows)
    {
        if (!new DecimalDigits(number).TryGetInteger(out var value))
        {
            return new DecimalDigits(number).FractionDigits > 0 ? Misfit.Inexact(column, number) : Misfit.OutOfRange(column, number);
        }

        var (least, most) = RangeOf(column);
        if (value < least || value > most) return Misfit.OutOfRange(column, number);
        if (column.Kind == ColumnKind.Bit)
        {
            Span<byte> bytes = stackalloc byte[8];
            BinaryPrimitives.WriteUInt64BigEndian(bytes, (ulong)value);
            rows.Set(cell, bytes[(8 - ((column.Precision + 7) / 8))..]);
            return null;
        }

        Span<byte> text = stackalloc byte[24];
        var written = 0;
        if (value < 0) Utf8Formatter.TryFormat((long)value, text, out written);
        else Utf8Formatter.TryFormat((ulong)value, text, out written);
        rows.Set(cell, text[..written]);
        return null;
    }

    private static (Int128 Least, Int128 Most) RangeOf(MySqlColumn column)
    {
        switch (column.Kind)
        {
            case ColumnKind.Bit: return (0, (Int128.One << column.Precision) - 1);
            case ColumnKind.Year: return (1901, 2155);
        }

        var bits = column.DataType switch { "tinyint" => 8, "smallint" => 16, "mediumint" => 24, "int" => 32, _ => 64 };
        return column.IsUnsigned ? (0, (Int128.One << bits) - 1) : (-(Int128.One << (bits - 1)), (Int128.One << (bits - 1)) - 1);
    }

    private static bool SkipDigits(ref ReadOnlySpan<byte> text)
    {
        var rest = text.TrimStart("0123456789"u8);
        if (rest.Length == text.Length) return false;
        text = rest;
        return true;
    }
}
