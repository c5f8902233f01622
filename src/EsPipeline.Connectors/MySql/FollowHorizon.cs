using System.Globalization;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// The time up to which changes are complete: every transaction that could still commit a row with an earlier time has ended. That is the
/// time at which the oldest open transaction began, where the account may see it (privilege PROCESS), else now; less the overlap, for times
/// that an application took a while before it wrote them.
/// </summary>
/// <remarks>
/// InnoDB tells of transactions from a list that it makes anew only when nobody has asked for 0.1 s (<c>CACHE_MIN_IDLE_TIME</c> in its
/// <c>trx0i_s.cc</c>), so that a monitor can keep it as old as it likes. A transaction of our own, begun before the list is looked at, shows
/// whether it is new enough. A replica's list has no transaction of the server that it copies: only the overlap covers those, on top of how
/// far it is behind.
/// </remarks>
internal sealed class FollowHorizon(TimeSpan overlap, ILogger log)
{
    private const long MicrosecondsPerSecond = 1_000_000;
    private const int MostLooks = 12;
    private static readonly TimeSpan LongTransaction = TimeSpan.FromMinutes(10);

    // A statement that waits for a lock on a table or on everything (FLUSH TABLES WITH READ LOCK, a backup) has its time already and no
    // transaction yet. What applies another server's log waits for more of it, and is 'system user'.
    private const string OldestWaiting =
        "SELECT ID,TIME FROM information_schema.PROCESSLIST WHERE ID<>CONNECTION_ID() AND COMMAND IN ('Query','Execute') "
        + "AND USER<>'system user' AND STATE LIKE 'Waiting for%' ORDER BY TIME DESC LIMIT 1";

    private const string OurTransaction = "START TRANSACTION WITH CONSISTENT SNAPSHOT";

    /// <summary>Now in the zone of the machine, in which InnoDB tells the beginning of a transaction, whatever the session's.</summary>
    internal const string MachineTime = "CONVERT_TZ(UTC_TIMESTAMP(),'+00:00','SYSTEM')";

    /// <summary>
    /// The most seconds that may have passed where the machine's clock shows <c>age</c> more of them: it may have been put back meanwhile, by 2
    /// hours at most (Antarctica/Troll).
    /// </summary>
    internal const string MostAge = "age+COALESCE(GREATEST(0,TIMESTAMPDIFF(SECOND," + Earliest + ",CONVERT_TZ(" + Earliest + ",'+00:00','SYSTEM'))"
        + "-TIMESTAMPDIFF(SECOND,UTC_TIMESTAMP()," + MachineTime + ")),0)";

    private const string Earliest = "(UTC_TIMESTAMP()-INTERVAL age+7200 SECOND)";

    // Ours, then the oldest of the others.
    private const string OursAndOldest = "SELECT id," + MostAge + ",ours FROM (SELECT trx_mysql_thread_id AS id,TIMESTAMPDIFF(SECOND,trx_started," + MachineTime + ") AS age,"
        + "trx_mysql_thread_id=CONNECTION_ID() AS ours FROM information_schema.INNODB_TRX WHERE trx_autocommit_non_locking=0 OR trx_mysql_thread_id=CONNECTION_ID()) AS open "
        + "ORDER BY ours DESC,age DESC LIMIT 2";

    private const string OfNobody = "SELECT trx_id FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id=0 AND trx_autocommit_non_locking=0";

    // Longer than the list's rest, and uneven, so that two that wait do not keep each other waiting.
    private const string WaitForNewList = "DO SLEEP(0.11+0.1*RAND())";

    private bool _blind;
    private bool _stale;
    private bool _orphaned;
    private string? _warnedOfReplica;
    private string? _heldBy;

    /// <summary>Asks the server, before anything is read. Leaves a transaction open.</summary>
    /// <param name="session">A connection that was not asked before: its number is what tells a new list from an old one.</param>
    /// <returns>
    /// Microseconds since 1970, a whole second; 0, so nothing is complete, where the server's list of transactions stays stale or does not say
    /// since when one is open. And the time by the server's clock.
    /// </returns>
    public (long Complete, long Now) Ask(MySqlSession session)
    {
        var now = ServerTime.Parse(session.Rows("SELECT NOW(6)")[0][0]) ?? throw MySqlErrors.Server.Error($"{session.Server.Name} does not tell the time.");
        var replica = ReplicaState.Of(session);
        WarnOf(replica, session.Server);
        if (replica.IsStopped || OldestAge(session) is not { } age) return (0, now);

        // Begun in the future: somebody has put the clock back, by an hour mostly. Whatever it was, times to come are not complete.
        if (age < TimeSpan.Zero) age = TimeSpan.FromTicks(Math.Max(0, (age + TimeSpan.FromHours(1)).Ticks));
        var complete = now - (long)(age + replica.Lag + overlap).TotalMicroseconds;

        // A column without fractions holds the second that a time lies in.
        return (complete - (complete % MicrosecondsPerSecond), now);
    }

    private void WarnOf(ReplicaState replica, MySqlServer server)
    {
        var warning = replica.Warning(server, overlap);
        if (warning is not null && warning != _warnedOfReplica) Log.MySqlReplica(log, warning);
        _warnedOfReplica = warning;
    }

    private TimeSpan? OldestAge(MySqlSession session)
    {
        if (_blind) return TimeSpan.Zero;
        try
        {
            // What waits now has a transaction by the time that the list is made, or is seen waiting.
            var oldest = session.Rows(OldestWaiting);
            if (OldestTransaction(session) is not { } transaction) return null;
            oldest.AddRange(transaction);
            return oldest.Aggregate(TimeSpan.Zero, (age, row) => Older(age, row[0], row[1]));
        }
        catch (PipelineException e) when (e.Error == MySqlErrors.NotAllowed)
        {
            _blind = true;
            Log.MySqlCannotSeeTransactions(log, overlap.TotalSeconds);
            return TimeSpan.Zero;
        }
    }

    // At most one row; null where the list is older than our own transaction, and stays so. Of one that was prepared before a restart (XA) the
    // list has the time of the restart. It has no connection, and is there at every look; what the server does by itself, and what is prepared and
    // then let go of by its connection, has none either, says when it began, and is soon over.
    private List<string?[]>? OldestTransaction(MySqlSession session)
    {
        session.Execute(OurTransaction);
        List<string?[]> listed = [];
        HashSet<string>? ofNobody = null;
        for (var look = 1; look <= MostLooks; look++)
        {
            listed = session.Rows(OursAndOldest);
            if (listed is [[_, _, "1"], .. var others])
            {
                var now = session.Rows(OfNobody).Select(row => row[0]!);
                if (ofNobody is null) ofNobody = [.. now];
                else ofNobody.IntersectWith(now);
                if (ofNobody.Count == 0)
                {
                    (_stale, _orphaned) = (false, false);
                    return others;
                }
            }

            session.Execute(WaitForNewList);
        }

        var isOrphaned = listed is [[_, _, "1"], ..];
        if (isOrphaned && !_orphaned) Log.MySqlTransactionOfNobody(log, session.Server.Name);
        if (!isOrphaned && !_stale) Log.MySqlTransactionsStale(log, session.Server.Name);
        (_stale, _orphaned) = (!isOrphaned, isOrphaned);
        return null;
    }

    private TimeSpan Older(TimeSpan oldest, string? id, string? seconds)
    {
        if (seconds is null) return oldest;

        // Whole seconds, rounded down.
        var age = TimeSpan.FromSeconds(1 + long.Parse(seconds, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture));
        if (age >= LongTransaction && _heldBy != id)
        {
            _heldBy = id;
            Log.MySqlLongTransaction(log, id ?? "", age.TotalMinutes);
        }

        return age > oldest || age < TimeSpan.Zero ? age : oldest;
    }
}
