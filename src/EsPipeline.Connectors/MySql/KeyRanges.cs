using System.Buffers;
using System.Globalization;
using System.Numerics;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Divides a table into ranges of its key's first column with about as many rows in each, by asking the optimizer how many rows it expects
/// in pieces of the span of keys, and dividing again those with many: some index dives, whatever the size of the table. The bounds are only
/// as good as its guesses; that every row lies in exactly one range does not depend on them.
/// </summary>
/// <remarks>
/// InnoDB never guesses more than half a table and guesses twice too much for what is larger than some pages, so that guesses of large
/// ranges say nothing of their middle, and only those of pieces can be compared.
/// </remarks>
internal sealed class KeyRanges
{
    private const int PiecesPerRange = 4;
    private const int Division = 8;
    private const int MostGuesses = 1000;
    private const int GuessesPerQuery = 64;

    private readonly MySqlSession _session;
    private readonly RowColumn _key;
    private readonly string _from;
    private readonly KeyScale _scale;
    private int _guesses;

    private KeyRanges(MySqlSession session, RowColumn key, string from, KeyScale scale) => (_session, _key, _from, _scale) = (session, key, from, scale);

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
        if (table.Find(key.Name) is not { } column) return [];
        var from = $"{target.From} FORCE INDEX ({SqlText.Name(index.Name)})";
        if (Ends(session, key, from) is not var (first, last)) return [];
        var ranges = new KeyRanges(session, key, from, KeyScale.Of(column, first, last));
        parts = (int)Math.Min(parts, (ranges.Guess([default]) is [var total] ? total : table.EstimatedRows) / leastRows);
        return parts < 2 ? [] : ranges.Bounds(parts);
    }

    private static (byte[] First, byte[] Last)? Ends(MySqlSession session, RowColumn key, string from)
    {
        var sql = new ArrayBufferWriter<byte>();
        SqlText.Write($"SELECT MIN({key.Quoted}),MAX({key.Quoted}) FROM {from}", sql);
        using var result = session.Open(sql.WrittenSpan);
        (byte[], byte[])? ends = null;
        while (result.Read())
        {
            if (!result.IsNull(0)) ends = (result[0].ToArray(), result[1].ToArray());
        }

        return ends;
    }

    // Where the rows below come nearest to each multiple of a range's share.
    private List<byte[]> Bounds(int parts)
    {
        var pieces = Pieces(parts);
        var total = pieces.Sum(p => p.Rows);
        var bounds = new List<byte[]>();
        if (total == 0) return bounds;
        var (below, next) = (0L, 1);
        for (var i = 0; i < pieces.Count - 1; i++)
        {
            below += pieces[i].Rows;
            if (below + (pieces[i + 1].Rows / 2) < total * next / parts) continue;
            next = (int)Math.Max(next + 1, (below * parts / total) + 1);
            var bound = _scale.At(pieces[i].End);
            if (bounds.Count == 0 || HasRowsBetween(bounds[^1], bound)) bounds.Add(bound);
            if (next >= parts) break;
        }

        return bounds;
    }

    // The whole span in pieces none of which holds more than a fraction of a range.
    private List<Piece> Pieces(int parts)
    {
        var pieces = new List<Piece> { new(BigInteger.Zero, _scale.Length, long.MaxValue) };
        while (true)
        {
            var most = pieces.Count == 1 ? 0 : pieces.Sum(p => p.Rows) / (parts * PiecesPerRange);
            var (divided, asked) = (new List<Piece>(), new List<int>());
            foreach (var piece in pieces)
            {
                if (piece.Rows <= most || piece.Length <= 1)
                {
                    divided.Add(piece);
                    continue;
                }

                for (var i = 0; i < Division; i++)
                {
                    var (start, end) = (piece.Start + (piece.Length * i / Division), piece.Start + (piece.Length * (i + 1) / Division));
                    if (start == end) continue;
                    asked.Add(divided.Count);
                    divided.Add(new Piece(start, end, 0));
                }
            }

            if (asked.Count == 0 || _guesses + asked.Count > MostGuesses) return pieces.Count == 1 ? [] : pieces;
            foreach (var some in asked.Chunk(GuessesPerQuery))
            {
                if (Guess([.. some.Select(i => divided[i])]) is not { } rows) return [];
                for (var i = 0; i < some.Length; i++) divided[some[i]] = divided[some[i]] with { Rows = rows[i] };
            }

            pieces = divided;
        }
    }

    // How many rows the optimizer expects in each; null where it does not say. The default piece is everything.
    private long[]? Guess(Piece[] pieces)
    {
        var sql = new ArrayBufferWriter<byte>(4096);
        for (var i = 0; i < pieces.Length; i++)
        {
            SqlText.Write($"{(i == 0 ? "EXPLAIN " : " UNION ALL ")}SELECT {_key.Quoted} FROM {_from}", sql);
            var hasStart = !pieces[i].Start.IsZero;
            if (hasStart) WriteCondition(" WHERE ", ">=", _scale.At(pieces[i].Start), sql);
            if (!pieces[i].End.IsZero && pieces[i].End < _scale.Length) WriteCondition(hasStart ? " AND " : " WHERE ", "<", _scale.At(pieces[i].End), sql);
        }

        _guesses += pieces.Length;
        using var result = _session.Open(sql.WrittenSpan);
        var (type, rows) = (Column("select_type"), Column("rows"));
        var expected = new List<long>();
        while (result.Read())
        {
            if (type < 0 || rows < 0 || result[type].SequenceEqual("UNION RESULT"u8)) continue;
            expected.Add(result.IsNull(rows) ? 0 : long.Parse(result[rows], NumberStyles.None, CultureInfo.InvariantCulture));
        }

        return expected.Count == pieces.Length ? [.. expected] : null;

        int Column(string name) => Array.FindIndex(result.Fields, f => f.Name.Equals(name, StringComparison.OrdinalIgnoreCase));
    }

    // Bounds rise in the column's own order exactly when a row lies between two of them: from one, and below the next.
    private bool HasRowsBetween(byte[] one, byte[] next)
    {
        var sql = new ArrayBufferWriter<byte>();
        SqlText.Write($"SELECT 1 FROM {_from}", sql);
        WriteCondition(" WHERE ", ">=", one, sql);
        WriteCondition(" AND ", "<", next, sql);
        SqlText.Write(" LIMIT 1", sql);
        using var result = _session.Open(sql.WrittenSpan);
        var found = false;
        while (result.Read()) found = true;
        return found;
    }

    private void WriteCondition(string before, string comparison, byte[] value, ArrayBufferWriter<byte> sql)
    {
        SqlText.Write(before + _key.Quoted + comparison, sql);
        if (_key.Kind == ColumnKind.Integer) sql.Write(value);
        else if (_key.Kind == ColumnKind.Bytes) SqlText.WriteBytes(value, sql);
        else SqlText.WriteLiteral(value, sql);
    }

    private readonly record struct Piece(BigInteger Start, BigInteger End, long Rows)
    {
        public BigInteger Length => End - Start;
    }
}
