using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Reads Elasticsearch 7.17 to 9 and OpenSearch 1 to 3, snapshots and changes alike, by sequence numbers: every operation on a shard gets
/// one, and a document is found under that of its newest operation. Deletes can't be searched for and are not seen.
/// </summary>
/// <remarks>
/// A snapshot shows each shard as it was at one moment, which is when its first part is read; a document never changes its shard.
/// A key is the document's <c>_id</c>; with <c>--es-key</c> the index's name, and perhaps the routing, stand before it. Records have no version:
/// sequence numbers begin anew when an index is made again, so a sink must not take a greater one for a newer document. A record's place is
/// its sequence number.
/// </remarks>
public sealed class ElasticsearchSource : IDataSource
{
    // Nodes restart one after the other; a view that is lost more often than that is lost for another reason.
    private const int MostPassesLost = 3;

    private readonly ElasticsearchSourceOptions _options;
    private readonly RunOptions _run;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly SourceTuning _tuning;
    private readonly string _expression;
    private readonly ElasticsearchClient _client;
    private readonly Visibility _visibility;
    private readonly PartReader _reader;
    private readonly HashSet<string> _withoutViews = [];
    private ServerInfo? _server;
    private Dictionary<PartitionId, ShardPart> _parts = [];
    private IReadOnlyList<PointInTime> _views = [];
    private int _passesLost;
    private bool _catchesUp;
    private bool _resumed;
    private bool _saidHow;
    private long _withoutTime;

    /// <param name="options">Valid options.</param>
    /// <param name="run">The run's query and overlap.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where to log.</param>
    public ElasticsearchSource(ElasticsearchSourceOptions options, RunOptions run, TimeProvider time, ILogger<ElasticsearchSource> log)
        : this(options, run, time, log, SourceTuning.Default)
    {
    }

    /// <summary>A source that reads in other steps than usual.</summary>
    internal ElasticsearchSource(ElasticsearchSourceOptions options, RunOptions run, TimeProvider time, ILogger<ElasticsearchSource> log, SourceTuning tuning)
    {
        (_options, _run, _time, _log, _tuning) = (options, run, time, log, tuning);
        _expression = ClusterAddress.IndexOf(options, ClusterAddress.Parse(options, []), []) ?? "";
        _client = new ElasticsearchClient(options, time, tuning.Patience);
        _visibility = new Visibility(_client, _expression, time, log);
        _reader = new PartReader(_client, options, _expression, run.Overlap ?? RunOptions.DefaultOverlap, log);
    }

    /// <inheritdoc/>
    public bool SnapshotContinues => _reader.HasMoved || _reader.HasVanished || (!_catchesUp && (_resumed || _views.Any(v => !v.IsOneMoment)));

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var (health, server) = await new SourceCheck(_client, _options, _expression, _time).AskAsync(QueryGiven(), ct).ConfigureAwait(false);
        _server = server;
        return health;
    }

    /// <inheritdoc/>
    public async Task<SourceSchema> DescribeAsync(CancellationToken ct)
    {
        try
        {
            return MappingSchema.Of(
                await _client.SendAsync(HttpMethod.Get, $"{IndexExpression.Encode(_expression)}/_mapping", default, ct).ConfigureAwait(false));
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            Log.NoMapping(_log, _expression);
            return SourceSchema.Unknown;
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
    {
        _withoutViews.UnionWith(_views.Where(v => v.IsRefused).Select(v => v.Shard.Index.Name));
        if (_views.Any(v => v.WasOpened)) _passesLost = _views.Any(v => !v.IsOneMoment && !v.IsRefused) ? _passesLost + 1 : 0;
        await CloseViewsAsync().ConfigureAwait(false);
        (_reader.HasMoved, _reader.HasVanished) = (false, false);
        _server ??= await ServerInfo.AskAsync(_client, ct).ConfigureAwait(false);
        var query = QueryText.Check(plan.Selection.Query);
        var saved = new SavedPositions(plan.Saved);
        var facts = await FactsAsync(plan.Selection.TimestampField, saved, ct).ConfigureAwait(false);
        var snapshot = plan.Kind == ReadKind.Snapshot;
        if (snapshot && !facts.IsFinal && _passesLost >= MostPassesLost)
        {
            throw ElasticsearchErrors.ViewNeverHolds.Error($"'{_expression}' was read {_passesLost} times, and each time the view of a shard was lost before its end, so that all of it would have to be read again.");
        }

        var selection = snapshot ? plan.Selection : plan.Selection with { Since = null, Until = null };
        var byTime = !facts.IsFinal || _options.Follow == FollowWay.Timestamp;
        var parts = snapshot ? [] : ChangesPlan.Make(facts, saved, byTime);
        var needsTime = snapshot ? byTime || facts.Unnumbered.Count > 0 : parts.Any(p => p.Position is TimePosition or SlicePosition);
        var time = await TimeAsync(selection, facts, needsTime, snapshot, query, ct).ConfigureAwait(false);
        if (snapshot) parts = SnapshotPlan.Make(facts, saved, plan.Parallelism, _tuning.LeastSpan, time);
        _catchesUp = !parts.Any(p => p.Position is RangePosition);
        _resumed = parts.Any(p => p.StartsOverBecause is null && p.Position is RangePosition { IsAtStart: false });

        // Whatever is up to the checkpoints has to be visible before any of it is looked for. Where searches alone say how far the shards are,
        // they know nothing of what no search shows yet: even a shard without any document may have some.
        if (!facts.IsFinal || parts.Any(p => p.Extent is not 0)) await _visibility.EnsureAsync(ct).ConfigureAwait(false);
        var views = ViewsOf(parts);
        _views = [.. views.Values];
        _parts = parts.ToDictionary(p => p.Id, p => new ShardPart
        {
            Server = _server,
            Index = p.Shard?.Index ?? p.Index!,
            Shard = p.Shard,
            View = p.Shard is null ? null : views.GetValueOrDefault(p.Shard.Name),
            IsFinal = facts.IsFinal,
            LatestTime = time,
            Selection = selection,
            Query = query,
            Window = new SequenceWindow(p.Shard?.DocumentBytes ?? 0, _tuning.MostDocuments),
        });
        var keysAreUnique = parts.Any(p => p.Position is RangePosition) && await KeysAreUniqueAsync(facts, ct).ConfigureAwait(false);
        return [.. parts.Select(p => new Partition(p.Id, p.Position.ToPosition())
        {
            UniqueKeys = keysAreUnique && p.Position is RangePosition,
            Repeats = p.Position is TimePosition,
            StartsOverBecause = p.StartsOverBecause,
            Extent = p.Extent,
        })];
    }

    /// <inheritdoc/>
    public IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, CancellationToken ct) =>
        _reader.ReadAsync(_parts[partition.Id], ElasticsearchPosition.Parse(after), ct);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await CloseViewsAsync().ConfigureAwait(false);
        _client.Dispose();
    }

    // The servers keep an _id once in a shard; which shard that is, the _id alone decides unless a document has a routing of its own.
    private async Task<bool> KeysAreUniqueAsync(DataFacts facts, CancellationToken ct)
    {
        if (_options.Key == KeyForm.IndexRoutingId) return true;
        if (_options.Key == KeyForm.Id && facts.Indices.Skip(1).Any()) return false;
        return facts.Shards.GroupBy(s => s.Index).All(i => !i.Skip(1).Any())
            || await CustomRouting.FindAsync(_client, _server!, _expression, ct).ConfigureAwait(false) is null;
    }

    private async Task<DataFacts> FactsAsync(string timestampField, SavedPositions saved, CancellationToken ct)
    {
        var facts = await new ShardCatalog(_client, _server!, _expression).ReadAsync(ct).ConfigureAwait(false);

        // Without checkpoints a snapshot needs a view that holds; where there is none, scrolling is what remains.
        if (!facts.IsFinal) facts = facts.WithSlicesFor(i => !_server!.HasPointInTime || _withoutViews.Contains(i.Name));
        if (!_saidHow)
        {
            _saidHow = true;
            if (!facts.IsFinal) Log.NoStatistics(_log, _expression, timestampField);
            foreach (var index in facts.Unnumbered) Log.NoSequenceNumbers(_log, index.Name, timestampField);
        }

        if (!saved.IsEmpty) SayWhatChanged(facts, saved);
        return facts;
    }

    private void SayWhatChanged(DataFacts facts, SavedPositions saved)
    {
        var before = saved.Owners.Select(o => o.Split('#')[0]).ToHashSet();
        var now = facts.Indices.Select(i => i.Name).ToHashSet();
        foreach (var index in now.Except(before)) Log.IndexAppeared(_log, index, _expression);
        foreach (var index in before.Except(now))
        {
            Log.IndexVanished(_log, index, _expression);
            if (_options.Key != KeyForm.Id) Log.KeysOfVanished(_log, index);
        }
    }

    private async Task<long?> TimeAsync(Selection selection, DataFacts facts, bool needed, bool snapshot, byte[]? query, CancellationToken ct)
    {
        var selects = selection.Since is not null || selection.Until is not null;
        if (!selects && !needed) return null;
        var field = new TimeField(_client, _server!, selection.TimestampField);
        try
        {
            await field.CheckAsync(_expression, facts.HasDocuments, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.NoTimeField && snapshot && !selects && _options.Follow != FollowWay.Timestamp)
        {
            // A snapshot can do without; only whoever then wants changes has to be told.
            return null;
        }

        if (!needed) return null;
        var (count, indices) = await field.MissingAsync(_expression, query, ct).ConfigureAwait(false);
        if (count > _withoutTime) Log.NeverFollowed(_log, count, selection.TimestampField, string.Join(", ", indices));
        _withoutTime = count;
        return await field.LatestAsync(_expression, _time.GetUtcNow(), ct).ConfigureAwait(false);
    }

    // One view for each shard of which something is left to be read.
    private Dictionary<string, PointInTime> ViewsOf(IReadOnlyList<PlannedPart> parts) => parts
        .Where(p => p.Position is RangePosition { After: not null })
        .GroupBy(p => p.Shard!.Name)
        .ToDictionary(g => g.Key, g => new PointInTime(_client, _server!, g.First().Shard!, g.Count(), _log));

    private async Task CloseViewsAsync()
    {
        await Task.WhenAll(_views.Select(v => v.DisposeAsync().AsTask())).ConfigureAwait(false);
        _views = [];
    }

    // A file that can't be read was a mistake in the configuration, and has been told as one.
    private string? QueryGiven() => _run.Query ?? (_run.QueryFile is { } file && File.Exists(file) ? File.ReadAllText(file) : null);
}
