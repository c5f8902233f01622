using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors;

/// <summary>What the connectors log; event ids 2000 to 2999, a hundred for each system.</summary>
internal static partial class Log
{
    // Files: 2000 to 2099.
    [LoggerMessage(2000, LogLevel.Warning,
        "{Count} rows of {File} have something in '{Column}' that begins like JSON and is none; they were copied as plain rows, the first is line {Line}")]
    public static partial void BrokenContents(ILogger logger, long count, string column, string file, long line);

    [LoggerMessage(2001, LogLevel.Warning, "More than {Keys} keys: from here on a key that comes again is written again (--unique-keys)")]
    public static partial void UniqueKeysExceeded(ILogger logger, long keys);

    // MySQL and MariaDB: 2300 to 2399.
    [LoggerMessage(2300, LogLevel.Debug, "The cancelled statement of connection {ThreadId} could not be ended on the server, which will notice by itself: {Reason}")]
    public static partial void MySqlNotKilled(ILogger logger, ulong threadId, string reason);

    [LoggerMessage(2301, LogLevel.Warning, "{Server} has not inserted all rows of a bulk statement; from here on they are sent as text, which is slower")]
    public static partial void MySqlBulkIncomplete(ILogger logger, string server);

    [LoggerMessage(2302, LogLevel.Warning, "{Server} warns: {Warning}")]
    public static partial void MySqlWarning(ILogger logger, string server, string warning);

    [LoggerMessage(2303, LogLevel.Warning,
        "A transaction of connection {Connection} has been open for {Minutes:0} minutes: until it ends, the changes since it began are read again each time")]
    public static partial void MySqlLongTransaction(ILogger logger, string connection, double minutes);

    [LoggerMessage(2304, LogLevel.Warning,
        "The account may not see open transactions (privilege PROCESS): a change that is committed more than {Seconds:0} s after its time is missed (--overlap)")]
    public static partial void MySqlCannotSeeTransactions(ILogger logger, double seconds);

    [LoggerMessage(2305, LogLevel.Warning, "{Rows} rows of {Table} have no time in '{Column}': changes of these rows are not seen")]
    public static partial void MySqlRowsWithoutTime(ILogger logger, long rows, string table, string column);
}
