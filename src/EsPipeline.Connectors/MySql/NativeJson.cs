using System.Text.Json;
using EsPipeline.Connectors.Columns;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// What MySQL's own JSON type would change: it keeps whole numbers beyond 64 bits and all decimals as doubles, and of two values under one name
/// the last. (MariaDB's JSON keeps the text as it is.)
/// </summary>
internal static class NativeJson
{
    /// <summary>Why a column of that type can't hold a value; null where it can, or where the column is of another type.</summary>
    public static Misfit? Misfit(MySqlColumn column, ReadOnlySpan<byte> json)
    {
        if (!column.IsNativeJson) return null;
        var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
        while (reader.Read())
        {
            if (reader.TokenType == JsonTokenType.Number && !Fits(reader.ValueSpan)) return MySql.Misfit.Inexact(column, reader.ValueSpan);
        }

        return JsonSyntax.NameTwice(json) is { } name
            ? MySql.Misfit.WrongType(column, $"an object with the name '{name}' twice, of which one would be lost")
            : null;
    }

    /// <summary>True for a number that MySQL's JSON gives back with the same value.</summary>
    public static bool Fits(ReadOnlySpan<byte> number) =>
        number.IndexOfAny((byte)'.', (byte)'e', (byte)'E') < 0 && new DecimalDigits(number).TryGetInteger(out var value) && value >= long.MinValue && value <= ulong.MaxValue
        || DecimalDigits.FitsDouble(number);
}
