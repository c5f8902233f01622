using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Postgres;

/// <content>How records read back: written by the same statements into a temporary table of the same columns.</content>
public sealed partial class PostgresSink : IVerifiableSink
{
    /// <inheritdoc/>
    public async Task<ReadBackPlace> PrepareReadBackAsync(SourceSchema schema, CancellationToken ct)
    {
        Learn(schema);
        var table = await _database.CallAsync($"Looking at {_options.Table} failed", LookAsync, ct).ConfigureAwait(false)
            ?? throw PostgresErrors.NoTable.Error($"There is no table {_options.Table}: nothing has been copied there.");
        _table = table;

        // The table's shape has been found out; the source is to read it in no other.
        var options = new PostgresSourceOptions(_options) { Shape = table.IsDocument ? TableShape.Document : TableShape.Columns };
        return new ReadBackPlace(new PostgresSource(options, new RunOptions(), _time, NullLogger<PostgresSource>.Instance))
        {
            KeepsKeys = table.KeepsKeys,
            Fields = table.IsDocument ? null : () => [.. table.WrittenColumns],
        };
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RecordFailure>> ReadBackAsync(RecordSlice slice, RecordBatchBuilder output, CancellationToken ct)
    {
        var table = _table ?? throw new InvalidOperationException("Reading back was not prepared.");
        var failures = new List<RecordFailure>();
        var good = RefuseImpossible(slice, table.Name, table.KeyColumns, failures);
        var rest = good.Count == slice.Count ? slice : slice.Pick(good);
        var mirror = new MirrorTable(table);
        var result = await SliceBisection.WriteAsync(
            rest.Count,
            (first, count, stop) => _database.CallAsync(
                $"Comparing with {table.Name} failed", (connection, end) => mirror.ReadBackAsync(connection, rest.Slice(first, count), output, end), stop),
            e => e.Error == PostgresErrors.Rejected,
            ct).ConfigureAwait(false);
        failures.AddRange(result.Failures.Select(f => f with { Index = good[f.Index] }));
        return failures;
    }
}
