using System.Globalization;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// What the server warned of while it read. A warning that one of its limits has cut the answer ends the run (invariant 4); any other is about
/// what the query itself makes of values, such as a text that is compared with a number, and is told once.
/// </summary>
/// <param name="log">Where the others go.</param>
internal sealed class ReadWarnings(ILogger log)
{
    // ER_CUT_VALUE_GROUP_CONCAT, ER_WARN_ALLOWED_PACKET_OVERFLOWED (the value is NULL instead), MariaDB's ER_QUERY_EXCEEDED_ROWS_EXAMINED_LIMIT.
    private static readonly HashSet<uint> CutAnswer = [1260, 1301, 1931];

    private readonly HashSet<string> _told = [];

    /// <summary>Looks at the warnings of the statement whose rows were just read to their end; the server is asked only where there are any.</summary>
    /// <param name="session">The connection.</param>
    /// <param name="name">What was read.</param>
    /// <exception cref="Core.Errors.PipelineException">The answer was not whole.</exception>
    public void Look(MySqlSession session, string name)
    {
        if (session.Warnings == 0) return;
        foreach (var warning in session.Rows("SHOW WARNINGS"))
        {
            var (level, number, text) = (warning[0], warning[1] ?? "", warning[2] ?? "");
            if (CutAnswer.Contains(uint.Parse(number, CultureInfo.InvariantCulture)))
            {
                throw TableErrors.BadQuery.Error(
                    $"The server has cut what it answered of {name}: {text.TrimEnd('.')} (warning {number}).",
                    "Raise max_allowed_packet on the server or change the query, then copy everything again ('espipe checkpoint reset'): the next run alone would go on behind what was cut.");
            }

            if (level == "Note") continue;
            lock (_told)
            {
                if (_told.Add(number)) Log.MySqlWarning(log, session.Server.Name, text);
            }
        }
    }
}
