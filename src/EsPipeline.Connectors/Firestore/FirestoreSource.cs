using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// Reads one collection by <c>runQuery</c> in the order of the documents' names, all of it as of one time. Positions are names, so that reading goes
/// on wherever it broke off, though no longer as of that time once Firestore has forgotten it (an hour, or 7 days with
/// point-in-time recovery).
/// </summary>
/// <remarks>
/// Over REST nothing tells what has changed: a query can't ask for update times, and deleted documents leave no trace. A pass over the
/// changes therefore reads everything again.
/// </remarks>
public sealed class FirestoreSource : IDataSource
{
    private const int PartitionsPerReader = 4;
    private const int BatchBytes = 1 << 20;
    private const int LeastAnswerBytes = 8 << 20;
    private const int MostAnswerBytes = 32 << 20;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(3);

    private readonly FirestoreClient _client;
    private readonly FirestoreCollection _collection;
    private readonly CollectionQuery _query;
    private readonly DocumentDecoder _decoder;
    private readonly bool _isTyped;
    private readonly bool _compares;
    private readonly Lock _lock = new();
    private readonly ConversionCounts _conversions = new();
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private long? _limit;
    private bool _forgotten;

    /// <summary>Makes the source; nothing is connected yet.</summary>
    public FirestoreSource(FirestoreOptions options, TimeProvider time, ILogger<FirestoreSource> log)
        : this(options, time, log, new FirestoreClient(options, time))
    {
    }

    internal FirestoreSource(FirestoreOptions options, TimeProvider time, ILogger log, FirestoreClient client, bool compares = false)
    {
        (_client, _time, _log) = (client, time, log);
        _collection = options.ToCollection();
        _query = new CollectionQuery(_collection);
        (_isTyped, _compares) = (options.IsTyped, compares);
        _decoder = new DocumentDecoder(_collection, !_isTyped ? DocumentForm.Json : compares ? DocumentForm.Comparable : DocumentForm.Typed);
    }

    /// <summary>A source whose documents are to be compared with what a sink would write.</summary>
    internal static FirestoreSource ToCompare(FirestoreOptions options, TimeProvider time) =>
        new(options, time, NullLogger.Instance, new FirestoreClient(options, time), compares: true);

    /// <summary>Documents in a request: to begin with, and at most.</summary>
    internal (int Start, int Max) PageSize { get; init; } = (1000, 20_000);

    /// <summary>The longest that a check waits for the names of collections below a document.</summary>
    internal TimeSpan ListTimeout { get; init; } = TimeSpan.FromSeconds(1.5);

    /// <summary>The longest that the server may be silent.</summary>
    internal TimeSpan Timeout { get; init; } = Patience;

    /// <inheritdoc/>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        try
        {
            var (_, first) = await ProbeAsync(CheckTimeout, ct).ConfigureAwait(false);
            var health = _client.Healthy(_collection, _isTyped, _time.GetElapsedTime(started));
            var warning = first is null
                ? $"the collection '{_collection.Path}' holds no documents"
                : _compares ? null
                : await WarnOfCollectionsBelowAsync(first, ct).ConfigureAwait(false);
            return warning is null ? health : health with { Warnings = [.. health.Warnings, warning] };
        }
        catch (PipelineException e)
        {
            return ConnectorHealth.Unwell("Firestore", _time.GetElapsedTime(started), e);
        }
    }

    /// <inheritdoc/>
    public Task<SourceSchema> DescribeAsync(CancellationToken ct) => Task.FromResult(SourceSchema.Unknown);

    /// <inheritdoc/>
    public async Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
    {
        _limit = plan.Selection.Limit;
        var saved = plan.Saved.ToDictionary(p => p.Key, p => FirestorePosition.Parse(p.Value));
        if (saved.Count > 0 && (plan.Kind == ReadKind.Snapshot || !saved.Values.All(p => p.IsDone)))
        {
            return [.. plan.Saved.Select(p => new Partition(p.Key, p.Value) { UniqueKeys = true })];
        }

        var (readTime, first) = await ProbeAsync(Timeout, ct).ConfigureAwait(false);
        var splits = first is null || plan.Parallelism == 1 || plan.Selection.Limit is not null ? [] : await SplitAsync(plan.Parallelism, readTime, ct).ConfigureAwait(false);
        string?[] bounds = [null, .. splits, null];
        return [.. bounds[..^1].Select((start, i) => new Partition(
            new PartitionId($"{_collection.Path}#{i}"), FirestorePosition.Of(readTime, start, bounds[i + 1]).ToPosition())
        {
            UniqueKeys = true,
            StartsOverBecause = saved.Count == 0 ? null : "Firestore can't tell what has changed since it was read (all that is read again is billed)",
        })];
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        var position = FirestorePosition.Parse(after);
        using var output = new RecordBatchBuilder();
        var conversions = new ConversionCounts();
        var size = (int)Math.Min(PageSize.Start, _limit ?? int.MaxValue);
        long read = 0;
        while (!position.IsDone)
        {
            var before = read;
            (var answer, position) = await QueryAsync(position, size, ct).ConfigureAwait(false);
            using (answer)
            {
                while (await answer.NextAsync(ct).ConfigureAwait(false) is { IsEmpty: false } result)
                {
                    if (_decoder.Decode(result.Span, read + 1, output, conversions) is not { } id) continue;
                    read++;
                    position = position.After(id);
                    if (output.Bytes < BatchBytes) continue;
                    yield return Build(output, position);

                    // Documents that have come already know nothing of the cancelling.
                    ct.ThrowIfCancellationRequested();
                }

                lock (_lock) _conversions.Add(conversions);
                conversions.Clear();

                // An answer with fewer documents than were asked for is the last one.
                if (read - before < size) position = position.Done();
                if (position.IsDone || output.Count + output.MalformedCount > 0) yield return Build(output, position);
                size = answer.Bytes < LeastAnswerBytes ? Math.Min(2 * size, PageSize.Max) : answer.Bytes > MostAnswerBytes ? Math.Max(1, size / 2) : size;
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        if (_conversions.Any) Log.FirestoreTypesLost(_log, _collection.Path, _conversions.ToString());
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    private RecordBatch Build(RecordBatchBuilder output, FirestorePosition end) => output.Build(end.ToPosition(), 0, $"{_collection.Path} document");

    // Asks for documents as of the position's time; where Firestore has forgotten that time, as of the next whole minute, which a database with
    // point-in-time recovery keeps for 7 days; and otherwise as they are now.
    private async Task<(QueryAnswer Answer, FirestorePosition Position)> QueryAsync(FirestorePosition position, int limit, CancellationToken ct)
    {
        while (true)
        {
            var body = _query.Page(position, limit);
            try
            {
                return (new QueryAnswer(await _client.StreamAsync(_query.RunMethod, () => FirestoreClient.Json(body), Timeout, ct).ConfigureAwait(false)), position);
            }
            catch (PipelineException e) when (position.ReadTime is not null && (e.Error == FirestoreErrors.Rejected || e.Error == FirestoreErrors.Refused))
            {
                var next = position.ReadTime.Value.NextMinute();
                if (next is null && Interlocked.Exchange(ref _forgotten, true) is false) Log.FirestoreSnapshotForgotten(_log, _collection.Path, e.Message);
                position = position with { ReadTime = next };
            }
        }
    }

    // What time it is there, and the name of the first document; null where there is none.
    private async Task<(FirestoreTime ReadTime, string? First)> ProbeAsync(TimeSpan timeout, CancellationToken ct)
    {
        var answer = await _client.CallAsync(_query.RunMethod, () => FirestoreClient.Json(_query.Probe), timeout, ct).ConfigureAwait(false);
        try
        {
            using var results = JsonDocument.Parse(answer);
            var (readTime, first) = (default(FirestoreTime?), default(string));
            foreach (var result in results.RootElement.EnumerateArray())
            {
                if (result.TryGetProperty("readTime", out var time)) readTime = IsoTime.Parse(Encoding.UTF8.GetBytes(time.GetString() ?? ""));
                if (result.TryGetProperty("document", out var document)) first ??= document.GetProperty("name").GetString();
            }

            return (readTime ?? throw new JsonException("it names no time"), first);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or KeyNotFoundException)
        {
            throw FirestoreErrors.BadAnswer.Error($"Firestore's answer to a query can't be read: {e.Message}", inner: e);
        }
    }

    // The first document stands for all: asking each would cost as much as reading it.
    private async Task<string?> WarnOfCollectionsBelowAsync(string document, CancellationToken ct)
    {
        const string Advice = "are not copied: copy each with --firestore-collection";
        try
        {
            var method = FirestoreCollection.UrlPath(document) + ":listCollectionIds";
            using var answer = JsonDocument.Parse(await _client.CallAsync(method, () => FirestoreClient.Json("{\"pageSize\":10}"), ListTimeout, ct).ConfigureAwait(false));
            if (!answer.RootElement.TryGetProperty("collectionIds", out var list) || list.GetArrayLength() == 0) return null;
            var names = string.Join(", ", list.EnumerateArray().Select(n => n.GetString()));
            return $"documents of '{_collection.Path}' have collections of their own ({names}), which {Advice} {document[(_collection.Documents.Length + 1)..]}/{list[0].GetString()}";
        }
        catch (Exception e) when (e is PipelineException or JsonException or InvalidOperationException)
        {
            return $"whether documents of '{_collection.Path}' have collections of their own, which {Advice}, could not be asked: {e.Message}";
        }
    }

    // Ids at which the collection is divided into parts of about the same size; none where the server can't say, as the emulator.
    private async Task<IReadOnlyList<string>> SplitAsync(int readers, FirestoreTime readTime, CancellationToken ct)
    {
        try
        {
            var body = _query.Partition(readers * PartitionsPerReader, readTime);
            return PartitionAnswer.Read(await _client.CallAsync(_query.PartitionMethod, () => FirestoreClient.Json(body), Timeout, ct).ConfigureAwait(false), _collection);
        }
        catch (PipelineException e) when (e.Error == FirestoreErrors.Rejected || e.Error == FirestoreErrors.Refused)
        {
            return [];
        }
    }
}
