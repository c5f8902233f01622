using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>Why a value can't stand in its column.</summary>
/// <param name="Error">The kind of error.</param>
/// <param name="Reason">One sentence that names the column.</param>
internal sealed record Misfit(ErrorCode Error, string Reason)
{
    /// <summary>The value is of another type.</summary>
    public static Misfit WrongType(MySqlColumn column, string value) =>
        new(TableErrors.WrongType, $"The column '{column.Name}' is {column.FullType}; the value is {value}.");

    /// <summary>The record is larger than a statement may be.</summary>
    public static Misfit TooLarge(long bytes, long most) =>
        new(TableErrors.PacketTooLarge, $"The record has {bytes} bytes; max_allowed_packet of the server leaves room for {most}.");

    /// <summary>The value is longer than the column.</summary>
    public static Misfit TooLong(MySqlColumn column, long length, long most, string unit) =>
        new(TableErrors.TooLong, $"The column '{column.Name}' is {column.FullType} and takes {most} {unit}; the value has {length}.");

    /// <summary>The value is beyond the column's range.</summary>
    public static Misfit OutOfRange(MySqlColumn column, ReadOnlySpan<byte> value) =>
        new(TableErrors.OutOfRange, $"{Short(value)} is beyond the range of the column '{column.Name}', which is {column.FullType}.");

    /// <summary>The column would round the value.</summary>
    public static Misfit Inexact(MySqlColumn column, ReadOnlySpan<byte> value) =>
        new(TableErrors.Inexact, $"{Short(value)} has more digits than the column '{column.Name}' holds, which is {column.FullType}.");

    private static string Short(ReadOnlySpan<byte> value) =>
        System.Text.Encoding.UTF8.GetString(value[..Math.Min(value.Length, 60)]) + (value.Length > 60 ? "…" : "");
}
