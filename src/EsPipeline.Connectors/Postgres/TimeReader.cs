using System.Globalization;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Records;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Finds changed rows by the column that every update sets, up to the <see cref="Horizon"/>.</summary>
internal sealed class TimeReader(PostgresDatabase database, DocumentBatches batches, Horizon horizon, SourceTuning tuning, ILogger log)
{
    /// <summary>Reads what has changed in a table from a time on.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(TrackedTable table, TimePosition start, [EnumeratorCancellation] CancellationToken ct)
    {
        var connection = await database.OpenAsync(ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            if (await horizon.TakeAsync(connection, ct).ConfigureAwait(false) is not { } end) yield break;
            if (horizon.IsClockBehind(end, start.From))
            {
                // When it was put back nothing tells, and so not from which time on rows were written since.
                Log.ClockPutBack(log, "PostgreSQL", table.Table.Name, DateTimeOffset.UnixEpoch.AddMicroseconds(start.From));
                start = TimePosition.Earliest;
            }

            if (end <= start.From) yield break;
            var (before, last) = (start, default(string?[]?));
            while (true)
            {
                var rows = await PostgresDatabase.RowsAsync(connection, Page(table, start.From, end, last), ct).ConfigureAwait(false);
                if (rows.Count > 0) last = rows[^1];
                var isLast = rows.Count < tuning.BatchRecords;

                // Rows with the time of the last one may be on the next page: from there on, including it, is read again after a restart.
                var next = new TimePosition(isLast ? end : long.Parse(last![^2]!, CultureInfo.InvariantCulture));
                var keys = rows.ConvertAll(r => KeyText.Join(r[..table.Columns.Count]!)).Distinct().ToArray();
                var loaded = batches.OfAsync(connection, table, keys, before.ToPosition(), next.ToPosition(), ct);
                await foreach (var batch in loaded.ConfigureAwait(false)) yield return batch;
                if (isLast) yield break;
                before = next;
            }
        }
    }

    /// <summary>A time as SQL.</summary>
    public static string Moment(long microseconds) =>
        string.Create(CultureInfo.InvariantCulture, $"('epoch'::timestamptz + interval '1 microsecond' * {microseconds})");

    private string Page(TrackedTable table, long from, long to, string?[]? last)
    {
        var time = SqlText.Name(table.Updated!.Name);
        var columns = table.Columns.Select(c => SqlText.Name(c.Name)).ToArray();
        var order = string.Join(", ", columns.Prepend(time));
        var after = last is null ? "" : $" AND ({order}) > ({string.Join(", ", table.Columns.Select((c, i) => $"{SqlText.Literal(last[i]!)}::{c.Type}")
            .Prepend($"{SqlText.Literal(last[^1]!)}::timestamptz"))})";
        return $"""
            SELECT {table.SelectColumns}, (extract(epoch FROM {time}) * 1000000)::bigint::text, {time}::text FROM {table.Table.Name}
            WHERE {time} >= {Moment(from)} AND {time} < {Moment(to)}{after}{string.Concat(columns.Select(c => $" AND {c} IS NOT NULL"))}
            ORDER BY {order} LIMIT {tuning.BatchRecords}
            """;
    }
}
