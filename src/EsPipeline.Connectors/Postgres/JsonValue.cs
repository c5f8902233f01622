using System.Buffers.Binary;
using System.Buffers.Text;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Writes a value of binary COPY as JSON, byte for byte as <c>row_to_json</c> would with the time zone UTC.</summary>
internal static class JsonValue
{
    /// <summary>Writes a value that is not null.</summary>
    public static void Write(ValueForm form, ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        switch (form)
        {
            case ValueForm.Json: output.Write(value); break;
            case ValueForm.BinaryJson: output.Write(value[1..]); break;
            case ValueForm.Boolean: output.Write(value[0] != 0 ? "true"u8 : "false"u8); break;
            case ValueForm.Integer: WriteInteger(value, output); break;
            case ValueForm.Float: FloatText.Write(value, output); break;
            case ValueForm.Numeric: NumericText.Write(value, output); break;
            case ValueForm.Text: JsonText.WriteString(value, output); break;
            case ValueForm.Uuid:
                output.Write("\""u8);
                WriteUuid(value, output);
                output.Write("\""u8);
                break;
            case ValueForm.Bytes: WriteBytes(value, output); break;
            case ValueForm.Date: TimeValue.WriteDate(value, output); break;
            case ValueForm.Timestamp: TimeValue.WriteTimestamp(value, hasZone: false, output); break;
            case ValueForm.TimestampTz: TimeValue.WriteTimestamp(value, hasZone: true, output); break;
            default: throw new NotSupportedException(form.ToString());
        }
    }

    /// <summary>Writes a whole number's digits.</summary>
    public static void WriteInteger(ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        var number = value.Length switch
        {
            2 => BinaryPrimitives.ReadInt16BigEndian(value),
            4 => BinaryPrimitives.ReadInt32BigEndian(value),
            _ => BinaryPrimitives.ReadInt64BigEndian(value),
        };
        Utf8Formatter.TryFormat(number, output.GetSpan(20), out var written);
        output.Advance(written);
    }

    /// <summary>Writes a UUID's 36 characters.</summary>
    public static void WriteUuid(ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        new Guid(value, bigEndian: true).TryFormat(output.GetSpan(36), out var written, "D");
        output.Advance(written);
    }

    private static void WriteBytes(ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        output.Write("\"\\\\x"u8);
        Convert.TryToHexStringLower(value, output.GetSpan(value.Length * 2), out var written);
        output.Advance(written);
        output.Write("\""u8);
    }
}
