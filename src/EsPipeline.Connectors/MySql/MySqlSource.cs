using System.Globalization;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.MySql;

/// <summary>
/// Reads a table, a view or a query of MySQL or MariaDB: the source <c>mysql</c>. A record is the document in a row's content column, or the
/// row itself with a field for each column; its key is the row's, several columns joined by commas.
/// </summary>
/// <remarks>
/// A table is read in ranges of its key, each page by a query of its own that goes on behind the last row, so that neither a slow sink nor a
/// lost connection matters. Each page is of one moment, the whole is not: what changes meanwhile comes again with the changes, and a row
/// that gets another key meanwhile may be missed where they are not followed. Changes are found by the time in a column: inserts and updates,
/// not deletes.
/// </remarks>
public sealed class MySqlSource : IDataSource
{
    private const int RangesPerReader = 4;
    private const long LeastRowsOfRange = 10_000;

    private readonly MySqlSourceOptions _options;
    private readonly RunOptions _run;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly MySqlConnectionPool _connections;
    private readonly TimeSpan _overlap;
    private readonly FollowHorizon _horizon;
    private readonly ReadWarnings _warnings;
    private readonly SeenRows _seen = new();
    private ReadTarget? _target;
    private Selection _selection = Selection.Everything;
    private bool _saidNulls;

    /// <summary>Makes the source; nothing is connected yet.</summary>
    /// <param name="options">The server and the table.</param>
    /// <param name="run">The query and the overlap.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where warnings go.</param>
    public MySqlSource(MySqlSourceOptions options, RunOptions run, TimeProvider time, ILogger<MySqlSource> log)
    {
        (_options, _run, _time, _log) = (options, run, time, log);
        _connections = new MySqlConnectionPool(options, SessionUse.Read, time, log);
        _overlap = run.Overlap ?? RunOptions.DefaultOverlap;
        _horizon = new FollowHorizon(_overlap, log);
        _warnings = new ReadWarnings(log);
    }

    /// <summary>Rows of a page, and the fewest rows of a range; null to go by their bytes.</summary>
    internal int? PageSize { get; init; }

    /// <summary>Connects, and finds what is to be read.</summary>
    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => HealthReport.AskAsync(
        _options,
        _connections,
        _time,
        session =>
        {
            var target = Find(session);
            session.Execute($"SELECT {target.Reader().SelectList} FROM {target.From} LIMIT 0");
            if (_run.Mode is RunMode.Continuous or RunMode.Single) CheckFollows(session, target);
            return WarningsOf(session, target);
        },
        ct);

    /// <inheritdoc/>
    public Task<SourceSchema> DescribeAsync(CancellationToken ct) => _connections.RunAsync(session => TableSchema.Of(Find(session)), ct);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
    {
        var target = await _connections.RunAsync(session => ReadTarget.Find(session, _options, plan.Selection), ct).ConfigureAwait(false);
        (_target, _selection) = (target, plan.Selection);

        // Noted before the first row is read, so that what changes from here on is found again.
        var isNew = plan.Kind == ReadKind.Snapshot && plan.Saved.Count == 0;
        var follow = isNew && target is { Updated: not null, IsUnindexed: false } ? (await AskHorizonAsync(ct).ConfigureAwait(false)).Complete : (long?)null;
        return await _connections.RunAsync(
            session =>
            {
                if (plan.Selection is { Since: null, Until: null }) return PartitionsOf(session, target, plan, follow);
                if (target.Updated is null) throw TableErrors.CannotSelect.Error($"{target.Name} has no column of times that was named.");
                CheckTimes(session, target);
                SayNulls(session, target);
                return PartitionsOf(session, target, plan, follow);
            },
            ct).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        var position = MySqlPosition.Parse(after);
        var isChanges = position.Kind == PositionKind.Changes;
        var connection = await MySqlConnection.OpenAsync(_options, SessionUse.Read, _options.Timeout, _time, _log, ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false))
        {
            var target = _target ??= await connection.RunAsync(Find, ct).ConfigureAwait(false);

            // A pass that was broken off goes on to the time that it had noted when it began.
            var next = position.Follow;
            if (isChanges && position.After is null)
            {
                var (complete, now) = await AskHorizonAsync(ct).ConfigureAwait(false);

                // What was complete lay before the present then: a present before that has another clock, whose times may have begun anywhere.
                if (now < position.Follow)
                {
                    Log.ClockPutBack(_log, "MySQL", target.Name, DateTimeOffset.UnixEpoch.AddMicroseconds(position.Follow.Value));
                    position = position with { Follow = 0 };
                }

                // An open transaction that is told of more coarsely than before takes nothing back.
                next = Math.Max(complete, position.Follow ?? 0);
            }

            using var reader = new PageReader(target, _selection, position, byTime: isChanges, PageSize, _warnings);
            if (isChanges) _seen.BeginPass();
            while (!reader.IsAtEnd)
            {
                var batch = await connection.RunAsync(
                    s => isChanges ? reader.Read(s, p => p with { Follow = next }, _seen.IsNew) : reader.Read(s, p => p), ct).ConfigureAwait(false);
                yield return batch;
                if (isChanges) _seen.HandedOn();
            }

            if (!isChanges) yield break;
            using var nothing = new RecordBatchBuilder(0);
            yield return nothing.Build((reader.Position with { Follow = next, After = null }).ToPosition(), 0, "");
            _seen.EndPass();
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _connections.DisposeAsync();

    private async Task<(long Complete, long Now)> AskHorizonAsync(CancellationToken ct)
    {
        var connection = await MySqlConnection.OpenAsync(_options, SessionUse.Read, _options.Timeout, _time, _log, ct).ConfigureAwait(false);
        await using (connection.ConfigureAwait(false)) return await connection.RunAsync(_horizon.Ask, ct).ConfigureAwait(false);
    }

    private IReadOnlyList<Partition> PartitionsOf(MySqlSession session, ReadTarget target, ReadPlan plan, long? follow)
    {
        var saved = plan.Saved.ToDictionary(p => p.Key, p => MySqlPosition.Parse(p.Value));
        if (plan.Kind == ReadKind.Changes) return [ChangesOf(session, target, saved.Values)];
        if (saved.Count > 0) return [.. plan.Saved.Select(p => new Partition(p.Key, p.Value) { UniqueKeys = true })];

        var parts = plan.Parallelism == 1 || plan.Selection.Limit is not null ? 1 : plan.Parallelism * RangesPerReader;
        byte[]?[] bounds = [null, .. KeyRanges.Find(session, target, parts, PageSize ?? LeastRowsOfRange), null];
        return
        [
            .. bounds[..^1].Select((from, i) => new Partition(
                new PartitionId($"{target.Name}#{i}"),
                new MySqlPosition { Kind = PositionKind.Snapshot, Follow = follow, From = from, Below = bounds[i + 1] }.ToPosition())
            {
                UniqueKeys = true,
                Extent = target.Table is { } table && !plan.Selection.Narrows ? table.EstimatedRows / (bounds.Length - 1) : null,
            }),
        ];
    }

    private Partition ChangesOf(MySqlSession session, ReadTarget target, Dictionary<PartitionId, MySqlPosition>.ValueCollection saved)
    {
        CheckFollows(session, target);
        SayNulls(session, target);
        if (saved.Any(p => p.Follow is null)) throw TableErrors.CannotFollow.Error($"The copy of {target.Name} was begun without a column of times.");
        var start = new MySqlPosition { Kind = PositionKind.Changes, Follow = saved.Count == 0 ? 0 : saved.Min(p => p.Follow) };
        return new Partition(new PartitionId($"{target.Name}#changes"), start.ToPosition()) { Repeats = true };
    }

    private void CheckFollows(MySqlSession session, ReadTarget target)
    {
        if (target.IsUnindexed) throw TableErrors.CannotFollow.Error($"Changes of {target.Name} can't be followed: it is not a table.", "Use --mode full-sync.");
        if (target.Updated is null) throw TableErrors.CannotFollow.Error($"No column of {target.Name} was named that says when a row was changed.");
        CheckTimes(session, target);
    }

    // A TIMESTAMP is UTC by itself; what a DATETIME is, nobody but its writers knows.
    private void CheckTimes(MySqlSession session, ReadTarget target)
    {
        if (_options.UtcTimes || session.Server.IsUtc || !target.Updated!.IsDateTime) return;
        throw TableErrors.LocalTimes.Error($"The column '{target.Updated.Name}' of {target.Name} is a DATETIME, and the server's time zone is {session.Server.TimeZone}.");
    }

    private IEnumerable<string> WarningsOf(MySqlSession session, ReadTarget target)
    {
        var local = _options.UtcTimes || session.Server.IsUtc ? [] : (target.Content is null ? target.Columns : target.Key).Where(c => c.IsDateTime).Select(c => $"'{c.Name}'").ToArray();
        if (local.Length > 0)
        {
            yield return $"The server's time zone is {session.Server.TimeZone}, and what {string.Join(", ", local)} of {target.Name} hold (DATETIME) is taken as UTC: where it is local "
                + "time, each lies hours away from the truth in the copy. Give --db-utc-times where it is UTC; otherwise select it with CONVERT_TZ in a --query.";
        }

        if (_run.Mode is not (RunMode.Continuous or RunMode.Single)) yield break;
        if (ReplicaState.Of(session).Warning(session.Server, _overlap) is { } replica) yield return replica;
        if (target.Table is { Engine: not "InnoDB" } table)
        {
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"The storage engine {table.Engine} of {target.Name} does not tell which writes are under way, as InnoDB does: a row that is there more than {_overlap.TotalSeconds:0} s after its time is missed. Make --overlap longer than the longest statement that writes to the table.");
        }
    }

    private void SayNulls(MySqlSession session, ReadTarget target)
    {
        if (_saidNulls) return;
        _saidNulls = true;
        var time = target.Updated!.Quoted;

        // The years before 1000 are the zero dates of old tables.
        var rows = long.Parse(session.Rows($"SELECT COUNT(*) FROM {target.From} WHERE {time} IS NULL OR {time}<'1000-01-01'")[0][0]!, CultureInfo.InvariantCulture);
        if (rows > 0) Log.MySqlRowsWithoutTime(_log, rows, target.Name, target.Updated.Name);
    }

    private ReadTarget Find(MySqlSession session) => ReadTarget.Find(session, _options, new Selection(QueryGiven(), TimestampField: _run.TimestampField));

    // A file that can't be read was a mistake in the configuration, and has been told as one.
    private string? QueryGiven() => _run.Query ?? (_run.QueryFile is { } file && File.Exists(file) ? File.ReadAllText(file) : null);
}
