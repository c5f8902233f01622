using System.Text;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Writes to an index of Elasticsearch 7.17 to 9 or OpenSearch 1 to 3, or to an alias's write index, with <c>_bulk</c>. A document's
/// <c>_id</c> is its key; writing it again replaces it whole.
/// </summary>
/// <remarks>
/// A record with a version is written with it (<c>external_gte</c>): an older one never replaces a newer one, in whatever order they come.
/// The servers remember the version of what was deleted for a minute (<c>index.gc_deletes</c>), so an older record that comes later than
/// that after its delete is taken again.
/// </remarks>
public sealed partial class ElasticsearchSink : IReadableSink, ICountableSink, IRehearsableSink, INotingSink
{
    // What the servers recommend for one request is 5 to 15 MB.
    private const int UsualRequestBytes = 8 << 20;

    // A proxy that takes less than this in one request is set up wrongly.
    private const long LeastRequestBytes = 64 << 10;

    private static readonly TimeSpan CheckPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestEnding = TimeSpan.FromSeconds(5);

    private readonly ElasticsearchSinkOptions _options;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ElasticsearchClient _client;
    private readonly BulkLoad _bulkLoad;
    private readonly string _name;
    private TargetIndex? _target;
    private string _bulk = "";
    private long _mostRequestBytes = IndexPreparation.UsualContentLength;
    private long _checkedAt;
    private bool _relaxed;
    private ReadKind? _kind;
    private string? _routed;
    private string? _pipeline;

    /// <summary>Makes the sink; nothing is connected yet.</summary>
    /// <param name="options">Valid options.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Where to log.</param>
    public ElasticsearchSink(ElasticsearchSinkOptions options, TimeProvider time, ILogger<ElasticsearchSink> log)
        : this(options, time, log, ClientPatience.Default)
    {
    }

    /// <summary>A sink that waits for another time than usual.</summary>
    internal ElasticsearchSink(ElasticsearchSinkOptions options, TimeProvider time, ILogger log, ClientPatience patience)
    {
        (_options, _time, _log) = (options, time, log);
        _name = ClusterAddress.IndexOf(options, ClusterAddress.Parse(options, []), []) ?? "";
        _client = new ElasticsearchClient(options, time, patience);
        _bulkLoad = new BulkLoad(_client, log);
        Limits = LimitsFor(IndexPreparation.UsualContentLength);
    }

    /// <inheritdoc/>
    public SinkLimits Limits { get; private set; }

    /// <inheritdoc/>
    public string Place => $"the index '{_name}'";

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var check = new SinkCheck(_client, _name, _time);
        var health = await check.AskAsync(ct).ConfigureAwait(false);
        _routed = check.Routed;
        return health;
    }

    /// <summary>
    /// Makes the index where it is not there, from <c>--es-mapping</c> or from the schema; compares it with them where it is. Gives an index
    /// that a run with <c>--es-bulk-load</c> has left relaxed its settings back, unless this one is to go on with it.
    /// </summary>
    public async Task PrepareAsync(SourceSchema schema, CancellationToken ct)
    {
        var (target, most) = await new IndexPreparation(_client, _options, _name, _log).PrepareAsync(schema, ct).ConfigureAwait(false);
        LimitTo(most);
        _pipeline = PipelineOf(target);
        (_target, _bulk, _checkedAt) = (target, BulkPath(target), _time.GetTimestamp());
        if (!_options.BulkLoad) await _bulkLoad.RestoreAsync(target, ct).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async Task BeginPassAsync(ReadKind kind, bool uniqueKeys, CancellationToken ct)
    {
        _kind = kind;
        await MakeSureOfIndexAsync(ct).ConfigureAwait(false);
        if (kind == ReadKind.Changes) await _copied.ForgetAsync(ct).ConfigureAwait(false);
        else if (_target is { } target) await _copied.AddAsync(target, ct).ConfigureAwait(false);
        if (!_options.BulkLoad || kind != ReadKind.Snapshot) return;
        await _bulkLoad.RelaxAsync(_target!, ct).ConfigureAwait(false);
        _relaxed = true;
    }

    /// <inheritdoc/>
    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        if (_time.GetElapsedTime(Interlocked.Read(ref _checkedAt)) > CheckPause) await MakeSureOfIndexAsync(ct).ConfigureAwait(false);
        if (_kind is not null && _routed is not null) RefuseDeletes(slice, _routed);
        var failures = new List<RecordFailure>();
        var takes = RefuseImpossible(slice, failures);
        var rest = takes is null ? slice : slice.Pick(takes);
        var (written, unchanged) = (0, 0);
        foreach (var (from, count) in Requests(rest))
        {
            var part = rest.Slice(from, count);
            var result = await SliceBisection.WriteAsync(
                count, (first, some, stop) => SendAsync(part.Slice(first, some), stop), BlamesDocuments, ct).ConfigureAwait(false);
            written += result.Written;
            unchanged += result.Unchanged;
            foreach (var failure in result.Failures) failures.Add(failure with { Index = takes is null ? from + failure.Index : takes[from + failure.Index] });
        }

        failures.Sort((a, b) => a.Index.CompareTo(b.Index));
        return new WriteResult(written, unchanged, failures);
    }

    /// <summary>Compares the index with the schema as a run does. What a document's values have to be, only the server knows.</summary>
    public async Task<IReadOnlyList<string>> PrepareRehearsalAsync(SourceSchema schema, bool reachable, CancellationToken ct)
    {
        const string Unasked = "Whether the mapping of the index takes a document's values is found out only by writing it.";
        if (!reachable) return [Unasked];
        var (exists, most) = await new IndexPreparation(_client, _options, _name, _log).LookAsync(schema, ct).ConfigureAwait(false);
        LimitTo(most);
        return exists ? [Unasked] : [$"There is no index '{_name}': a run makes it.", Unasked];
    }

    /// <inheritdoc/>
    public ValueTask<RehearsedWrite> RehearseAsync(RecordSlice slice, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var failures = new List<RecordFailure>();
        var rest = RefuseImpossible(slice, failures) is { } takes ? slice.Pick(takes) : slice;
        return ValueTask.FromResult(new RehearsedWrite(Requests(rest).Count(), failures));
    }

    /// <inheritdoc/>
    public async Task CompleteAsync(CancellationToken ct)
    {
        SayDropped();
        await MakeSureOfIndexAsync(ct).ConfigureAwait(false);
        if (!_relaxed) return;
        await _bulkLoad.RestoreAsync(await FindAgainAsync(ct).ConfigureAwait(false), ct).ConfigureAwait(false);
        _relaxed = false;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        SayDropped();
        if (_relaxed) await EndBulkLoadAsync().ConfigureAwait(false);
        _copied.Dispose();
        _client.Dispose();
    }

    private static bool BlamesDocuments(PipelineException e) => e.Error == ElasticsearchErrors.RequestTooLarge || e.Error == ElasticsearchErrors.DocumentRefused;

    private static SinkLimits LimitsFor(long contentLength)
    {
        var record = contentLength - BulkBody.MostOverhead;
        return new SinkLimits
        {
            MaxRecords = 20_000,
            StartRecords = 2000,
            MaxBytes = Math.Min(UsualRequestBytes, record),
            MaxRecordBytes = record,
            Concurrency = 8,
            StartConcurrency = 2,
        };
    }

    private string BulkPath(TargetIndex target)
    {
        var path = new StringBuilder(IndexExpression.Encode(_name)).Append("/_bulk?").Append(BulkAnswer.Filter);

        // An ingest pipeline may send documents elsewhere, and an alias that rolls over writes to another index from then on. One that was removed would
        // else come back as an index of its name.
        if (target.IsAlias || _pipeline is not null) path.Append(BulkAnswer.IndexFilter);
        if (target.IsAlias) path.Append("&require_alias=true");
        if (_options.Pipeline.Length > 0) path.Append("&pipeline=").Append(Uri.EscapeDataString(_options.Pipeline));
        return path.Append(RefreshText).ToString();
    }

    // What the server would refuse together with all others of its request, or never take.
    private int[]? RefuseImpossible(RecordSlice slice, List<RecordFailure> failures)
    {
        var most = Limits.MaxRecordBytes;
        for (var i = 0; i < slice.Count; i++)
        {
            ref readonly var record = ref slice[i];
            if (record.Key.Length > BulkBody.MostKeyBytes)
            {
                failures.Add(new RecordFailure(i, ElasticsearchErrors.KeyTooLong, $"Its key has {record.Key.Length} bytes; an _id has at most {BulkBody.MostKeyBytes}."));
            }
            else if (record.Bytes > most)
            {
                failures.Add(new RecordFailure(i, ElasticsearchErrors.RequestTooLarge, $"It has {record.Bytes} bytes; the server takes at most {most} (http.max_content_length)."));
            }
        }

        if (failures.Count == 0) return null;
        var refused = failures.Select(f => f.Index).ToHashSet();
        return [.. Enumerable.Range(0, slice.Count).Where(i => !refused.Contains(i))];
    }

    // The slice in parts that one request may hold each; one record at least.
    private IEnumerable<(int From, int Count)> Requests(RecordSlice slice)
    {
        for (int from = 0, count; from < slice.Count; from += count)
        {
            (count, var bytes, var most) = (0, 0L, Interlocked.Read(ref _mostRequestBytes));
            while (from + count < slice.Count)
            {
                bytes += BulkBody.LengthOf(slice[from + count]);
                if (bytes > most && count > 0) break;
                count++;
            }

            yield return (from, count);
        }
    }

    private void LimitTo(long contentLength) =>
        (Limits, _mostRequestBytes) = (LimitsFor(contentLength), Math.Min(UsualRequestBytes + (1 << 20), contentLength));

    private async Task<WriteResult> SendAsync(RecordSlice slice, CancellationToken ct)
    {
        try
        {
            var (answer, result) = await SendToAsync(_bulk, slice, ct).ConfigureAwait(false);
            return await DeleteBehindAsync(slice, answer, result, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.RequestTooLarge && slice.Count > 1)
        {
            // Something on the way takes less than the server says that it does: from here on no request is as large.
            var half = Math.Max(LeastRequestBytes, slice.Bytes / 2);
            if (half < Interlocked.Read(ref _mostRequestBytes)) Interlocked.Exchange(ref _mostRequestBytes, half);
            throw;
        }
    }

    private async Task<(BulkAnswer Answer, WriteResult Result)> SendToAsync(string path, RecordSlice slice, CancellationToken ct)
    {
        using var bytes = await _client.FetchAsync(
            HttpMethod.Post, path, () => new BulkBody(slice, _client.Compresses), 4096 + (64 * slice.Count), Array.MaxLength, ct).ConfigureAwait(false);
        var target = _target is { IsAlias: false, IsSeen: true } one ? one.Concrete : null;
        var answer = new BulkAnswer(_client.Addresses[0], "/" + path.Split('?')[0], _pipeline, target);
        var result = answer.Read(bytes.Written.Span, slice);
        NoteDetours(answer);
        return (answer, result);
    }

    private Task<TargetIndex> FindAgainAsync(CancellationToken ct) => TargetIndex.GetAsync(_client, _name, ct);

    private async Task EndBulkLoadAsync()
    {
        using var limit = new CancellationTokenSource(LongestEnding);
        try
        {
            await _bulkLoad.RestoreAsync(await FindAgainAsync(limit.Token).ConfigureAwait(false), limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PipelineException or OperationCanceledException)
        {
            Log.BulkLoadNotEnded(_log, _name, e.Message);
        }
    }
}
