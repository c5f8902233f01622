using System.Buffers;

namespace EsPipeline.Connectors.MySql;

/// <summary>Sends many rows as one INSERT statement of text, as every MySQL server takes it.</summary>
internal static class TextInsert
{
    /// <summary>Executes an INSERT for some rows of a block.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="statement">The statement.</param>
    /// <param name="rows">The rows.</param>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many.</param>
    public static void Execute(MySqlSession session, InsertStatement statement, RowBlock rows, int first, int count)
    {
        var sql = new ArrayBufferWriter<byte>(64 * 1024);
        SqlText.Write(statement.Head, sql);
        for (var row = first; row < first + count; row++)
        {
            sql.Write(row == first ? "("u8 : ",("u8);
            for (var column = 0; column < rows.Columns; column++)
            {
                if (column > 0) sql.Write(","u8);
                WriteValue(rows, row, column, statement.IsBytes[column], sql);
            }

            sql.Write(")"u8);
        }

        SqlText.Write(statement.Tail, sql);
        if (sql.WrittenCount >= session.Server.MaxAllowedPacket)
        {
            throw TableErrors.PacketTooLarge.Error(
                $"As a statement it has {sql.WrittenCount} bytes; max_allowed_packet of the server is {session.Server.MaxAllowedPacket}.");
        }

        session.Execute(sql.WrittenSpan);
    }

    private static void WriteValue(RowBlock rows, int row, int column, bool isBytes, ArrayBufferWriter<byte> sql)
    {
        switch (rows.IndicatorOf(row, column))
        {
            case Indicator.Null: sql.Write("NULL"u8); break;
            case Indicator.Default: sql.Write("DEFAULT"u8); break;
            default:
                if (isBytes) SqlText.WriteBytes(rows[row, column], sql);
                else SqlText.WriteLiteral(rows[row, column], sql);
                break;
        }
    }
}
