using System.Buffers;
using System.Buffers.Binary;
using System.Buffers.Text;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>Writes a value, as the server sends it, as JSON or as a part of a key; numbers keep every digit.</summary>
internal static class RowValue
{
    /// <summary>Writes a value as JSON.</summary>
    public static void WriteJson(ColumnKind kind, ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        switch (kind)
        {
            case ColumnKind.Integer or ColumnKind.Decimal or ColumnKind.Double or ColumnKind.Float or ColumnKind.Bit or ColumnKind.Year:
                WriteText(kind, value, output);
                break;
            case ColumnKind.Json or ColumnKind.Geometry:
                output.Write(value);
                break;
            case ColumnKind.Date or ColumnKind.Timestamp or ColumnKind.Time or ColumnKind.Bytes:
                output.Write("\""u8);
                WriteText(kind, value, output);
                output.Write("\""u8);
                break;
            default:
                JsonText.WriteString(value, output);
                break;
        }
    }

    /// <summary>Writes a value as it stands in a key: a text as it is, bytes in base64, a time in ISO 8601.</summary>
    public static void WriteText(ColumnKind kind, ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        switch (kind)
        {
            case ColumnKind.Integer or ColumnKind.Decimal or ColumnKind.Double or ColumnKind.Year:
                output.Write(WithoutZeros(value));
                break;
            case ColumnKind.Float:
                WriteFloat(value, output);
                break;
            case ColumnKind.Bit:
                WriteBits(value, output);
                break;
            case ColumnKind.Timestamp:
                WriteTime(value, output);
                break;
            case ColumnKind.Bytes:
                Base64.EncodeToUtf8(value, output.GetSpan(Base64.GetMaxEncodedToUtf8Length(value.Length)), out _, out var written);
                output.Advance(written);
                break;
            default:
                output.Write(value);
                break;
        }
    }

    // ZEROFILL and YEAR put zeros before a number, which JSON forbids.
    private static ReadOnlySpan<byte> WithoutZeros(ReadOnlySpan<byte> number)
    {
        while (number.Length > 1 && number[0] == (byte)'0' && char.IsAsciiDigit((char)number[1])) number = number[1..];
        return number;
    }

    // The value came as the double that the float is; its shortest text as a float is what it was written as.
    private static void WriteFloat(ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        if (!Utf8Parser.TryParse(value, out double number, out _) || !Utf8Formatter.TryFormat((float)number, output.GetSpan(32), out var written))
        {
            output.Write(value);
            return;
        }

        output.Advance(written);
    }

    private static void WriteBits(ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        Span<byte> bytes = stackalloc byte[8];
        bytes.Clear();
        value.CopyTo(bytes[(8 - value.Length)..]);
        Utf8Formatter.TryFormat(BinaryPrimitives.ReadUInt64BigEndian(bytes), output.GetSpan(20), out var written);
        output.Advance(written);
    }

    // 2024-02-29 12:00:00.5 is 2024-02-29T12:00:00.5Z; what is no date (0000-00-00) stays as it is.
    private static void WriteTime(ReadOnlySpan<byte> value, IBufferWriter<byte> output)
    {
        var isTime = value.Length > 10 && value[10] == (byte)' ' && !value.StartsWith("0000"u8)
            && !value.Slice(5, 2).SequenceEqual("00"u8) && !value.Slice(8, 2).SequenceEqual("00"u8);
        if (!isTime)
        {
            output.Write(value);
            return;
        }

        var text = output.GetSpan(value.Length + 1);
        value.CopyTo(text);
        text[10] = (byte)'T';
        text[value.Length] = (byte)'Z';
        output.Advance(value.Length + 1);
    }
}
