using System.Globalization;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// The time up to which changes are complete: every transaction that could still commit a row with an earlier time has ended. That is the
/// time at which the oldest open transaction began, where the account may see it (privilege PROCESS), else now; less the overlap, for times
/// that an application took a while before it wrote them.
/// </summary>
internal sealed class FollowHorizon(TimeSpan overlap, ILogger log)
{
    private const long MicrosecondsPerSecond = 1_000_000;
    private static readonly TimeSpan LongTransaction = TimeSpan.FromMinutes(10);

    // InnoDB tells the beginning of a transaction in the zone of the machine, whatever the session's. A statement that waits for a table's
    // lock has its time already and no transaction yet.
    private const string OldestTransaction =
        "SELECT trx_mysql_thread_id,TIMESTAMPDIFF(SECOND,trx_started,CONVERT_TZ(UTC_TIMESTAMP(),'+00:00','SYSTEM')) FROM information_schema.INNODB_TRX "
        + "WHERE trx_mysql_thread_id<>CONNECTION_ID() AND trx_autocommit_non_locking=0 ORDER BY trx_started LIMIT 1";

    private const string OldestWaiting =
        "SELECT ID,TIME FROM information_schema.PROCESSLIST WHERE ID<>CONNECTION_ID() AND COMMAND IN ('Query','Execute') "
        + "AND STATE LIKE 'Waiting for table%' ORDER BY TIME DESC LIMIT 1";

    private bool _blind;
    private string? _heldBy;

    /// <summary>Asks the server, in statements of their own before anything is read.</summary>
    /// <returns>Microseconds since 1970, a whole second.</returns>
    public long Ask(MySqlSession session)
    {
        var now = ServerTime.Parse(session.Rows("SELECT NOW(6)")[0][0]) ?? throw MySqlErrors.Server.Error($"{session.Server.Name} does not tell the time.");
        var age = OldestAge(session);

        // Begun in the future: the clocks were just put back. An hour covers the end of summer time.
        if (age < TimeSpan.Zero) age += TimeSpan.FromHours(1);
        var complete = now - (long)(age + overlap).TotalMicroseconds;

        // A column without fractions holds the second that a time lies in.
        return complete - (complete % MicrosecondsPerSecond);
    }

    private TimeSpan OldestAge(MySqlSession session)
    {
        if (_blind) return TimeSpan.Zero;
        try
        {
            var oldest = TimeSpan.Zero;
            foreach (var question in (string[])[OldestTransaction, OldestWaiting])
            {
                if (session.Rows(question) is not [[var id, { } seconds]]) continue;

                // Whole seconds, rounded down.
                var age = TimeSpan.FromSeconds(1 + long.Parse(seconds, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
                if (age > oldest || age < TimeSpan.Zero) oldest = age;
                if (age < LongTransaction || _heldBy == id) continue;
                _heldBy = id;
                Log.MySqlLongTransaction(log, id ?? "", age.TotalMinutes);
            }

            return oldest;
        }
        catch (PipelineException e) when (e.Error == MySqlErrors.NotAllowed)
        {
            _blind = true;
            Log.MySqlCannotSeeTransactions(log, overlap.TotalSeconds);
            return TimeSpan.Zero;
        }
    }
}
