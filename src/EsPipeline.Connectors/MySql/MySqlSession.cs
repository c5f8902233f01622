using System.Runtime.InteropServices;
using System.Text;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// A connection as the thread that owns it sees it: every call blocks until the server has answered. Other threads go through
/// <see cref="MySqlConnection"/>.
/// </summary>
internal sealed unsafe class MySqlSession : IDisposable
{
    private readonly Dictionary<string, nint> _statements = [];
    private readonly TimeProvider _time;
    private readonly TimeSpan _timeout;
    private nint _mysql;

    /// <summary>Takes over a connected handle.</summary>
    public MySqlSession(nint mysql, TimeSpan timeout, TimeProvider time)
    {
        (_mysql, _timeout, _time) = (mysql, timeout, time);
        ThreadId = MariaDbLibrary.ThreadId(mysql).Value;
    }

    /// <summary>The library's handle.</summary>
    public nint Handle => _mysql;

    /// <summary>The server's number of this connection, as KILL wants it.</summary>
    public ulong ThreadId { get; }

    /// <summary>What the server has said of itself.</summary>
    public MySqlServer Server { get; private set; } = MySqlServer.Unknown;

    /// <summary>True after a failure that leaves the connection unusable.</summary>
    public bool IsBroken { get; private set; }

    /// <summary>The result whose rows are being read; null where none is, so that the connection can do something else.</summary>
    public MySqlResult? OpenResult { get; set; }

    /// <summary>Warnings of the last statement.</summary>
    public uint Warnings => MariaDbLibrary.WarningCount(_mysql);

    /// <summary>Rows that the last statement changed, as the server counts them.</summary>
    public long AffectedRows => MariaDbLibrary.AffectedRows(_mysql);

    /// <summary>The server's summary of the last statement (<c>Records: 3  Duplicates: 1  Warnings: 0</c>); empty where it gave none.</summary>
    public string Info => Text(MariaDbLibrary.Info(_mysql));

    /// <summary>Asks the server what it is, and makes the session's settings those that espipe relies on.</summary>
    public void Prepare(SessionUse use)
    {
        Server = MySqlServer.Of(Rows(MySqlServer.Question));
        foreach (var settings in Server.SettingsFor(use, _timeout)) Execute(settings);
    }

    /// <summary>Runs a statement; what it returns is read and thrown away.</summary>
    public void Execute(string sql) => Execute(Encoding.UTF8.GetBytes(sql));

    /// <summary>Runs a statement; what it returns is read and thrown away.</summary>
    public void Execute(ReadOnlySpan<byte> sql)
    {
        Send(sql);
        if (MariaDbLibrary.FieldCount(_mysql) == 0) return;
        using var result = new MySqlResult(this);
        while (result.Read())
        {
        }
    }

    /// <summary>Runs a statement that tidies up; a failure of it does not matter.</summary>
    public void TryExecute(string sql)
    {
        fixed (byte* text = Encoding.UTF8.GetBytes(sql))
        {
            _ = MariaDbLibrary.Query(_mysql, text, new CULong((nuint)Encoding.UTF8.GetByteCount(sql)));
        }
    }

    /// <summary>Runs a query with a small result.</summary>
    public List<string?[]> Rows(string sql)
    {
        using var result = Open(Encoding.UTF8.GetBytes(sql));
        var rows = new List<string?[]>();
        while (result.Read())
        {
            var row = new string?[result.Fields.Length];
            for (var i = 0; i < row.Length; i++) row[i] = result.IsNull(i) ? null : Encoding.UTF8.GetString(result[i]);
            rows.Add(row);
        }

        return rows;
    }

    /// <summary>Runs a query whose rows are taken from the network one by one.</summary>
    public MySqlResult Open(ReadOnlySpan<byte> sql)
    {
        Send(sql);
        return new MySqlResult(this);
    }

    /// <summary>A prepared statement; kept for the next time.</summary>
    public nint Statement(string sql)
    {
        if (_statements.TryGetValue(sql, out var statement)) return statement;
        statement = MariaDbLibrary.StatementInit(_mysql);
        if (statement == 0) throw Failure(_time.GetTimestamp());
        var started = _time.GetTimestamp();
        fixed (byte* text = Encoding.UTF8.GetBytes(sql))
        {
            if (MariaDbLibrary.StatementPrepare(statement, text, new CULong((nuint)Encoding.UTF8.GetByteCount(sql))) != 0)
            {
                var error = StatementFailure(statement, started);
                _ = MariaDbLibrary.StatementClose(statement);
                throw error;
            }
        }

        return _statements[sql] = statement;
    }

    /// <summary>The error of a statement that has just failed.</summary>
    public PipelineException StatementFailure(nint statement, long started) =>
        Failure(MariaDbLibrary.StatementErrorNumber(statement), Text(MariaDbLibrary.StatementErrorText(statement)), started);

    /// <summary>The error of what has just failed.</summary>
    /// <param name="started">When the call began.</param>
    public PipelineException Failure(long started) => Failure(MariaDbLibrary.ErrorNumber(_mysql), Text(MariaDbLibrary.ErrorText(_mysql)), started);

    /// <summary>The clock, for <see cref="Failure(long)"/>.</summary>
    public long Now() => _time.GetTimestamp();

    /// <summary>Closes the connection; its open transaction is rolled back.</summary>
    public void Dispose()
    {
        if (_mysql == 0) return;
        OpenResult?.Dispose();
        foreach (var statement in _statements.Values) _ = MariaDbLibrary.StatementClose(statement);
        MariaDbLibrary.Close(_mysql);
        _mysql = 0;
    }

    /// <summary>Text of the library, which is UTF-8 or ASCII.</summary>
    internal static string Text(nint text) => Marshal.PtrToStringUTF8(text) ?? "";

    private void Send(ReadOnlySpan<byte> sql)
    {
        var started = _time.GetTimestamp();
        fixed (byte* text = sql)
        {
            if (MariaDbLibrary.Query(_mysql, text, new CULong((nuint)sql.Length)) != 0) throw Failure(started);
        }
    }

    private PipelineException Failure(uint number, string text, long started)
    {
        var error = ServerFailure.Of(number, text, Server.Name);

        // The client library's own numbers, and what a server says before it closes a connection.
        IsBroken |= number is (>= 2000 and < 3000) or (>= 5000 and < 6000) or 1053 or 1153 or 1159 or 1161 or 1927 or 4031;
        return error.Error == MySqlErrors.ConnectionLost && _time.GetElapsedTime(started) >= _timeout * 0.9
            ? MySqlErrors.Timeout.Error($"{Server.Name} has not answered for {_timeout.TotalSeconds:0.#} s.")
            : error;
    }
}
