using System.Text;
using EsPipeline.Connectors.Columns;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Writes into one table, by COPY into a temporary table and one statement that inserts, updates and deletes what differs. Each write is
/// one transaction; a row that is as it should be is not written again.
/// </summary>
public sealed partial class PostgresSink : IReadableSink, IRehearsableSink, ISamplingSink, INotingSink
{
    // jsonb can hold 256 MB (JENTRY_OFFLENMASK), and the server and this process need several copies meanwhile.
    private const long MostRecordBytes = 64 << 20;

    private readonly PostgresOptions _options;
    private readonly RunOptions _run;
    private readonly ILogger _log;
    private readonly TimeProvider _time;
    private readonly PostgresDatabase _database;
    private readonly SemaphoreSlim _making = new(1);
    private readonly KnownFields _known = new();
    private readonly FieldMemory _memory;
    private SourceField[] _named = [];
    private SinkTable? _table;
    private bool _hasSample;

    /// <param name="options">Valid options.</param>
    /// <param name="run">For what <c>--fields</c> and its like make of the source's fields.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where warnings go; null for nowhere.</param>
    public PostgresSink(PostgresOptions options, RunOptions run, TimeProvider time, ILogger<PostgresSink>? log = null)
        : this(options, run, time, options.Timeout, log)
    {
    }

    /// <summary>A sink with another patience than usual.</summary>
    internal PostgresSink(PostgresOptions options, RunOptions run, TimeProvider time, TimeSpan timeout, ILogger<PostgresSink>? log = null)
    {
        _log = log ?? NullLogger<PostgresSink>.Instance;
        _memory = new FieldMemory(_log);
        (_options, _run, _time) = (options, run, time);
        _database = new PostgresDatabase(options, timeout, readOnly: false, time);
        Limits = new SinkLimits { MaxRecordBytes = MostRecordBytes, Concurrency = options.Connections };
    }

    /// <inheritdoc/>
    public SinkLimits Limits { get; }

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var isMissing = false;
        var health = await _database.CheckAsync(
            async (connection, stop) =>
            {
                var table = await TableCatalog.FindAsync(connection, _options.Table, _options.Key, stop).ConfigureAwait(false);
                isMissing = table is null;
                return table is null ? [] : await SinkHealth.CheckAsync(connection, table, _options.Shape, stop).ConfigureAwait(false);
            },
            ct).ConfigureAwait(false);
        return health with { TargetIsMissing = isMissing };
    }

    /// <summary>Makes a table for documents where there is none, one with columns with the first documents; takes one that is there as it is.</summary>
    public async Task PrepareAsync(SourceSchema schema, CancellationToken ct)
    {
        Learn(schema);
        _table = await _database.CallAsync(
            $"Preparing {_options.Table} failed",
            async (connection, stop) =>
            {
                if (await LookAsync(connection, stop).ConfigureAwait(false) is not { } table)
                {
                    _memory.Found(isEmpty: true);
                    return MakesColumns ? null : await MakeAsync(connection, NewTable.OfDocuments, stop).ConfigureAwait(false);
                }

                if (table.BlurringKey is { } key) Log.KeysNotKept(_log, key.Name, table.Name, key.DeclaredType);
                if (!table.IsDocument) _memory.Found(await table.IsEmptyAsync(connection, stop).ConfigureAwait(false));
                return table;
            },
            ct).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public void Recall(ISinkNote note) => _memory.Recall(note);

    /// <summary>True where the table is still to be made, or has columns that documents may have had fields for.</summary>
    public bool NeedsSample => _table is not { } table || (!_hasSample && table.OtherColumns.Count > 0);

    /// <summary>Makes the table, with columns for the fields of these documents; of one that is there, learns which columns are theirs.</summary>
    public Task LearnAsync(IReadOnlyList<RecordSlice> sample, CancellationToken ct) => LearnTableAsync(sample, ct);

    /// <inheritdoc/>
    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        // Deletes alone say nothing of columns, and have nothing to delete where there is no table.
        if ((_table ?? await LearnTableAsync([slice], ct).ConfigureAwait(false)) is not { } table) return new WriteResult(0, slice.Count, []);
        var failures = new List<RecordFailure>();
        var good = RefuseImpossible(slice, table.Name, table.KeyColumns, failures);

        // Records are picked only where some are left out: a slice is used as it is.
        var rest = good.Count == slice.Count ? slice : slice.Pick(good);
        var result = await SliceBisection.WriteAsync(
            rest.Count,
            (first, count, stop) => _database.CallAsync(
                $"Writing to {table.Name} failed", (connection, end) => table.WriteAsync(connection, rest.Slice(first, count), end, learnt: KeepFieldsAsync), stop),
            e => e.Error == PostgresErrors.Rejected,
            ct).ConfigureAwait(false);
        failures.AddRange(result.Failures.Select(f => f with { Index = good[f.Index] }));
        failures.Sort((a, b) => a.Index.CompareTo(b.Index));
        return new WriteResult(result.Written, result.Unchanged, failures);
    }

    /// <summary>Looks at the table as a run does. What its columns and their types take, only the server knows.</summary>
    public async Task<IReadOnlyList<string>> PrepareRehearsalAsync(SourceSchema schema, bool reachable, CancellationToken ct)
    {
        const string Unasked = "What only the server refuses (\\u0000 in a document, values that a column does not take) is found out only by writing it.";
        if (!reachable) return [Unasked];
        Learn(schema);
        _table = await _database.CallAsync($"Looking at {_options.Table} failed", LookAsync, ct).ConfigureAwait(false);
        if (_table is not null) return [Unasked];
        return [$"There is no table {_options.Table}: a run makes it{(MakesColumns ? ", with columns for the first documents" : "")}.", Unasked];
    }

    /// <inheritdoc/>
    public ValueTask<RehearsedWrite> RehearseAsync(RecordSlice slice, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var failures = new List<RecordFailure>();

        // Where there is no table to look at, its key is the one that it would be made with, or as long as --pg-key says.
        var good = RefuseImpossible(slice, _table?.Name ?? _options.Table, _table?.KeyColumns ?? Math.Max(1, _options.Key.Count), failures);
        return ValueTask.FromResult(new RehearsedWrite(good.Count == 0 ? 0 : 1, failures));
    }

    /// <inheritdoc/>
    public Task<byte[]?> ReadAsync(ReadOnlyMemory<byte> key, CancellationToken ct)
    {
        var table = _table ?? throw new InvalidOperationException("The sink was not prepared.");
        return _database.CallAsync($"Reading {table.Name} failed", (connection, stop) => table.ReadAsync(connection, Encoding.UTF8.GetString(key.Span), stop), ct);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        _making.Dispose();
        _memory.Dispose();
        return _database.DisposeAsync();
    }

    private void Learn(SourceSchema schema)
    {
        _named = [.. DocumentFields.TopOf(DocumentFields.Kept(schema, _run))];
        _known.Add(_named.Concat(DocumentFields.Wanted(_run)).Select(f => f.Path).Concat(_memory.Columns));
    }

    private ValueTask KeepFieldsAsync(SinkTable table, CancellationToken ct) =>
        table.IsDocument ? ValueTask.CompletedTask : _memory.KeepAsync(table.Name, table.WrittenColumns, table.OtherColumns, ct);

    private bool MakesColumns => _options.Shape == TableShape.Columns;

    // What the server would refuse together with all others of its transaction, or never take. Returns the others.
    private static List<int> RefuseImpossible(RecordSlice slice, string table, int keyColumns, List<RecordFailure> failures)
    {
        var good = new List<int>(slice.Count);
        for (var i = 0; i < slice.Count; i++)
        {
            if (RefusalOf(slice[i], table, keyColumns) is { } refusal) failures.Add(refusal with { Index = i });
            else good.Add(i);
        }

        return good;
    }

    private static RecordFailure? RefusalOf(in Record record, string table, int keyColumns)
    {
        if (record.Bytes > MostRecordBytes)
        {
            return new RecordFailure(0, PostgresErrors.TooLarge, $"The record has {record.Bytes} bytes; at most {MostRecordBytes} are written.");
        }

        if (record.Key.Span.Contains((byte)0)) return new RecordFailure(0, PostgresErrors.Nul, "The key holds the character NUL, which PostgreSQL takes in no text.");
        if (record.Operation == RecordOperation.Upsert && JsonSyntax.NameTwice(record.Json.Span) is { } name)
        {
            return new RecordFailure(0, PostgresErrors.NameTwice, $"The document has the field '{name}' twice in one object, and jsonb keeps the last one only.");
        }

        return KeyText.Split(Encoding.UTF8.GetString(record.Key.Span), keyColumns) is null
            ? new RecordFailure(0, PostgresErrors.Rejected, $"The key is not made of {keyColumns} values with commas between, as the key of {table} is.")
            : null;
    }

    private async Task<SinkTable?> LearnTableAsync(IReadOnlyList<RecordSlice> sample, CancellationToken ct)
    {
        await _making.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            if (DocumentFields.Of(sample) is not { } found) return _table;
            if (_table is not null)
            {
                _known.Add(found.Select(f => f.Path));
                _hasSample = true;
                return _table;
            }

            var seen = found.ToDictionary(f => f.Path);
            var named = _named.Select(f => NewTable.Settle(f, seen.GetValueOrDefault(f.Path)));

            // A few records with a strange field are set aside; one that somebody names is a mistake.
            var good = found.Where(f => NewTable.MistakeIn(f.Path) is null);
            SourceField[] fields = [.. named.Concat(good).Concat(DocumentFields.Wanted(_run)).DistinctBy(f => f.Path)];
            return _table = await _database.CallAsync(
                $"Making {_options.Table} failed", (connection, stop) => MakeAsync(connection, (name, key) => NewTable.OfColumns(name, key, fields), stop), ct).ConfigureAwait(false);
        }
        finally
        {
            _making.Release();
        }
    }

    private async Task<SinkTable> MakeAsync(NpgsqlConnection connection, Func<string, string, string> statement, CancellationToken ct)
    {
        var name = await PostgresDatabase.RowAsync(
            connection, "SELECT string_agg(quote_ident(part), '.') FROM unnest(parse_ident($1)) part", ct, _options.Table).ConfigureAwait(false);
        await PostgresDatabase.ExecuteAsync(connection, statement(name[0]!, KeyOfNewTable()), ct).ConfigureAwait(false);
        return await LookAsync(connection, ct).ConfigureAwait(false) ?? throw PostgresErrors.NoTable.Error($"The table {_options.Table} was made and is not there.");
    }

    private async Task<SinkTable?> LookAsync(NpgsqlConnection connection, CancellationToken ct)
    {
        if (await TableCatalog.FindAsync(connection, _options.Table, _options.Key, ct).ConfigureAwait(false) is { } found)
        {
            return await SinkTable.OfAsync(connection, found, _options.Shape, _known, ct).ConfigureAwait(false);
        }

        KeyOfNewTable();
        return null;
    }

    private string KeyOfNewTable() => _options.Key.Count == 0 ? "id" : _options.Key.Count == 1 ? _options.Key[0]
        : throw PostgresErrors.TableMisfit.Error($"A new table has one key column, and --pg-key names {_options.Key.Count}.");
}
