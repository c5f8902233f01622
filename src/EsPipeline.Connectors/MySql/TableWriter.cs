using System.Buffers;
using System.Globalization;
using System.Text;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Writes rows into one table, each call a transaction: it is committed whole, or nothing of it stays. Called on a connection's thread; safe
/// for several connections at once.
/// </summary>
internal sealed class TableWriter
{
    // What the server tells as a warning though it has changed a value.
    private static readonly HashSet<uint> ChangedValue = [1048, 1263, 1264, 1265, 1292, 1300, 1364, 1366, 1406, 1411, 1441, 1690];

    private readonly TableLayout _layout;
    private readonly InsertStatement _insert;
    private readonly bool _guarded;
    private readonly ILogger _log;
    private readonly HashSet<string> _warned = [];
    private volatile bool _bulk;

    /// <param name="server">The server.</param>
    /// <param name="layout">The table.</param>
    /// <param name="columns">The columns that rows have values for; the key's is the first.</param>
    /// <param name="write">What becomes of rows that are there.</param>
    /// <param name="log">Where warnings of the server go, each once.</param>
    public TableWriter(MySqlServer server, TableLayout layout, IReadOnlyList<MySqlColumn> columns, MySqlWrite write, ILogger log)
    {
        _layout = layout;
        _guarded = TableFit.MayHitOthers(layout);
        _insert = new InsertStatement(server, layout.Table, columns, layout.Key[0], write, _guarded);
        _log = log;

        // With triggers, some servers stop a bulk execution after its first row without saying so.
        _bulk = server.HasBulk && !layout.Table.HasTriggers;
    }

    /// <summary>The columns that rows have values for; the key's is the first.</summary>
    public IReadOnlyList<MySqlColumn> Columns => _insert.Columns;

    private MySqlColumn Key => _layout.Key[0];

    /// <summary>Inserts or replaces rows.</summary>
    /// <exception cref="PipelineException">Nothing of it was written; of a permanent kind where a row is to blame.</exception>
    public WriteResult Insert(MySqlSession session, RowBlock rows, int first, int count) => InTransaction(session, () =>
    {
        var changed = Send(session, rows, first, count);
        RefuseChangedValues(session);
        if (!_guarded) return new WriteResult(changed, count - changed, []);
        var collisions = Collisions(session, rows, first, count);
        return new WriteResult(changed, count - changed - collisions.Count, collisions);
    });

    /// <summary>Deletes the rows of some keys; one that is not there has gone already.</summary>
    public WriteResult Delete(MySqlSession session, RowBlock keys, int first, int count) => InTransaction(session, () =>
    {
        var sql = new ArrayBufferWriter<byte>(64 * 1024);
        SqlText.Write($"DELETE FROM {_layout.Table.Quoted} WHERE ", sql);
        WriteKeys(keys, first, count, sql);
        session.Execute(sql.WrittenSpan);
        var deleted = (int)session.AffectedRows;
        return new WriteResult(deleted, count - deleted, []);
    });

    /// <summary>Checks that the account may insert and replace, without a row being touched.</summary>
    public void TryRights(MySqlSession session)
    {
        _ = session.Statement(_insert.Prepared);
        InTransaction(session, () =>
        {
            session.Execute($"UPDATE {_layout.Table.Quoted} SET {Key.Quoted}={Key.Quoted} WHERE 1=0");
            return WriteResult.All(0);
        });
    }

    private static WriteResult InTransaction(MySqlSession session, Func<WriteResult> work)
    {
        try
        {
            var result = work();
            session.Execute("COMMIT");
            return result;
        }
        catch (PipelineException) when (!session.IsBroken)
        {
            // Where this fails too, the first error still is the one to tell: the server rolls back what it never got a COMMIT for.
            session.TryExecute("ROLLBACK");
            throw;
        }
    }

    // How many rows were inserted or changed.
    private int Send(MySqlSession session, RowBlock rows, int first, int count)
    {
        if (_bulk && SendBulk(session, rows, first, count) is { } changed) return changed;
        TextInsert.Execute(session, _insert, rows, first, count);
        return Changed(session.AffectedRows, session.Info, count)
            ?? throw MySqlErrors.Server.Error($"{session.Server.Name} does not account for the {count} rows that it was sent: '{session.Info}'.");
    }

    private int? SendBulk(MySqlSession session, RowBlock rows, int first, int count)
    {
        if (!BulkInsert.Execute(session, _insert.Prepared, rows, _insert.IsBytes, first, count, out var affected))
        {
            _bulk = false;
            return null;
        }

        if (Changed(affected, session.Info, count) is { } changed) return changed;
        session.Execute("ROLLBACK");
        _bulk = false;
        Log.MySqlBulkIncomplete(_log, session.Server.Name);
        return null;
    }

    /// <summary>
    /// What the server's counts mean: an inserted row counts 1, a changed one 2, one that is there as it is 0; the summary of more than one
    /// row ends with how many rows there were, how many were changed, and the warnings, in the server's language.
    /// </summary>
    /// <returns>Rows inserted or changed; null where the server has not seen all rows.</returns>
    internal static int? Changed(long affected, string info, int count)
    {
        if (count == 1) return affected is >= 0 and <= 2 ? (affected == 0 ? 0 : 1) : null;
        var numbers = info.Split(' ', StringSplitOptions.RemoveEmptyEntries)
            .Select(word => long.TryParse(word, CultureInfo.InvariantCulture, out var number) ? number : -1).Where(number => number >= 0).ToArray();
        return numbers is [var seen, var updated, _] && seen == count && affected >= updated ? (int)(affected - updated) : null;
    }

    private void RefuseChangedValues(MySqlSession session)
    {
        if (session.Warnings == 0) return;
        foreach (var warning in session.Rows("SHOW WARNINGS"))
        {
            if (uint.TryParse(warning[1], CultureInfo.InvariantCulture, out var number) && ChangedValue.Contains(number))
            {
                throw ServerFailure.Of(number, warning[2] ?? "", session.Server.Name);
            }

            lock (_warned)
            {
                if (_warned.Add(warning[1] ?? "")) Log.MySqlWarning(_log, session.Server.Name, warning[2] ?? "");
            }
        }
    }

    // Rows whose place another row has: after the INSERT a row with exactly this key is not there.
    private List<RecordFailure> Collisions(MySqlSession session, RowBlock rows, int first, int count)
    {
        var sql = new ArrayBufferWriter<byte>(64 * 1024);
        SqlText.Write($"SELECT {Key.Quoted} FROM {_layout.Table.Quoted} WHERE ", sql);
        WriteKeys(rows, first, count, sql);
        var there = new HashSet<byte[]>(KeyComparer.Instance);
        using (var result = session.Open(sql.WrittenSpan))
        {
            while (result.Read()) there.Add(result[0].ToArray());
        }

        var failures = new List<RecordFailure>();
        var found = there.GetAlternateLookup<ReadOnlySpan<byte>>();
        for (var i = 0; i < count && there.Count < count; i++)
        {
            if (found.Contains(rows[first + i, 0])) continue;
            failures.Add(new RecordFailure(
                i,
                TableErrors.Collides,
                $"Another row of {_layout.Table.Database}.{_layout.Table.Name} has a key that the collation {Key.Collation} can't tell from "
                + $"'{Encoding.UTF8.GetString(rows[first + i, 0])}', or the same value in another unique index."));
        }

        return failures;
    }

    // Exactly these keys, whatever the column's collation takes for equal.
    private void WriteKeys(RowBlock keys, int first, int count, ArrayBufferWriter<byte> sql)
    {
        SqlText.Write(Key.Quoted, sql);
        WriteList();
        if (Key.TellsBytesApart || Key.Kind == ColumnKind.Integer) return;
        SqlText.Write(" AND " + InsertStatement.Exact(Key.Quoted, Key), sql);
        WriteList();

        void WriteList()
        {
            for (var i = first; i < first + count; i++)
            {
                sql.Write(i == first ? " IN ("u8 : ","u8);
                if (Key.Kind == ColumnKind.Integer) sql.Write(keys[i, 0]);
                else if (Key.Kind == ColumnKind.Bytes) SqlText.WriteBytes(keys[i, 0], sql);
                else SqlText.WriteLiteral(keys[i, 0], sql);
            }

            sql.Write(")"u8);
        }
    }
}
