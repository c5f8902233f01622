using System.Globalization;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Records;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Finds changed rows by the transaction that wrote their newest version. It needs no column and no right but to read the table, and
/// misses nothing; it reads the whole table each time (0.4 s for a million rows), in windows of blocks, so that the server is never silent for
/// long where little has changed.
/// </summary>
/// <remarks>
/// Transactions are compared by their age, which is right across the wrap-around of their 32-bit numbers; where more than 2^31 of them have
/// passed, or the server has not come as far as it had before (a failover, a restored backup), everything counts as changed.
/// </remarks>
internal sealed class AgeReader(PostgresDatabase database, DocumentBatches batches, SourceTuning tuning)
{
    private const ulong HalfOfAllNumbers = int.MaxValue;

    /// <summary>Reads what has changed in a table since a mark.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(TrackedTable table, AgePosition start, [EnumeratorCancellation] CancellationToken ct)
    {
        var connection = await database.OpenAsync(ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await PostgresDatabase.ExecuteAsync(connection, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY", ct).ConfigureAwait(false);
            var row = await PostgresDatabase.RowAsync(
                connection, "SELECT pg_snapshot_xmin(s)::text, pg_snapshot_xmax(s)::text FROM pg_current_snapshot() s", ct).ConfigureAwait(false);
            var end = new AgePosition(start.Mark with { Transaction = ulong.Parse(row[0]!, CultureInfo.InvariantCulture) });
            var next = ulong.Parse(row[1]!, CultureInfo.InvariantCulture);
            var passed = next - Math.Min(start.Mark.Transaction, end.Mark.Transaction);

            // A server that has not begun a transaction of the mark's is another one, or was put back: what it did since has smaller numbers.
            var isYoung = passed >= HalfOfAllNumbers || start.Mark.Transaction > next
                ? "true" : string.Create(CultureInfo.InvariantCulture, $"age(xmin) BETWEEN 0 AND age('{start.Mark.Transaction & uint.MaxValue}'::xid)");
            foreach (var store in table.Table.Stores)
            {
                var length = await BlockReader.LengthAsync(connection, store, fileNode: null, ct).ConfigureAwait(false);
                for (uint from = 0, window; from < length; from += window)
                {
                    window = Math.Min(tuning.WindowBlocks, length - from);
                    var places = $"ctid >= '({from},0)' AND ctid < '({from + window},0)'";
                    await PostgresDatabase.ExecuteAsync(
                        connection, $"DECLARE changed NO SCROLL CURSOR FOR SELECT {table.SelectColumns} FROM ONLY {store.Name} WHERE {places} AND {isYoung}", ct)
                        .ConfigureAwait(false);
                    while (await FetchAsync(connection, ct).ConfigureAwait(false) is { Count: > 0 } keys)
                    {
                        var loaded = batches.OfAsync(connection, table, keys, start.ToPosition(), start.ToPosition(), ct);
                        await foreach (var batch in loaded.ConfigureAwait(false)) yield return batch;
                    }

                    await PostgresDatabase.ExecuteAsync(connection, "CLOSE changed", ct).ConfigureAwait(false);
                }
            }

            await PostgresDatabase.ExecuteAsync(connection, "COMMIT", ct).ConfigureAwait(false);
            yield return RecordBatch.Empty(end.ToPosition());
        }
    }

    private async Task<IReadOnlyCollection<string>> FetchAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        while (true)
        {
            var rows = await PostgresDatabase.RowsAsync(connection, $"FETCH {tuning.BatchRecords} FROM changed", ct).ConfigureAwait(false);
            if (rows.Count == 0) return [];
            var keys = rows.Where(r => r.All(v => v is not null)).Select(r => KeyText.Join(r!)).Distinct().ToArray();
            if (keys.Length > 0) return keys;
        }
    }
}
