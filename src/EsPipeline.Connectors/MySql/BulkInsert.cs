using System.Runtime.InteropServices;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Sends many rows with one execution of a prepared statement: MariaDB's bulk protocol, which needs no escaping and which the server
/// treats as one statement. All parameters are arrays of pointers into a <see cref="RowBlock"/>.
/// </summary>
internal static unsafe class BulkInsert
{
    // What the client library says where a server, or something in between, lacks the protocol.
    private const uint NotSupported = 5003;

    /// <summary>Executes an INSERT for some rows of a block.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="sql">The statement, with a question mark for each column.</param>
    /// <param name="rows">The rows; a bytes column's values are sent as bytes.</param>
    /// <param name="isBytes">Which columns hold bytes rather than text.</param>
    /// <param name="first">The first row.</param>
    /// <param name="count">How many.</param>
    /// <param name="affected">Rows that were changed, as the server counts them.</param>
    /// <returns>False, with nothing done, where the server lacks the protocol.</returns>
    public static bool Execute(
        MySqlSession session, string sql, RowBlock rows, ReadOnlySpan<bool> isBytes, int first, int count, out long affected)
    {
        var statement = session.Statement(sql);
        var columns = rows.Columns;
        var cells = (nuint)columns * (nuint)count;
        var pointers = (nint*)NativeMemory.Alloc(cells, (nuint)sizeof(nint));
        var lengths = (CULong*)NativeMemory.Alloc(cells, (nuint)sizeof(CULong));
        var indicators = (Indicator*)NativeMemory.Alloc(cells, sizeof(Indicator));
        var binds = (NativeBind*)NativeMemory.AllocZeroed((nuint)columns, (nuint)sizeof(NativeBind));
        try
        {
            var address = rows.Address;
            for (var column = 0; column < columns; column++)
            {
                var offset = (nint)column * count;
                for (var i = 0; i < count; i++)
                {
                    var (start, length) = rows.PlaceOf(first + i, column);
                    pointers[offset + i] = (nint)(address + start);
                    lengths[offset + i] = new CULong((nuint)length);
                    indicators[offset + i] = rows.IndicatorOf(first + i, column);
                }

                binds[column].Buffer = pointers + offset;
                binds[column].Length = lengths + offset;
                binds[column].Indicator = indicators + offset;
                binds[column].BufferType = isBytes[column] ? NativeType.Blob : NativeType.String;
            }

            var size = (uint)count;
            var started = session.Now();
            if (MariaDbLibrary.StatementSetAttribute(statement, NativeConstants.ArraySize, &size) != 0
                || MariaDbLibrary.StatementBind(statement, binds) != 0
                || MariaDbLibrary.StatementExecute(statement) != 0)
            {
                affected = 0;
                if (MariaDbLibrary.StatementErrorNumber(statement) == NotSupported) return false;
                throw session.StatementFailure(statement, started);
            }

            affected = (long)MariaDbLibrary.StatementAffectedRows(statement);
            return true;
        }
        finally
        {
            NativeMemory.Free(binds);
            NativeMemory.Free(indicators);
            NativeMemory.Free(lengths);
            NativeMemory.Free(pointers);
        }
    }
}
