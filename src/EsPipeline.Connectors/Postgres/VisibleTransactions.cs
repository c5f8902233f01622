using System.Globalization;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Waits until transactions that the log has delivered can be seen by a query. A commit is in the log, and may be delivered from there, a moment
/// before other sessions see it (the backend flushes its commit record first and leaves the list of running transactions then), and longer on
/// a busy machine: a document that is read in between is the old one, and nothing would come later to replace it.
/// </summary>
internal static class VisibleTransactions
{
    private static readonly TimeSpan Glance = TimeSpan.FromMilliseconds(5);

    /// <param name="connection">Where the documents will be read; not in a transaction.</param>
    /// <param name="transactions">32-bit ids, as the log has them.</param>
    /// <param name="longest">The longest to wait.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ct">Ends the wait.</param>
    /// <exception cref="Core.Errors.PipelineException">They can't be seen for too long.</exception>
    public static async Task WaitForAsync(
        NpgsqlConnection connection, IReadOnlyCollection<uint> transactions, TimeSpan longest, TimeProvider time, CancellationToken ct)
    {
        var started = time.GetTimestamp();
        while (true)
        {
            var row = await PostgresDatabase.RowAsync(connection, "SELECT pg_current_snapshot()::text", ct).ConfigureAwait(false);
            if (transactions.All(t => Sees(row[0]!, t))) return;
            if (time.GetElapsedTime(started) > longest)
            {
                throw PostgresErrors.Timeout.Error($"A committed transaction of the log could not be seen for {longest.TotalSeconds} s.");
            }

            await Task.Delay(Glance, time, ct).ConfigureAwait(false);
        }
    }

    /// <summary>True where a snapshot has a transaction behind it.</summary>
    /// <param name="snapshot">As the server writes it, <c>xmin:xmax:running,…</c>, with 64-bit ids.</param>
    /// <param name="transaction">A 32-bit id, taken as the one of its 64-bit ids that is nearest to xmax.</param>
    internal static bool Sees(string snapshot, uint transaction)
    {
        var parts = snapshot.Split(':');
        var (xmin, xmax) = (Id(parts[0]), Id(parts[1]));
        var full = xmax + (int)(transaction - (uint)xmax);
        return full < xmin || (full < xmax && !parts[2].Split(',', StringSplitOptions.RemoveEmptyEntries).Any(running => Id(running) == full));
    }

    private static long Id(string text) => long.Parse(text, CultureInfo.InvariantCulture);
}
