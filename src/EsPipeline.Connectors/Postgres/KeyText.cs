using System.Buffers;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// A record's key out of a row's key columns, and back. One column: its value as text. Several: their values joined with commas, where
/// <c>%</c> and <c>,</c> within a value are written <c>%25</c> and <c>%2C</c>.
/// </summary>
internal static class KeyText
{
    private static readonly SearchValues<byte> MustEncode = SearchValues.Create("%,"u8);

    /// <summary>Writes one value of a key of several.</summary>
    public static void WritePart(ReadOnlySpan<byte> value, RecordBatchBuilder output)
    {
        for (int at; (at = value.IndexOfAny(MustEncode)) >= 0; value = value[(at + 1)..])
        {
            output.Write(value[..at]);
            output.Write(value[at] == '%' ? "%25"u8 : "%2C"u8);
        }

        output.Write(value);
    }

    /// <summary>The values that a key was made of; null where it was made of another number of them.</summary>
    public static string[]? Split(string key, int columns)
    {
        if (columns == 1) return [key];
        var parts = key.Split(',');
        return parts.Length != columns
            ? null
            : [.. parts.Select(p => p.Replace("%2C", ",", StringComparison.Ordinal).Replace("%25", "%", StringComparison.Ordinal))];
    }

    /// <summary>The key of these values.</summary>
    public static string Join(IReadOnlyList<string> values) => values.Count == 1
        ? values[0]
        : string.Join(',', values.Select(v => v.Replace("%", "%25", StringComparison.Ordinal).Replace(",", "%2C", StringComparison.Ordinal)));
}
