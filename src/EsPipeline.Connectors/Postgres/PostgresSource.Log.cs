using System.Globalization;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Postgres;

/// <summary>What is read where the log is followed: the log, and before it what the log does not tell.</summary>
public sealed partial class PostgresSource
{
    private ColumnsPosition? _columns;

    private async Task<IReadOnlyList<Partition>> LogAsync(
        DocumentSet documents, ReadPlan plan, Dictionary<PartitionId, PostgresPosition> saved, CancellationToken ct)
    {
        _followsLog = true;
        _guard.Begin();
        var id = new PartitionId(documents.Root.Table.Name + "!log");
        _readers[id] = (after, stop) => _logReader.ReadAsync(documents, (LogPosition)after, stop);
        var mark = PostgresPosition.OldestMark(saved.Values);
        var reached = (saved.GetValueOrDefault(id) as LogPosition)?.Safe ?? mark.Log;
        var (confirmed, reason) = await _slot.FindAsync(documents, reached, ct).ConfigureAwait(false);
        if (reason.Length == 0) reason = _logReader.Lost;
        var (divisions, came, changed) = Divisions(documents.Tables.Skip(1), saved);
        if (reason.Length == 0 && changed.Length > 0) reason = $"partitions of {changed} came or went, whose rows the log does not tell";
        if (reached is null || reason.Length > 0)
        {
            if (reached is not null) Log.SlotLost(_log, reason);
            if (!Follows && confirmed is null) return await ChangesAsync(documents, saved, ct).ConfigureAwait(false);
            var (view, place) = await BeginAnewAsync(documents, confirmed, reached, ct).ConfigureAwait(false);
            var because = reason.Length > 0 ? reason : "the snapshot was made without a replication slot";
            var ranges = Ranges(documents, documents.Root.Table.Stores, plan, new Dictionary<PartitionId, BlocksPosition>(), view, new SnapshotMark(view.OldestTransaction, null, place));
            return InOrder(ranges.Append(new Partition(id, LogPosition.Before(place).ToPosition())).Concat(divisions)
                .Select(p => p with { StartsOverBecause = saved.ContainsKey(p.Id) ? because : null }).Concat(ColumnsOf(documents, saved, tells: false)));
        }

        var log = new Partition(id, LogPosition.Before(mark.Log ?? default).ToPosition());
        var unread = await UnreadAsync(documents, plan, saved, mark, ct).ConfigureAwait(false);
        return InOrder(unread.Concat(Attached(documents, saved, came)).Append(log).Concat(divisions).Concat(ColumnsOf(documents, saved, tells: true)));
    }

    // A failure that comes of what was planned being gone is not one to wait for. Asked only once nothing is being read, so that there is a
    // connection to ask with.
    private async Task<PipelineException> CauseOfAsync(PipelineException failure, CancellationToken ct)
    {
        if (failure.Kind != FailureKind.Environment || failure.Error.EndsRun || failure.Error.PlansAnew || _planned is not { } documents) return failure;
        try
        {
            var changed = await _database.CallAsync("Looking at the columns failed", (connection, stop) => PlannedColumns.ChangedAsync(connection, documents, stop), ct).ConfigureAwait(false);
            if (changed.Length > 0) return PlannedColumns.Outdated(changed);
            var reason = _followsLog ? (await _slot.FindAsync(documents, null, ct).ConfigureAwait(false)).Reason : "";
            return reason.Length > 0 ? _logReader.Lose(reason, failure) : failure;
        }
        catch (PipelineException e)
        {
            return e.Error.EndsRun ? e : failure;
        }
    }

    // From where a slot stands, or from one that is made; what is there by its name and can't be used goes, where it is ours.
    private async Task<(SnapshotView View, LogPlace Place)> BeginAnewAsync(DocumentSet documents, LogPlace? confirmed, LogPlace? reached, CancellationToken ct)
    {
        await _logReader.DisposeAsync().ConfigureAwait(false);
        (_view, var place) = confirmed is { } there
            ? (await SnapshotView.OpenAsync(_database, null, ct).ConfigureAwait(false), there)
            : await _slot.CreateAsync(documents, reached?.Lsn, ct).ConfigureAwait(false);
        _logReader.BeginAnew();
        return (_view, place);
    }

    // What is not read yet of the root's rows, and what the log never tells: those of a partition that was attached. Of a table in parts the
    // checkpoint keeps every part, read to its end, to know them by; and to say which are gone, whose rows went without a word.
    private async Task<List<Partition>> UnreadAsync(
        DocumentSet documents, ReadPlan plan, Dictionary<PartitionId, PostgresPosition> saved, SnapshotMark mark, CancellationToken ct)
    {
        var (table, known) = (documents.Root.Table, saved.Where(s => s.Value is BlocksPosition).ToDictionary(s => s.Key, s => (BlocksPosition)s.Value));
        if (!table.IsInParts && known.Values.All(r => r.After is null)) return [];
        var gone = known.Where(k => table.Stores.All(s => s.Oid != k.Value.Store)).Select(k => SnapshotPlan.OwnerOf(k.Key)).Distinct().ToArray();
        if (gone.Length > 0) Log.PartitionsGone(_log, string.Join(", ", gone), table.Name);

        var left = table.Stores.Where(s => known.Values.Where(r => r.Store == s.Oid).DefaultIfEmpty().Any(r => r is null or { After: not null })).ToArray();
        var read = known.Where(k => table.Stores.Any(s => s.Oid == k.Value.Store) && left.All(s => s.Oid != k.Value.Store)).Select(k => AtEnd(k.Key, k.Value)).ToList();
        if (left.Length == 0) return read;
        _view = await SnapshotView.OpenAsync(_database, null, ct).ConfigureAwait(false);
        var attached = left.Where(s => s.Blocks > 0 && known.Values.All(r => r.Store != s.Oid)).Select(s => s.Name).ToArray();
        if (attached.Length > 0) Log.PartitionsNew(_log, string.Join(", ", attached), table.Name);
        read.AddRange(Ranges(documents, left, plan, known, _view, mark.Transaction > 0 ? mark : new SnapshotMark(_view.OldestTransaction, null, null)));
        return read;
    }

    // The partitions of tables, to tell whether any came or went; and the tables of which some did since it was saved: those to which some came and
    // from which none went, with what came, and the others by their names.
    private (IReadOnlyList<Partition> Divisions, Dictionary<uint, IReadOnlyList<PostgresStore>> Came, string Changed) Divisions(
        IEnumerable<TrackedTable> tables, Dictionary<PartitionId, PostgresPosition> saved)
    {
        var (divisions, came, changed) = (new List<Partition>(), new Dictionary<uint, IReadOnlyList<PostgresStore>>(), new List<string>());
        foreach (var table in tables.Select(t => t.Table).Where(t => t.IsInParts).DistinctBy(t => t.Oid))
        {
            var now = DivisionPosition.Of(table);
            var division = AtEnd(new PartitionId(table.Name + "!division"), now);
            divisions.Add(division);
            if (saved.GetValueOrDefault(division.Id) is not DivisionPosition before || before.Sum == now.Sum) continue;
            if (before.CameTo(table) is { } stores) came[table.Oid] = stores;
            else changed.Add(table.Name);
        }

        return (divisions, came, string.Join(", ", changed));
    }

    // The rows of partitions that came to a table that documents are made of besides the root: what is read of them is whose documents they belong
    // to. What an earlier pass was to read of them and has not, is read now.
    private List<Partition> Attached(DocumentSet documents, Dictionary<PartitionId, PostgresPosition> saved, Dictionary<uint, IReadOnlyList<PostgresStore>> came)
    {
        var (parts, begin) = (new List<Partition>(), new AgePosition(default));
        var ages = new AgeReader(_database, new DocumentBatches(documents), _tuning);
        foreach (var table in documents.Tables.Skip(1))
        {
            foreach (var store in table.Table.Stores)
            {
                var id = table.Part(string.Create(CultureInfo.InvariantCulture, $"attached:{store.Oid}"));
                var isNew = came.TryGetValue(table.Table.Oid, out var stores) && stores.Contains(store);
                if (!isNew && saved.GetValueOrDefault(id) != begin) continue;
                if (isNew && store.Blocks > 0 && !saved.ContainsKey(id)) Log.PartitionsNew(_log, store.Name, table.Table.Name);
                var alone = table with { Table = table.Table with { Stores = [store] } };
                _readers[id] = (after, stop) => after == begin ? ages.ReadAsync(alone, begin, stop) : AsyncEnumerable.Empty<RecordBatch>();
                parts.Add(new Partition(id, begin.ToPosition()));
            }
        }

        return parts;
    }

    // The columns that documents are made of, as a sum. ADD COLUMN … DEFAULT, DROP COLUMN and another type write no row that following would see.
    // What documents of several tables hold is said in a file, not by the columns that there are.
    private IReadOnlyList<Partition> ColumnsOf(DocumentSet documents, Dictionary<PartitionId, PostgresPosition> saved, bool tells)
    {
        if (documents.Rows is not { } rows) return [];
        var now = ColumnsPosition.Of(rows);
        var part = AtEnd(new PartitionId(documents.Root.Table.Name + "!columns"), now);
        if (tells && (_columns ?? saved.GetValueOrDefault(part.Id) ?? now) != now) Log.ColumnsChanged(_log, documents.Root.Table.Name);
        _columns = now;
        return [part];
    }

    // Nothing is to be read of it, but where it is has to be saved.
    private Partition AtEnd(PartitionId id, PostgresPosition position)
    {
        _readers[id] = (after, _) => after == position ? AsyncEnumerable.Empty<RecordBatch>() : new[] { RecordBatch.Empty(position.ToPosition()) }.ToAsyncEnumerable();
        return new Partition(id, position.ToPosition());
    }

    private static List<Partition> InOrder(IEnumerable<Partition> partitions) => [.. partitions.Select(p => p with { InOrder = true, UniqueKeys = false })];
}
