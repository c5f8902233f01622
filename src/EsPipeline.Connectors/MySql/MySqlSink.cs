using System.Collections.Concurrent;
using EsPipeline.Connectors.Columns;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Writes documents into one table of MySQL or MariaDB: the sink <c>mysql</c>. A row is a key and a document, or has a column for each field.
/// Each statement is a transaction, in the order of the keys; what the server refuses for a record's sake is blamed on that record alone.
/// </summary>
public sealed partial class MySqlSink : IReadableSink, IRehearsableSink, ISamplingSink, INotingSink
{
    private const int StatementBytes = 1 << 20;
    private const int LongestKeyList = 1000;

    private readonly MySqlSinkOptions _options;
    private readonly TargetTable _target;
    private readonly FieldMemory _memory;
    private readonly MySqlConnectionPool _connections;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ConcurrentBag<RowBlock> _blocks = [];

    /// <summary>Makes the sink; nothing is connected yet.</summary>
    /// <param name="options">The server and the table.</param>
    /// <param name="run">For what <c>--fields</c> and its like make of the source's fields.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where warnings go.</param>
    public MySqlSink(MySqlSinkOptions options, RunOptions run, TimeProvider time, ILogger<MySqlSink> log)
    {
        (_options, _time, _log) = (options, time, log);
        _connections = new MySqlConnectionPool(options, SessionUse.Write, time, log);
        _memory = new FieldMemory(log);
        _target = new TargetTable(options, run, _memory, log);
        Limits = LimitsFor(16 << 20);
    }

    /// <inheritdoc/>
    public SinkLimits Limits { get; private set; }

    /// <inheritdoc/>
    public bool KeepsFirst => _options.Write == MySqlWrite.InsertIgnore;

    /// <summary>Connects, and where the table is there tries the rights that writing takes, without touching a row.</summary>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var isMissing = false;
        var health = await HealthReport.AskAsync(
            _options,
            _connections,
            _time,
            session =>
            {
                var layout = _target.Probe(session);
                isMissing = layout is null;
                return HealthReport.WriteWarnings(session.Server, layout);
            },
            ct).ConfigureAwait(false);
        return health with { TargetIsMissing = isMissing };
    }

    /// <summary>Makes the table where it is missing; one with columns for fields that nobody knows yet is made with the first documents.</summary>
    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => _connections.RunAsync(
        session =>
        {
            _target.Prepare(session, schema);
            Limits = LimitsFor(session.Server.MaxAllowedPacket);
            return true;
        },
        ct);

    /// <inheritdoc/>
    public void Recall(ISinkNote note) => _memory.Recall(note);

    /// <summary>True where the table is still to be made, or has columns that documents may have had fields for.</summary>
    public bool NeedsSample => _target.NeedsSample;

    /// <summary>Makes the table, with columns for the fields of these documents; of one that is there, learns which columns are theirs.</summary>
    public Task LearnAsync(IReadOnlyList<RecordSlice> sample, CancellationToken ct) => _connections.RunAsync(session => _target.Make(session, sample), ct);

    /// <inheritdoc/>
    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        if (!KeepsFirst) return await WriteOnceAsync(slice, ct).ConfigureAwait(false);

        // A key may come several times, and what a delete makes room for is the next one's: inserts and deletes take turns as they come.
        var (written, unchanged, failures) = (0, 0, new List<RecordFailure>());
        for (int start = 0, count; start < slice.Count; start += count)
        {
            count = 1;
            while (start + count < slice.Count && slice[start + count].Operation == slice[start].Operation) count++;
            var result = await WriteOnceAsync(slice.Slice(start, count), ct).ConfigureAwait(false);
            (written, unchanged) = (written + result.Written, unchanged + result.Unchanged);
            failures.AddRange(result.Failures.Select(f => f with { Index = start + f.Index }));
        }

        return new WriteResult(written, unchanged, failures);
    }

    private async Task<WriteResult> WriteOnceAsync(RecordSlice slice, CancellationToken ct)
    {
        // Deletes alone say nothing of columns, and have nothing to delete where there is no table.
        if (!_target.IsReady && !await _connections.RunAsync(session => _target.Make(session, [slice]), ct).ConfigureAwait(false))
        {
            return new WriteResult(0, slice.Count, []);
        }

        var (rows, keys) = (Block(), Block());
        try
        {
            var total = new SliceResult();
            var order = KeyOrder.Of(slice, _options.Write);
            total.Written(slice.Count - order.Length);
            var writer = await EncodeAsync(slice, order, rows, keys, total, ct).ConfigureAwait(false);
            if (_target.Layout is { Shape: MySqlShape.Columns } layout)
            {
                await _memory.KeepAsync(layout.Table.Name, writer.Columns.Select(c => c.Name), layout.ColumnsBeside(writer.Columns), ct).ConfigureAwait(false);
            }

            // Deletes first: a new row may have the value of a unique column that a row had which is to go. But last where rows refer to others
            // of the same table: a row that is to refer to another one from now on would keep the old one from going, or go with it.
            var deletesLast = _target.Layout.Table.RefersToItself;
            if (!deletesLast) await DeleteAsync().ConfigureAwait(false);
            await WriteRowsAsync(writer.Insert, rows, int.MaxValue, total, ct).ConfigureAwait(false);
            if (deletesLast) await DeleteAsync().ConfigureAwait(false);
            return total.ToResult();

            Task DeleteAsync() => WriteRowsAsync(writer.Delete, keys, LongestKeyList, total, ct);
        }
        finally
        {
            _blocks.Add(rows);
            _blocks.Add(keys);
        }
    }

    /// <summary>Looks at the table as a run does. What only the server refuses (a rule of the table, JSON that is too deep) is not found.</summary>
    public async Task<IReadOnlyList<string>> PrepareRehearsalAsync(SourceSchema schema, bool reachable, CancellationToken ct)
    {
        const string Unasked = "What only the server refuses (a rule of the table, JSON nested too deeply) is found out only by writing it.";
        if (!reachable) return [Unasked];
        var exists = await _connections.RunAsync(
            session =>
            {
                Limits = LimitsFor(session.Server.MaxAllowedPacket);
                return _target.PrepareRehearsal(session, schema);
            },
            ct).ConfigureAwait(false);
        return exists ? [Unasked]
            : [$"There is no table {_options.Database}.{_options.Table}: a run makes it{(_options.Shape == MySqlShape.Columns ? ", with columns for the fields" : "")}.", Unasked];
    }

    /// <summary>True where the table that a run would make has columns for fields that no source has named.</summary>
    public bool NeedsRehearsalSample => !_target.IsReady;

    /// <inheritdoc/>
    public Task LearnRehearsalAsync(IReadOnlyList<RecordSlice> sample, CancellationToken ct) => LearnAsync(sample, ct);

    /// <inheritdoc/>
    public async ValueTask<RehearsedWrite> RehearseAsync(RecordSlice slice, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var (rows, keys) = (Block(), Block());
        try
        {
            var total = new SliceResult();
            if (_target.IsReady)
            {
                await EncodeAsync(slice, KeyOrder.Of(slice, _options.Write), rows, keys, total, ct).ConfigureAwait(false);
                return new RehearsedWrite(Statements(rows, int.MaxValue).Count() + Statements(keys, LongestKeyList).Count(), total.ToResult().Failures);
            }

            for (var i = 0; i < slice.Count; i++)
            {
                if (TooLarge(slice[i]) is { } misfit) total.Refused([new RecordFailure(i, misfit.Error, misfit.Reason)]);
            }

            return new RehearsedWrite(1, total.ToResult().Failures);
        }
        finally
        {
            _blocks.Add(rows);
            _blocks.Add(keys);
        }
    }

    /// <inheritdoc/>
    public Task<byte[]?> ReadAsync(ReadOnlyMemory<byte> key, CancellationToken ct) =>
        _connections.RunAsync(session => _target.Read(session, key.Span), ct);

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _memory.Dispose();
        return _connections.DisposeAsync();
    }

    // A document may have a field that the writer does not know and the table has a column for: the slice is then encoded anew.
    private async Task<TableWriter> EncodeAsync(RecordSlice slice, int[] order, RowBlock rows, RowBlock keys, SliceResult total, CancellationToken ct)
    {
        while (true)
        {
            var (encoder, writer) = _target.Current;
            rows.Clear(encoder.Columns.Count);
            keys.Clear(1);
            var refused = new List<RecordFailure>();
            foreach (var index in order)
            {
                ref readonly var record = ref slice[index];
                var misfit = TooLarge(record)
                    ?? (record.Operation == RecordOperation.Delete ? encoder.AppendKey(record.Key.Span, index, keys) : encoder.Append(record, index, rows));
                if (misfit is not null) refused.Add(new RecordFailure(index, misfit.Error, misfit.Reason));
            }

            if (refused.Exists(f => f.Error == TableErrors.UnknownField)
                && await _connections.RunAsync(session => _target.Learn(session, encoder, slice), ct).ConfigureAwait(false)) continue;
            total.Refused(refused);
            return writer;
        }
    }

    private async Task WriteRowsAsync(
        Func<MySqlSession, RowBlock, int, int, WriteResult> write, RowBlock rows, int mostRows, SliceResult total, CancellationToken ct)
    {
        foreach (var (start, count) in Statements(rows, mostRows))
        {
            var result = await SliceBisection.WriteAsync(
                count,
                (from, some, stop) => _connections.RunAsync(session => write(session, rows, start + from, some), stop),
                e => e.Kind == FailureKind.Permanent,
                ct).ConfigureAwait(false);
            total.Add(result, index => rows.RecordOf(start + index));
        }
    }

    // The rows in parts that one statement holds each; one row at least.
    private IEnumerable<(int First, int Count)> Statements(RowBlock rows, int mostRows)
    {
        for (int first = 0, count; first < rows.Count; first += count)
        {
            (count, var bytes) = (0, 0L);
            while (first + count < rows.Count && count < mostRows && (count == 0 || bytes + rows.BytesOf(first + count) <= Limits.MaxBytes))
            {
                bytes += rows.BytesOf(first + count++);
            }

            yield return (first, count);
        }
    }

    private Misfit? TooLarge(in Record record) => record.Bytes > Limits.MaxRecordBytes ? Misfit.TooLarge(record.Bytes, Limits.MaxRecordBytes) : null;

    private RowBlock Block() => _blocks.TryTake(out var block) ? block : new RowBlock();

    private SinkLimits LimitsFor(long packet) => new()
    {
        MaxRecords = 10_000,
        StartRecords = 2000,
        MaxBytes = Math.Min(StatementBytes, packet * 4 / 5),
        MaxRecordBytes = packet - 1024,
        Concurrency = _options.Connections,
        StartConcurrency = Math.Min(2, _options.Connections),
    };
}
