using System.Runtime.CompilerServices;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace EsPipeline.Connectors.Postgres;

/// <summary>
/// Reads a table of PostgreSQL 14 or later, or documents made of several: a snapshot of one moment, read in parallel by ranges of blocks,
/// and then what has changed.
/// </summary>
/// <remarks>
/// A snapshot's moment ends with the process, or with the connection that holds it. One that goes on after that reads the rest as it is
/// then, and afterwards every row that was written since it began (<see cref="AgeReader"/>): each row that was there from the beginning to
/// the end is copied in its newest state. What was deleted meanwhile is seen by <c>--pg-follow changes</c> only.
/// Records have no version; changes are read as the rows are now, so that a later change may show early, and none is lost.
/// </remarks>
public sealed partial class PostgresSource : IDataSource
{
    private readonly PostgresSourceOptions _options;
    private readonly RunOptions _run;
    private readonly ILogger _log;
    private readonly SourceTuning _tuning;
    private readonly PostgresDatabase _database;
    private readonly Horizon _horizon;
    private readonly SlotGuard _guard;
    private readonly ReplicationSlot _slot;
    private readonly LogReader _logReader;
    private readonly SelectReader _selectReader;
    private readonly TimeSafety _times;
    private Dictionary<PartitionId, Func<PostgresPosition, CancellationToken, IAsyncEnumerable<RecordBatch>>> _readers = [];
    private DocumentSet? _planned;
    private bool _followsLog;
    private SnapshotView? _view;
    private bool _catchesUp;
    private bool _resumed;
    private bool _saidKeys;

    /// <param name="options">Valid options.</param>
    /// <param name="run">The run's query.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where to log.</param>
    public PostgresSource(PostgresSourceOptions options, RunOptions run, TimeProvider time, ILogger<PostgresSource> log)
        : this(options, run, time, log, SourceTuning.Default with { Timeout = options.Timeout })
    {
    }

    /// <summary>A source that reads in other steps than usual.</summary>
    internal PostgresSource(PostgresSourceOptions options, RunOptions run, TimeProvider time, ILogger log, SourceTuning tuning)
    {
        // The job's own slot and publication, where none is named.
        var isNamed = options.Slot.Length > 0;
        var slot = options.Slot.Length > 0 ? options.Slot : SlotName.For(run.Job);
        options = options with { Slot = slot, Publication = options.Publication.Length > 0 ? options.Publication : slot };
        (_options, _run, _log, _tuning) = (options, run, log, tuning);
        _database = new PostgresDatabase(options, tuning.Timeout, readOnly: true, time);
        _horizon = new Horizon(TimeSpan.FromTicks(Math.Max(tuning.HorizonMargin.Ticks, run.Overlap?.Ticks ?? 0)), log, time);
        _guard = new SlotGuard(_database, options, tuning, time, log);
        _slot = new ReplicationSlot(_database, options, isNamed, _guard, log);
        _logReader = new LogReader(_database, _slot, options, tuning, time, log);
        _selectReader = new SelectReader(_database, options, tuning, log);
        _times = new TimeSafety(_database, options, tuning, time, log);
    }

    /// <inheritdoc/>
    public bool SnapshotContinues => !_catchesUp && (_resumed || _view is { IsLost: true });

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var health = await _database.CheckAsync(
            async (connection, stop) =>
            {
                if (QueryText.IsStatement(_run.Query)) await _selectReader.DescribeAsync(_run.Query!, stop).ConfigureAwait(false);
                else await CheckKeyAsync(connection, await DocumentCatalog.ReadAsync(connection, _options, new Selection(_run.Query), _tuning, stop).ConfigureAwait(false), stop).ConfigureAwait(false);
                return [];
            },
            ct).ConfigureAwait(false);

        // Documents that are made in another way are other documents, whatever the file is called.
        return health.Problem is not null || _options.Documents.Length == 0
            ? health
            : health with { Identity = new Dictionary<string, string>(health.Identity) { ["documents"] = DocumentsFile.Read(_options.Documents).Fingerprint() } };
    }

    /// <inheritdoc/>
    public async Task<SourceSchema> DescribeAsync(CancellationToken ct)
    {
        if (_options.Shape == TableShape.Document) return SourceSchema.Unknown;
        var rows = QueryText.IsStatement(_run.Query)
            ? await _selectReader.DescribeAsync(_run.Query!, ct).ConfigureAwait(false)
            : await ReadDocumentsAsync(Selection.Everything, ct).ConfigureAwait(false) is { Rows.IsDocument: false } documents ? documents.Root.Table : null;
        return rows?.Schema ?? SourceSchema.Unknown;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
    {
        await CloseViewAsync().ConfigureAwait(false);
        var saved = plan.Saved.ToDictionary(p => p.Key, p => PostgresPosition.Parse(p.Value));
        _readers = [];
        (_catchesUp, _resumed, _followsLog, _planned) = (false, false, false, null);
        if (QueryText.IsStatement(plan.Selection.Query)) return [await SelectAsync(plan, ct).ConfigureAwait(false)];
        var documents = _planned = await ReadDocumentsAsync(plan.Selection, ct).ConfigureAwait(false);
        await _times.SayLocalTimesAsync(documents.Root, plan.Selection, ct).ConfigureAwait(false);
        if (!plan.LooksOnly) await _database.CallAsync("Looking at the key failed", (connection, stop) => CheckKeyAsync(connection, documents, stop), ct).ConfigureAwait(false);
        if (plan.Kind == ReadKind.Changes)
        {
            return _options.Follow == FollowWay.Changes && (Follows || saved.Values.Any(p => p is LogPosition))
                ? await LogAsync(documents, plan, saved, ct).ConfigureAwait(false)
                : await ChangesAsync(documents, saved, ct).ConfigureAwait(false);
        }

        ColumnsOf(documents, saved, tells: !plan.LooksOnly);

        // A snapshot of which every range is read, and which is still asked for, was not of one moment.
        var ranges = saved.Where(s => s.Value is BlocksPosition).ToDictionary(s => s.Key, s => (BlocksPosition)s.Value);
        return ranges.Count < saved.Count || (ranges.Count > 0 && ranges.Values.All(r => r.After is null))
            ? CatchUp(documents, saved)
            : await SnapshotAsync(documents, plan, ranges, ct).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, CancellationToken ct) =>
        ReadPartitionAsync(partition.Id, after, ct).TranslateAsync($"Reading {partition.Id} failed", CauseOfAsync, ct);

    /// <inheritdoc/>
    public ValueTask AcknowledgeAsync(PartitionId partition, Position safe, CancellationToken ct) =>
        PostgresPosition.Parse(safe) is LogPosition position ? _logReader.AcknowledgeAsync(position, ct) : ValueTask.CompletedTask;

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        // The stream first: the guard may be about to drop the slot, which it can't while somebody streams from it.
        await _logReader.DisposeAsync().ConfigureAwait(false);
        await _guard.DisposeAsync().ConfigureAwait(false);
        await CloseViewAsync().ConfigureAwait(false);
        await _database.DisposeAsync().ConfigureAwait(false);
    }

    private async IAsyncEnumerable<RecordBatch> ReadPartitionAsync(PartitionId id, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        var position = PostgresPosition.Parse(after);
        if (!_readers.ContainsKey(id))
        {
            // A position from an earlier process says enough to go on from it alone.
            var kind = position is BlocksPosition or AgePosition or KeyPosition ? ReadKind.Snapshot : ReadKind.Changes;
            var saved = new Dictionary<PartitionId, Position> { [id] = after };
            await GetPartitionsAsync(new ReadPlan(kind, new Selection(_run.Query), 1, saved), ct).ConfigureAwait(false);
        }

        if (!_readers.TryGetValue(id, out var reader)) throw CheckpointErrors.BadPosition.Error($"'{after}' is no position in {id}.");
        _guard.ThrowIfDropped();
        await foreach (var batch in reader(position, ct).ConfigureAwait(false))
        {
            _guard.ThrowIfDropped();
            yield return batch;
        }
    }

    // Documents of several tables have the key that their SELECT gives them, and a primary key is one.
    private async Task<bool> CheckKeyAsync(NpgsqlConnection connection, DocumentSet documents, CancellationToken ct)
    {
        var table = documents.Root.Table;
        var isKept = _options.Documents.Length > 0 || _options.Key.Count == 0
            || await ReadableTable.CheckKeyAsync(connection, table, _run.Query is not null, ct).ConfigureAwait(false);
        if ((table.IsInherited || !isKept) && !_saidKeys) Log.KeysNotKept(_log, table.Name, string.Join(", ", table.Key.Select(k => SqlText.Name(k.Name))));
        return _saidKeys |= table.IsInherited || !isKept;
    }

    private Task<DocumentSet> ReadDocumentsAsync(Selection selection, CancellationToken ct) => _database.CallAsync(
        "Reading the catalog failed", (connection, stop) => DocumentCatalog.ReadAsync(connection, _options, selection, _tuning, stop), ct);

    private async Task<Partition> SelectAsync(ReadPlan plan, CancellationToken ct)
    {
        if (plan.Kind == ReadKind.Changes || Follows) throw PostgresErrors.QueryNotFollowed.Error("--query is a whole SELECT, whose changes can't be followed.");
        var rows = await _selectReader.DescribeAsync(plan.Selection.Query!, ct).ConfigureAwait(false);
        await _times.SayLocalTimesAsync(_selectReader.Tracked(rows), plan.Selection, ct).ConfigureAwait(false);
        var part = SelectReader.Part(rows);
        _readers[part.Id] = (after, stop) => _selectReader.ReadAsync(rows, plan.Selection, (KeyPosition)after, stop);
        return part;
    }

    private async Task<IReadOnlyList<Partition>> SnapshotAsync(
        DocumentSet documents, ReadPlan plan, Dictionary<PartitionId, BlocksPosition> saved, CancellationToken ct)
    {
        // Where the log is followed, the slot's own moment is read, so that the stream begins exactly behind it. One that is there already
        // delivers from an earlier place on, which is as good.
        if (Follows && !plan.LooksOnly && _options.Follow == FollowWay.Changes && saved.Count == 0)
        {
            _guard.Begin();
            var (confirmed, _) = await _slot.FindAsync(documents, null, ct).ConfigureAwait(false);
            (_view, var place) = await BeginAnewAsync(documents, confirmed, reached: null, ct).ConfigureAwait(false);
            return Ranges(documents, documents.Root.Table.Stores, plan, saved, _view, new SnapshotMark(_view.OldestTransaction, null, place));
        }

        // The time is noted before the moment is: what is older than it is then visible in it.
        var time = await _times.IsSafeAsync(documents.Root, ct).ConfigureAwait(false)
            ? await _database.CallAsync("Reading the transactions under way failed", _horizon.TakeAsync, ct).ConfigureAwait(false)
            : null;
        _view = await SnapshotView.OpenAsync(_database, null, ct).ConfigureAwait(false);
        return Ranges(documents, documents.Root.Table.Stores, plan, saved, _view, new SnapshotMark(_view.OldestTransaction, time, null));
    }

    // A run that ends with its snapshot needs no slot, which would hold the server's log back for ever after. Where it is run again, it finds
    // what has changed by the age of the rows; a slot that another run has left to it is followed.
    private bool Follows => _run.Mode is null or RunMode.Continuous or RunMode.Single;

    private List<Partition> Ranges(
        DocumentSet documents,
        IReadOnlyList<PostgresStore> stores,
        ReadPlan plan,
        IReadOnlyDictionary<PartitionId, BlocksPosition> saved,
        SnapshotView view,
        SnapshotMark mark)
    {
        var readers = Math.Min(plan.Parallelism, _options.Connections - 1);
        var ranges = SnapshotPlan.Make(stores, saved, readers, _tuning.LeastBlocks, mark);
        _resumed = plan.Kind == ReadKind.Snapshot && ranges.Any(r => r.StartsOverBecause is null && !r.Start.IsAtStart);
        var blocks = new BlockReader(_database, documents, DocumentCatalog.ConditionOf(plan.Selection, documents.Root), _tuning);
        foreach (var range in ranges) _readers[range.Id] = (after, stop) => blocks.ReadAsync(range.Store, (BlocksPosition)after, view, stop);
        return ranges.Select(r => new Partition(r.Id, r.Start.ToPosition())
        {
            UniqueKeys = true,
            StartsOverBecause = r.StartsOverBecause,
            Extent = r.Extent,
        }).ToList();
    }

    private List<Partition> CatchUp(DocumentSet documents, Dictionary<PartitionId, PostgresPosition> saved)
    {
        _catchesUp = true;
        var ages = new AgeReader(_database, new DocumentBatches(documents), _tuning);
        return Parts(documents, table =>
        {
            var id = table.Part("again");
            _readers[id] = (after, stop) => ages.ReadAsync(table, (AgePosition)after, stop);
            return new Partition(id, new AgePosition(PostgresPosition.OldestMark(saved.Values)).ToPosition());
        });
    }

    private async Task<IReadOnlyList<Partition>> ChangesAsync(
        DocumentSet documents, Dictionary<PartitionId, PostgresPosition> saved, CancellationToken ct)
    {
        var batches = new DocumentBatches(documents);
        var (ages, times) = (new AgeReader(_database, batches, _tuning), new TimeReader(_database, batches, _horizon, _tuning, _log));
        var safe = new HashSet<TrackedTable>();
        foreach (var table in documents.Tables)
        {
            if (await _times.IsSafeAsync(table, ct).ConfigureAwait(false)) safe.Add(table);
        }

        if (!_times.HasSaid && documents.Tables.Count > 1) Log.MovedRowsUnseen(_log);
        _times.HasSaid = true;
        var mark = PostgresPosition.OldestMark(saved.Values);
        var (divisions, came, changed) = Divisions(documents.Tables, saved);
        var moved = string.Join(", ", documents.Tables.Where(t => came.ContainsKey(t.Table.Oid)).Select(t => t.Table.Name).Distinct().Append(changed).Where(t => t.Length > 0));
        if (moved.Length > 0) Log.PartitionsChanged(_log, moved);
        var parts = Parts(documents, table =>
        {
            var id = table.Part("changes");
            _readers[id] = (after, stop) => after is TimePosition time ? times.ReadAsync(table, time, stop) : ages.ReadAsync(table, (AgePosition)after, stop);
            PostgresPosition start = safe.Contains(table) && mark.Time is { } from ? new TimePosition(from) : new AgePosition(mark);
            return saved.GetValueOrDefault(id) is TimePosition && !safe.Contains(table)
                ? new Partition(id, new AgePosition(default).ToPosition()) { StartsOverBecause = "it is no longer certain that no row comes later with an earlier time" }
                : new Partition(id, start.ToPosition());
        });
        return [.. parts, .. divisions, .. ColumnsOf(documents, saved, tells: true)];
    }

    // A document may be found through several tables: what is read later is newer, and has to be written later. What has the time that was read
    // up to is read again.
    private static List<Partition> Parts(DocumentSet documents, Func<TrackedTable, Partition> make)
    {
        var parts = documents.Tables.Select(make).ToList();
        return parts.ConvertAll(p => p with { InOrder = parts.Count > 1 || p.InOrder, Repeats = true });
    }

    private async Task CloseViewAsync()
    {
        if (_view is not null) await _view.DisposeAsync().ConfigureAwait(false);
        _view = null;
    }
}
