using System.Buffers;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.MySql;

/// <summary>Finds one row by its key.</summary>
internal static class RowLookup
{
    /// <summary>The document of the row with exactly this key.</summary>
    /// <param name="session">The connection; its transaction is ended, so that the next look sees what is new.</param>
    /// <param name="layout">The table.</param>
    /// <param name="key">The key as the column takes it.</param>
    /// <returns>Null where there is no such row.</returns>
    public static byte[]? Find(MySqlSession session, TableLayout layout, ReadOnlySpan<byte> key)
    {
        var column = layout.Key[0];
        var reader = new RowReader([RowColumn.Of(column)], layout.Content is { } content ? RowColumn.Of(content) : null, [.. layout.Table.Columns.Select(RowColumn.Of)]);
        var sql = new ArrayBufferWriter<byte>();
        SqlText.Write($"SELECT {reader.SelectList} FROM {layout.Table.Quoted} WHERE {column.Quoted}=", sql);
        WriteValue(sql, column, key);
        if (!column.TellsBytesApart && column.Kind != ColumnKind.Integer)
        {
            SqlText.Write($" AND {InsertStatement.Exact(column.Quoted, column)}=", sql);
            WriteValue(sql, column, key);
        }

        using var found = new RecordBatchBuilder();
        using (var result = session.Open(sql.WrittenSpan))
        {
            while (result.Read()) reader.Append(result, 0, found);
        }

        session.Execute("COMMIT");
        using var batch = found.Build(default, 0, "row");
        return batch.Count == 0 ? null : batch.Records.Span[0].Json.ToArray();
    }

    private static void WriteValue(ArrayBufferWriter<byte> sql, MySqlColumn column, ReadOnlySpan<byte> key)
    {
        if (column.Kind == ColumnKind.Integer) sql.Write(key);
        else if (column.Kind == ColumnKind.Bytes) SqlText.WriteBytes(key, sql);
        else SqlText.WriteLiteral(key, sql);
    }
}
