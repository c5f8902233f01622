using System.Buffers;
using EsPipeline.Core.Checkpoints;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Writes the SELECT of a page: what follows the last row in the order of the key, or of the time of change and then the key. The server
/// compares, so that the order is the one of each column's collation.
/// </summary>
/// <param name="target">What is read.</param>
/// <param name="byTime">True to read in the order of the time of change.</param>
internal sealed class KeysetQuery(ReadTarget target, bool byTime)
{
    private readonly RowColumn[] _order = byTime ? [target.Updated!, .. target.Key] : [.. target.Key];

    /// <summary>What the rows begin with.</summary>
    public RowReader Reader { get; } = target.Reader();

    /// <summary>Which values of a row reading goes on from; <see cref="MySqlPosition.After"/>.</summary>
    public int[] PlaceColumns { get; } = PlaceColumnsOf(target.Reader(), byTime);

    /// <summary>Writes the statement.</summary>
    /// <param name="position">Where to go on.</param>
    /// <param name="since">The earliest time of change.</param>
    /// <param name="until">The latest time of change.</param>
    /// <param name="limit">Rows at most; null for all.</param>
    public ReadOnlyMemory<byte> Write(MySqlPosition position, DateTimeOffset? since, DateTimeOffset? until, int? limit)
    {
        var sql = new ArrayBufferWriter<byte>(512);
        SqlText.Write($"SELECT {Reader.SelectList}{(byTime ? "," + target.Updated!.Quoted : "")} FROM {target.From}", sql);
        var conditions = 0;
        if (position.After is { } after)
        {
            if (after.Length != _order.Length) throw CheckpointErrors.BadPosition.Error($"'{position.ToPosition()}' does not fit the key of {target.Name}.");
            Begin();
            WriteAfter(after, sql);
        }
        else if (position.From is { } from)
        {
            Compare(_order[0], ">=", from);
        }

        if (position.Below is { } below) Compare(_order[0], "<", below);
        if (position is { Kind: PositionKind.Changes, After: null, Follow: { } follow }) Compare(target.Updated!, ">=", ServerTime.Bytes(follow));
        if (since is { } first) Compare(target.Updated!, ">=", ServerTime.Bytes(ServerTime.Of(first)));
        if (until is { } last) Compare(target.Updated!, "<=", ServerTime.Bytes(ServerTime.Of(last)));
        SqlText.Write(" ORDER BY " + string.Join(',', _order.Select(target.SortOf)), sql);
        if (limit is { } rows) SqlText.Write($" LIMIT {rows}", sql);
        return sql.WrittenMemory;

        void Begin() => SqlText.Write(conditions++ == 0 ? " WHERE " : " AND ", sql);

        void Compare(RowColumn column, string comparison, ReadOnlySpan<byte> value)
        {
            Begin();
            SqlText.Write($"{target.OrderOf(column)}{comparison}", sql);
            WriteValue(column, value, sql);
        }
    }

    // (a, b) > (x, y) as a >= x AND (a > x OR (a = x AND b > y)): the first part is what an index serves.
    private void WriteAfter(byte[][] after, ArrayBufferWriter<byte> sql)
    {
        if (_order.Length > 1)
        {
            SqlText.Write(target.OrderOf(_order[0]) + ">=", sql);
            WriteValue(_order[0], after[0], sql);
            SqlText.Write(" AND ", sql);
        }

        for (var i = 0; i < _order.Length; i++)
        {
            var isLast = i == _order.Length - 1;
            SqlText.Write($"{(isLast ? "" : "(")}{target.OrderOf(_order[i])}>", sql);
            WriteValue(_order[i], after[i], sql);
            if (isLast) break;
            SqlText.Write($" OR ({target.OrderOf(_order[i])}=", sql);
            WriteValue(_order[i], after[i], sql);
            SqlText.Write(" AND ", sql);
        }

        SqlText.Write(new string(')', 2 * (_order.Length - 1)), sql);
    }

    // A position comes from a file: a number is one before it goes into a statement (invariant 6).
    private static void WriteValue(RowColumn column, ReadOnlySpan<byte> value, ArrayBufferWriter<byte> sql)
    {
        if (column.OrdersAsNumber)
        {
            if (!NumberValue.IsNumber(value)) throw CheckpointErrors.BadPosition.Error($"The position has no number for the column '{column.Name}'.");
            sql.Write(value);
        }
        else if (column.Kind == ColumnKind.Bytes)
        {
            SqlText.WriteBytes(value, sql);
        }
        else
        {
            SqlText.WriteLiteral(value, sql);
        }
    }

    private static int[] PlaceColumnsOf(RowReader reader, bool byTime) => byTime ? [reader.SelectedColumns, .. reader.OrderingColumns] : [.. reader.OrderingColumns];
}
