using System.Runtime.CompilerServices;
using EsPipeline.Core.Records;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Reads a range of a table's blocks in the order in which the rows lie there. A place holds for as long as the table's file is the same:
/// a row that is updated moves, and is found by what is looked for after the snapshot.
/// </summary>
internal sealed class BlockReader(PostgresDatabase database, DocumentSet documents, string? condition, SourceTuning tuning)
{
    // What is counted as the extent of a partition.
    private const int BlockBytes = 8192;

    /// <summary>Reads on behind a position.</summary>
    /// <param name="store">Where the rows lie.</param>
    /// <param name="start">Where to go on.</param>
    /// <param name="view">The moment to read in.</param>
    /// <param name="ct">Ends it.</param>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(
        PostgresStore store, BlocksPosition start, SnapshotView view, [EnumeratorCancellation] CancellationToken ct)
    {
        if (start.After is not { } after) yield break;
        var connection = await database.OpenAsync(ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            await view.JoinAsync(connection, ct).ConfigureAwait(false);
            var length = await LengthAsync(connection, store, start.FileNode, ct).ConfigureAwait(false);
            var end = Math.Min(start.To ?? length, length);
            var unit = $"{store.Name} row";
            using var output = new RecordBatchBuilder();
            while (after.Block < end)
            {
                var before = after;
                var window = Math.Min(end, after.Block + tuning.WindowBlocks);
                if (documents.Rows is not { } format)
                {
                    var select = $"SELECT {documents.Root.SelectColumns}, trim('()' FROM ctid::text) {From(store, after, window)}";
                    await PostgresDatabase.ExecuteAsync(connection, $"DECLARE places NO SCROLL CURSOR FOR {select}", ct).ConfigureAwait(false);
                    while (await KeysAsync(connection, store, after, output, ct).ConfigureAwait(false) is var (keys, last))
                    {
                        var (from, to) = ((start with { After = after }).ToPosition(), (start with { After = last }).ToPosition());

                        // Before the place moves on: behind it nothing would tell of them any more.
                        if (output.MalformedCount > 0) yield return output.Build(from, 0, unit);
                        var loaded = documents.ReadAsync(connection, keys, from, to, unit, ct, Extent(after, last));
                        await foreach (var batch in loaded.ConfigureAwait(false)) yield return batch;
                        after = last;
                    }

                    await PostgresDatabase.ExecuteAsync(connection, "CLOSE places", ct).ConfigureAwait(false);
                }
                else
                {
                    var sql = $"COPY (SELECT {format.SelectList} {From(store, after, window)}) TO STDOUT (FORMAT binary)";
                    var copy = new CopyRows(await connection.BeginRawBinaryCopyAsync(sql, ct).ConfigureAwait(false), tuning.BatchBytes);
                    await using (copy.ConfigureAwait(false))
                    {
                        while (await copy.Rows.ReadAsync(ct).ConfigureAwait(false))
                        {
                            after = Behind(after, RowFormat.PlaceOf(copy.Rows), store);
                            format.Add(copy.Rows, output);
                            if (output.Count + output.MalformedCount < tuning.CopyRecords && output.Bytes < tuning.BatchBytes) continue;
                            yield return output.Build((start with { After = after }).ToPosition(), Extent(before, after), unit);
                            before = after;
                        }
                    }
                }

                after = new RowPlace(window, 0);
                if (window < end && output.Count + output.MalformedCount == 0) continue;
                if (window < end) yield return output.Build((start with { After = after }).ToPosition(), Extent(before, after), unit);
            }

            yield return output.Build((start with { After = null }).ToPosition(), 0, unit);
            await PostgresDatabase.ExecuteAsync(connection, "ROLLBACK", ct).ConfigureAwait(false);
        }
    }

    /// <summary>How much is left from a position on, in bytes.</summary>
    public static long ExtentOf(BlocksPosition position, PostgresStore store) =>
        position.After is { } after ? Math.Max(0, (position.To ?? store.Blocks) - after.Block) * BlockBytes : 0;

    private static long Extent(RowPlace from, RowPlace to) => ((long)to.Block - from.Block) * BlockBytes;

    // Without a condition the server reads a range of places as it lies. With one it may come by an index or a join, in any other order, of which
    // it would say nothing: what a position says is read would not be.
    private string From(PostgresStore store, RowPlace after, uint end) =>
        $"FROM ONLY {store.Name} WHERE ctid > '{after}' AND ctid < '({end},0)'{TableDocuments.And(condition)}{(condition is null ? "" : " ORDER BY ctid")}";

    private static RowPlace Behind(RowPlace after, RowPlace place, PostgresStore store) => place.Number > after.Number
        ? place : throw PostgresErrors.OutOfOrder.Error($"After the row at ctid {after} of {store.Name} came the one at {place}.");

    /// <summary>The blocks of a store, within which lies every row that a snapshot sees which was taken before.</summary>
    /// <param name="connection">A connection in the snapshot's transaction, which keeps the file from being written anew.</param>
    /// <param name="store">Where the rows lie.</param>
    /// <param name="fileNode">The file that it has to be; null for whichever it is.</param>
    /// <param name="ct">Ends it.</param>
    /// <exception cref="Core.Errors.PipelineException">It is another file, or the rows lie elsewhere.</exception>
    public static async Task<uint> LengthAsync(NpgsqlConnection connection, PostgresStore store, uint? fileNode, CancellationToken ct)
    {
        await PostgresDatabase.ExecuteAsync(connection, $"SELECT 1 FROM ONLY {store.Name} LIMIT 0", ct).ConfigureAwait(false);
        var row = await PostgresDatabase.RowAsync(
            connection,
            "SELECT pg_relation_filenode($1::text::oid)::text, (pg_relation_size($1::text::oid) / current_setting('block_size')::bigint)::text",
            ct,
            store.Oid.ToString(System.Globalization.CultureInfo.InvariantCulture)).ConfigureAwait(false);
        if (fileNode is { } wanted && row[0] != wanted.ToString(System.Globalization.CultureInfo.InvariantCulture))
        {
            throw PostgresErrors.Rewritten.Error($"{store.Name} was written anew (VACUUM FULL, TRUNCATE, CLUSTER) while it was being read.");
        }

        // Rows of a file that was empty after the snapshot was taken lie somewhere else: in other tables, or on other servers.
        if (row[1] == "0" && (await PostgresDatabase.RowsAsync(connection, $"SELECT 1::text FROM ONLY {store.Name} LIMIT 1", ct).ConfigureAwait(false)).Count > 0)
        {
            throw PostgresErrors.NotATable.Error($"{store.Name} has rows, and its own file is empty: an extension keeps them elsewhere.", ReadableTable.ByKey(store.Name));
        }

        return uint.Parse(row[1]!, System.Globalization.CultureInfo.InvariantCulture);
    }

    // The next keys, and the place of the last one; null after the last ones of a window. A row without a key is told.
    private async Task<(IReadOnlyList<string> Keys, RowPlace Last)?> KeysAsync(
        NpgsqlConnection connection, PostgresStore store, RowPlace after, RecordBatchBuilder output, CancellationToken ct)
    {
        var rows = await PostgresDatabase.RowsAsync(connection, $"FETCH {tuning.BatchRecords} FROM places", ct).ConfigureAwait(false);
        if (rows.Count == 0) return null;
        var keys = new List<string>(rows.Count);
        foreach (var row in rows)
        {
            after = Behind(after, PlaceOf(row[^1]!), store);
            if (row[0] is { Length: > 0 } key) keys.Add(key);
            else output.AddMalformed(after.Number, [], [], PostgresErrors.NullKey, $"The row at ctid {after} of {store.Name} has a key that is null or empty.");
        }

        return (keys, after);
    }

    private static RowPlace PlaceOf(string text)
    {
        var comma = text.IndexOf(',', StringComparison.Ordinal);
        return new RowPlace(
            uint.Parse(text.AsSpan(0, comma), System.Globalization.CultureInfo.InvariantCulture), ushort.Parse(text.AsSpan(comma + 1), System.Globalization.CultureInfo.InvariantCulture));
    }
}
