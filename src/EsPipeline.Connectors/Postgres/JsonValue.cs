using System.Buffers.Binary;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Writes a value of binary COPY as JSON, byte for byte as <c>row_to_json</c> would with the time zone UTC.</summary>
internal static class JsonValue
{
    /// <summary>The most bytes that <see cref="WriteShort"/> writes.</summary>
    public const int LongestShort = 48;

    /// <summary>Writes a value that is not null and of a form that never has many bytes.</summary>
    /// <returns>How many bytes were written; 0 where its form is another one, for which there is <see cref="WriteLong"/>.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int WriteShort(ValueForm form, ReadOnlySpan<byte> value, Span<byte> to) => form switch
    {
        ValueForm.Integer => WriteInteger(value, to),
        ValueForm.Boolean => Put(value[0] != 0 ? "true"u8 : "false"u8, to),
        ValueForm.Float => FloatText.Write(value, to),
        ValueForm.Date => TimeValue.WriteDate(value, to),
        ValueForm.Timestamp => TimeValue.WriteTimestamp(value, hasZone: false, to),
        ValueForm.TimestampTz => TimeValue.WriteTimestamp(value, hasZone: true, to),
        ValueForm.Uuid => WriteQuotedUuid(value, to),
        _ => 0,
    };

    /// <summary>Writes a value that is not null and of a form that may have any number of bytes.</summary>
    public static void WriteLong(ValueForm form, ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        switch (form)
        {
            case ValueForm.Text: JsonText.WriteString(value, output); break;
            case ValueForm.Numeric: NumericText.Write(value, output); break;
            case ValueForm.Json: output.Write(value); break;
            case ValueForm.BinaryJson: output.Write(value[1..]); break;
            case ValueForm.Bytes: WriteBytes(value, output); break;
            default: throw new NotSupportedException(form.ToString());
        }
    }

    /// <summary>Writes a whole number's digits.</summary>
    /// <returns>How many bytes were written.</returns>
    public static int WriteInteger(ReadOnlySpan<byte> value, Span<byte> to)
    {
        var number = value.Length switch
        {
            2 => BinaryPrimitives.ReadInt16BigEndian(value),
            4 => BinaryPrimitives.ReadInt32BigEndian(value),
            _ => BinaryPrimitives.ReadInt64BigEndian(value),
        };
        Utf8Formatter.TryFormat(number, to, out var written);
        return written;
    }

    /// <summary>Writes a UUID's 36 characters.</summary>
    /// <returns>How many bytes were written.</returns>
    public static int WriteUuid(ReadOnlySpan<byte> value, Span<byte> to)
    {
        new Guid(value, bigEndian: true).TryFormat(to, out var written, "D");
        return written;
    }

    /// <summary>Copies a text that is there already.</summary>
    /// <returns>How many bytes it has.</returns>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public static int Put(ReadOnlySpan<byte> text, Span<byte> to)
    {
        text.CopyTo(to);
        return text.Length;
    }

    private static int WriteQuotedUuid(ReadOnlySpan<byte> value, Span<byte> to)
    {
        var length = WriteUuid(value, to[1..]);
        to[0] = to[length + 1] = (byte)'"';
        return length + 2;
    }

    private static void WriteBytes(ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        output.Write("\"\\\\x"u8);
        Convert.TryToHexStringLower(value, output.GetSpan(value.Length * 2), out var written);
        output.Advance(written);
        output.Write("\""u8);
    }
}
