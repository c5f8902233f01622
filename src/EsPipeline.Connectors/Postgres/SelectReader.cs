using System.Runtime.CompilerServices;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Reads the rows of a whole SELECT of the user's, a document each, in the order of their key (<c>--pg-key</c>, or the primary key of
/// <c>--pg-table</c>): in one statement, and so as of one moment. One that goes on after that reads the rest as it is then.
/// </summary>
internal sealed class SelectReader(PostgresDatabase database, PostgresSourceOptions options, SourceTuning tuning, ILogger log)
{
    /// <summary>What the query's rows are like.</summary>
    /// <exception cref="Core.Errors.PipelineException">It is no query, or does not have the key's columns.</exception>
    public Task<PostgresTable> DescribeAsync(string query, CancellationToken ct) => database.CallAsync(
        "The query was refused",
        async (connection, stop) =>
        {
            var key = options.Key;
            if (key.Count == 0 && options.Table.Length > 0)
            {
                key = (await TableCatalog.FindAsync(connection, options.Table, [], stop).ConfigureAwait(false))?.Key.Select(k => k.Name).ToArray() ?? [];
            }

            if (key.Count == 0) throw PostgresErrors.NoKey.Error("The query's rows have no key.", "Name the columns that are unique together with --pg-key.");
            return await TableCatalog.DescribeAsync(connection, $"({query.TrimEnd().TrimEnd(';')}\n) AS query", key, stop).ConfigureAwait(false);
        },
        ct);

    /// <summary>The rows with the column of their times.</summary>
    public TrackedTable Tracked(PostgresTable rows) => new(rows, rows.Key, DocumentCatalog.UpdatedColumn(rows, options.UpdatedColumn), null);

    /// <summary>The one part in which it is read.</summary>
    public static Partition Part(PostgresTable rows) => new(new PartitionId("query"), new KeyPosition(null, IsEnd: false).ToPosition());

    /// <summary>Reads on behind a position.</summary>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        PostgresTable rows, Selection selection, KeyPosition start, [EnumeratorCancellation] CancellationToken ct)
    {
        if (start.IsEnd) yield break;
        var condition = DocumentCatalog.ConditionOf(selection with { Query = null }, Tracked(rows));
        var format = new RowFormat(rows, options.Shape == TableShape.Document, checksText: true);
        var order = string.Join(", ", rows.Key.Select(k => SqlText.Name(k.Name)));

        // A row without a key is told, whenever it comes: a comparison with it is neither true nor false.
        var after = start.Key is null ? "true" : $"(({order}) > ({string.Join(", ", KeyText.Split(start.Key, rows.Key.Count)!.Zip(rows.Key, (v, k) => $"{SqlText.Literal(v)}::{k.Type}"))})) IS NOT FALSE";
        var sql = $"COPY (SELECT {format.SelectList} FROM {rows.Name} WHERE {after}{TableDocuments.And(condition)} ORDER BY {order}) TO STDOUT (FORMAT binary)";
        var connection = await database.OpenAsync(ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            using var output = new RecordBatchBuilder();
            var (keys, last, twice) = (new HashSet<string>(1), start.Key, 0L);
            var copy = new CopyRows(await connection.BeginRawBinaryCopyAsync(sql, ct).ConfigureAwait(false), tuning.BatchBytes);
            await using (copy.ConfigureAwait(false))
            {
                while (await copy.Rows.ReadAsync(ct).ConfigureAwait(false))
                {
                    keys.Clear();
                    format.Add(copy.Rows, output, keys);

                    // Behind a row without a key reading goes on from the one before that has one.
                    var key = keys.SingleOrDefault(last);
                    if (keys.Count > 0 && key == last) twice++;
                    else if (output.Count + output.MalformedCount > tuning.CopyRecords || output.Bytes > tuning.BatchBytes)
                    {
                        yield return output.Build(new KeyPosition(key, IsEnd: false).ToPosition(), 0, "query row");
                    }

                    last = key;
                }
            }

            if (twice > 0) Log.KeysTwice(log, twice, order);
            yield return output.Build(new KeyPosition(null, IsEnd: true).ToPosition(), 0, "query row");
        }
    }
}
