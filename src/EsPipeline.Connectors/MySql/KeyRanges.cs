using System.Globalization;
using System.Numerics;
using System.Text;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Divides a table into ranges of its key's first column with about as many rows in each, by asking the optimizer how many rows it expects
/// below a value: some index dives for each bound, whatever the size of the table. The bounds are only as good as its statistics; that every
/// row lies in exactly one range does not depend on them.
/// </summary>
internal static class KeyRanges
{
    private const int Dives = 24;
    private const int Digits = 6;
    private const int FirstCharacter = ' ';
    private const int Characters = '~' - ' ' + 1;

    /// <summary>Finds bounds.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="target">The table.</param>
    /// <param name="parts">How many ranges are wanted.</param>
    /// <param name="leastRows">A range is not smaller than this.</param>
    /// <returns>Rising bounds between the ranges; fewer than asked for, or none, where the table is small or its key can't be divided.</returns>
    public static List<byte[]> Find(MySqlSession session, ReadTarget target, int parts, long leastRows)
    {
        var key = target.Key[0];
        if (target.Table is not { } table || parts < 2 || key.Kind is not (ColumnKind.Integer or ColumnKind.Text or ColumnKind.Bytes)) return [];
        if (table.Indexes.FirstOrDefault(i => i.Columns[0].Equals(key.Name, StringComparison.OrdinalIgnoreCase) && !i.HasPrefix) is not { } index) return [];
        var from = $"{target.From} FORCE INDEX ({SqlText.Name(index.Name)})";
        var ends = session.Rows($"SELECT MIN({key.Quoted}),MAX({key.Quoted}) FROM {from}")[0];
        if (ends[0] is not { } first || ends[1] is not { } last) return [];

        var total = Expect(session, from, key, null) ?? table.EstimatedRows;
        parts = (int)Math.Min(parts, total / leastRows);
        if (parts < 2) return [];
        var scale = key.Kind == ColumnKind.Integer ? new Scale(first, last, prefix: null) : Scale.OfTexts(first, last);
        if (scale is null) return [];

        var bounds = new List<byte[]>();
        for (var i = 1; i < parts; i++)
        {
            var bound = Search(session, from, key, scale, total * i / parts, total / parts / 20);
            if (bound is not null && (bounds.Count == 0 || HasRowsBetween(session, from, key, bounds[^1], bound))) bounds.Add(bound);
        }

        return bounds;
    }

    // The value below which the optimizer expects so many rows, within a tolerance or as near as the dives bring it.
    private static byte[]? Search(MySqlSession session, string from, RowColumn key, Scale scale, long wanted, long tolerance)
    {
        var (low, high) = (BigInteger.Zero, scale.Length);
        byte[]? found = null;
        for (var dive = 0; dive < Dives && high - low > 1; dive++)
        {
            var middle = (low + high) / 2;
            found = scale.At(middle);
            if (Expect(session, from, key, found) is not { } rows) return null;
            if (Math.Abs(rows - wanted) <= tolerance) break;
            if (rows < wanted) low = middle;
            else high = middle;
        }

        return found;
    }

    private static long? Expect(MySqlSession session, string from, RowColumn key, byte[]? below)
    {
        using var result = session.Open(Encoding.UTF8.GetBytes($"EXPLAIN SELECT {key.Quoted} FROM {from}{(below is null ? "" : $" WHERE {key.Quoted}<{Literal(key, below)}")}"));
        var column = Array.FindIndex(result.Fields, f => f.Name.Equals("rows", StringComparison.OrdinalIgnoreCase));
        long? rows = null;
        while (result.Read())
        {
            if (column >= 0) rows ??= result.IsNull(column) ? 0 : long.Parse(result[column], NumberStyles.None, CultureInfo.InvariantCulture);
        }

        return rows;
    }

    // Bounds rise in the column's own order exactly when a row lies between two of them: from one, and below the next.
    private static bool HasRowsBetween(MySqlSession session, string from, RowColumn key, byte[] one, byte[] next) =>
        session.Rows($"SELECT 1 FROM {from} WHERE {key.Quoted}>={Literal(key, one)} AND {key.Quoted}<{Literal(key, next)} LIMIT 1").Count > 0;

    private static string Literal(RowColumn key, byte[] value) => key.Kind switch
    {
        ColumnKind.Integer => Encoding.ASCII.GetString(value),
        ColumnKind.Bytes => $"X'{Convert.ToHexString(value)}'",
        _ => SqlText.Literal(Encoding.UTF8.GetString(value)),
    };

    // The values between the first and the last key as numbers from 0 on.
    private sealed class Scale
    {
        private readonly string? _prefix;
        private readonly BigInteger _first;

        public Scale(string first, string last, string? prefix)
        {
            _prefix = prefix;
            _first = prefix is null ? BigInteger.Parse(first, CultureInfo.InvariantCulture) : Number(first, prefix.Length);
            Length = (prefix is null ? BigInteger.Parse(last, CultureInfo.InvariantCulture) : Number(last, prefix.Length)) - _first + 1;
        }

        public BigInteger Length { get; }

        // What the two texts begin with alike is left out of the count; of what follows, a few printable characters decide.
        public static Scale? OfTexts(string first, string last)
        {
            var common = 0;
            while (common < first.Length && common < last.Length && common < 256 && first[common] == last[common]) common++;
            if (common > 0 && char.IsHighSurrogate(first[common - 1])) common--;
            var scale = new Scale(first, last, first[..common]);
            return scale.Length > 1 ? scale : null;
        }

        public byte[] At(BigInteger offset)
        {
            var number = _first + offset;
            if (_prefix is null) return Encoding.ASCII.GetBytes(number.ToString(CultureInfo.InvariantCulture));
            Span<char> digits = stackalloc char[Digits];
            for (var i = Digits - 1; i >= 0; i--)
            {
                digits[i] = (char)(FirstCharacter + (int)(number % Characters));
                number /= Characters;
            }

            return Encoding.UTF8.GetBytes(string.Concat(_prefix, digits.TrimEnd(' ')));
        }

        private static BigInteger Number(string text, int from)
        {
            var number = BigInteger.Zero;
            for (var i = from; i < from + Digits; i++)
            {
                var character = i < text.Length ? Math.Clamp(text[i], ' ', '~') : ' ';
                number = (number * Characters) + (character - FirstCharacter);
            }

            return number;
        }
    }
}
