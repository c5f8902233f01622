using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Firestore;

/// <content>How records read back: encoded as a write does, and decoded as a read does.</content>
public sealed partial class FirestoreSink : IVerifiableSink
{
    /// <inheritdoc/>
    public async Task<ReadBackPlace> PrepareReadBackAsync(SourceSchema schema, CancellationToken ct)
    {
        await PrepareAsync(schema, ct).ConfigureAwait(false);
        return new ReadBackPlace(FirestoreSource.ToCompare(_options, _time)) { FractionsAreDoubles = true };
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<RecordFailure>> ReadBackAsync(RecordSlice slice, RecordBatchBuilder output, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        var failures = new List<RecordFailure>();
        using var answer = new PooledBuffer();
        var place = 0L;
        var lost = new ConversionCounts();
        await FillAsync(slice, failures, request =>
        {
            for (var write = 0; write < request.Count; write++)
            {
                // {"update":{"name":…,"fields":…}} is sent, {"document":{"name":…,"fields":…}} comes back.
                answer.CutTo(0);
                answer.Write("{\"document\":"u8);
                ServerForm.Write(request.Write(write).Span["{\"update\":".Length..^1], answer);
                answer.Write("}"u8);
                _decoder.Decode(answer.Written.Span, place++, output, lost);
            }

            return Task.CompletedTask;
        }).ConfigureAwait(false);
        return failures;
    }
}
