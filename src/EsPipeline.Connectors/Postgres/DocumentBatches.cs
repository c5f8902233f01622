using System.Runtime.CompilerServices;
using EsPipeline.Core.Records;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Turns changed rows into batches of the documents that they belong to, as these are now.</summary>
internal sealed class DocumentBatches(DocumentSet documents)
{
    /// <summary>The batches for some rows of a table.</summary>
    /// <param name="connection">The connection to read with.</param>
    /// <param name="table">The table.</param>
    /// <param name="rows">The values of the table's columns, as <see cref="KeyText"/> joins them.</param>
    /// <param name="before">Where to begin again when only some of them are safe.</param>
    /// <param name="end">Where to read on when all of them are.</param>
    /// <param name="ct">Ends it.</param>
    public async IAsyncEnumerable<RecordBatch> OfAsync(
        NpgsqlConnection connection,
        TrackedTable table,
        IReadOnlyCollection<string> rows,
        Position before,
        Position end,
        [EnumeratorCancellation] CancellationToken ct)
    {
        var keys = await DocumentSet.RootsAsync(connection, table, rows, ct).ConfigureAwait(false);
        await foreach (var batch in documents.ReadAsync(connection, keys, before, end, $"{table.Table.Name} change", ct).ConfigureAwait(false)) yield return batch;
    }
}
