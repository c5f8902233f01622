using System.Text;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// Writes documents into one collection with <c>documents:batchWrite</c>, which is neither atomic nor ordered: each write has a status of its
/// own. A document's id is its key, as <see cref="FirestoreNames"/> writes it; writing it again replaces it whole.
/// </summary>
public sealed partial class FirestoreSink : IReadableSink, IRehearsableSink
{
    // google.rpc.Code.NOT_FOUND.
    private const int NotFound = 5;

    private static readonly TimeSpan CheckTimeout = TimeSpan.FromSeconds(4.5);

    private readonly FirestoreSinkOptions _options;
    private readonly FirestoreClient _client;
    private readonly FirestoreCollection _collection;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly DocumentDecoder _decoder;
    private readonly string _batchWrite;
    private readonly string _batchGet;
    private readonly Lock _lock = new();
    private ConversionCounts _conversions = new();
    private DocumentEncoder _encoder;

    /// <summary>Makes the sink; nothing is connected yet.</summary>
    public FirestoreSink(FirestoreSinkOptions options, TimeProvider time, ILogger<FirestoreSink> log)
        : this(options, time, log, new FirestoreClient(options, time))
    {
    }

    internal FirestoreSink(FirestoreSinkOptions options, TimeProvider time, ILogger log, FirestoreClient client)
    {
        (_options, _client, _time, _log) = (options, client, time, log);
        _collection = options.ToCollection();
        _encoder = new DocumentEncoder(_collection, SourceSchema.Unknown, options.IsTyped);
        _decoder = new DocumentDecoder(_collection, options.IsTyped ? DocumentForm.Comparable : DocumentForm.Json);
        _batchWrite = FirestoreCollection.UrlPath(_collection.Documents) + ":batchWrite";
        _batchGet = FirestoreCollection.UrlPath(_collection.Documents) + ":batchGet";
        Limits = new SinkLimits
        {
            MaxRecords = FirestoreLimits.MaxWrites,
            StartRecords = 20,
            MaxBytes = _client.MaxRequestBytes / 2,
            Concurrency = 16,
            StartConcurrency = 8,
            Ramp = new RateRamp(options.Rate, 1.5, TimeSpan.FromMinutes(5), options.MaxRate),
        };
    }

    /// <inheritdoc/>
    public SinkLimits Limits { get; }

    /// <summary>The longest that one request may take; Google's own libraries give it as long.</summary>
    internal TimeSpan WriteTimeout { get; init; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Asks for a write that can't happen, the update of a document that is not there: it needs the right to write, shows that the
    /// database exists, and leaves nothing behind.
    /// </summary>
    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        var started = _time.GetTimestamp();
        try
        {
            var name = FirestoreCollection.Json($"{_collection.NamePrefix}espipe-check-{Guid.NewGuid():N}");
            var body = "{\"writes\":[{\"update\":{\"name\":" + name + "},\"currentDocument\":{\"exists\":true}}]}";
            var answer = await _client.CallAsync(_batchWrite, () => FirestoreClient.Json(body), CheckTimeout, ct).ConfigureAwait(false);
            var problem = BatchWriteAnswer.ReadFailures(answer, 1).Select(f => f.Status).FirstOrDefault(s => s.Code != NotFound);
            if (problem.Code != 0) throw problem.Error.Error($"A test write was refused: {problem.Words}");
            return _client.Healthy(_collection, _options.IsTyped, _time.GetElapsedTime(started));
        }
        catch (PipelineException e)
        {
            return ConnectorHealth.Unwell("Firestore", _time.GetElapsedTime(started), e);
        }
    }

    /// <summary>Collections need no making: only what is known of the fields is noted.</summary>
    public Task PrepareAsync(SourceSchema schema, CancellationToken ct)
    {
        _encoder = new DocumentEncoder(_collection, schema, _options.IsTyped);
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        var failures = new List<RecordFailure>();
        await FillAsync(slice, failures, request => SendAsync(request, failures, ct)).ConfigureAwait(false);
        failures.Sort((a, b) => a.Index.CompareTo(b.Index));
        return new WriteResult(slice.Count - failures.Count, 0, failures);
    }

    /// <summary>Collections have no schema to read: only what is known of the source's fields is noted.</summary>
    public async Task<IReadOnlyList<string>> PrepareRehearsalAsync(SourceSchema schema, bool reachable, CancellationToken ct)
    {
        await PrepareAsync(schema, ct).ConfigureAwait(false);
        return [];
    }

    /// <summary>Encodes and divides into requests as a write does. Firestore charges for each document written or deleted.</summary>
    public async ValueTask<RehearsedWrite> RehearseAsync(RecordSlice slice, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var (requests, failures) = (0, new List<RecordFailure>());
        await FillAsync(slice, failures, request =>
        {
            if (request.Count > 0) requests++;
            return Task.CompletedTask;
        }).ConfigureAwait(false);
        return new RehearsedWrite(requests, failures) { BilledWrites = slice.Count - failures.Count };
    }

    /// <inheritdoc/>
    public async Task<byte[]?> ReadAsync(ReadOnlyMemory<byte> key, CancellationToken ct)
    {
        var id = Encoding.UTF8.GetString(key.Span);
        var name = _collection.NamePrefix + (_options.IsTyped ? id : FirestoreNames.Encode(id, NameKind.Id));
        var body = "{\"documents\":[" + FirestoreCollection.Json(name) + "]}";
        using var answer = new QueryAnswer(await _client.StreamAsync(_batchGet, () => FirestoreClient.Json(body), WriteTimeout, ct).ConfigureAwait(false));
        using var output = new RecordBatchBuilder();
        while (await answer.NextAsync(ct).ConfigureAwait(false) is { IsEmpty: false } result) _decoder.Decode(result.Span, 0, output, new ConversionCounts());
        using var found = output.Build(default, 0, "document");
        if (found.Malformed.Count > 0) throw found.Malformed[0].Error.Error(found.Malformed[0].Reason);
        return found.Count == 0 ? null : found.Records.Span[0].Json.ToArray();
    }

    /// <inheritdoc/>
    public byte[] TestDocument(Guid mark)
    {
        var text = $"\"{mark:N}\"";
        return Encoding.UTF8.GetBytes($$"""{"espipe_monitor":{{(_options.IsTyped ? $$"""{"stringValue":{{text}}}""" : text)}}}""");
    }

    /// <inheritdoc/>
    public Task CompleteAsync(CancellationToken ct)
    {
        LogConversions();
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync()
    {
        LogConversions();
        _client.Dispose();
        return ValueTask.CompletedTask;
    }

    // Puts the records into requests, notes those that Firestore would not take, and hands over each request when it is full.
    private async Task FillAsync(RecordSlice slice, List<RecordFailure> refused, Func<WriteRequest, Task> full)
    {
        using var request = new WriteRequest(_encoder, _client.MaxRequestBytes);
        var conversions = new ConversionCounts();
        for (var i = 0; i < slice.Count; i++)
        {
            var added = request.TryAdd(slice[i], i, conversions, out var refusal);
            if (added == Added.RequestFull)
            {
                await full(request).ConfigureAwait(false);
                request.Clear();
                added = request.TryAdd(slice[i], i, conversions, out refusal);
            }

            if (added == Added.Refused) refused.Add(new RecordFailure(i, refusal!.Error, refusal.Reason));
        }

        await full(request).ConfigureAwait(false);
        lock (_lock) _conversions.Add(conversions);
    }

    private async Task SendAsync(WriteRequest request, List<RecordFailure> failures, CancellationToken ct)
    {
        if (request.Count == 0) return;
        var result = await SliceBisection.WriteAsync(
            request.Count, (first, count, stop) => SendAsync(request, first, count, stop), BlamesDocuments, ct).ConfigureAwait(false);
        foreach (var failure in result.Failures) failures.Add(failure with { Index = request.IndexOf(failure.Index) });
    }

    private async Task<WriteResult> SendAsync(WriteRequest request, int first, int count, CancellationToken ct)
    {
        var answer = await _client.CallAsync(_batchWrite, () => request.Body(first, count), WriteTimeout, ct).ConfigureAwait(false);
        var failures = new List<RecordFailure>();
        foreach (var (write, status) in BatchWriteAnswer.ReadFailures(answer, count))
        {
            // A document that is to go and is not there has gone.
            if (status.Code == NotFound && request.IsDelete(first + write)) continue;
            failures.Add(new RecordFailure(write, status.ErrorOfWrite, $"Firestore says {status.Words}", status.RetryAfter));
        }

        return new WriteResult(count - failures.Count, 0, failures);
    }

    // INVALID_ARGUMENT for the request as a whole: one of its documents is to blame, and nothing was written.
    private static bool BlamesDocuments(PipelineException e) => e.Error == FirestoreErrors.Refused || e.Error == FirestoreErrors.RequestTooLarge;

    private void LogConversions()
    {
        ConversionCounts counts;
        lock (_lock) (counts, _conversions) = (_conversions, new ConversionCounts());
        if (counts.Any) Log.FirestoreConversions(_log, counts.ToString());
        if (counts.ReferencesElsewhere > 0) Log.FirestoreReferencesElsewhere(_log, counts.ReferencesElsewhere, _collection.Documents);
    }
}
