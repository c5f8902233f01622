using System.Text;
using EsPipeline.Connectors.Firestore;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.Firestore;

/// <summary>A sink of typed documents that the suite can give plain ones: each is put into Firestore's own JSON on its way.</summary>
internal sealed class TypedInput(FirestoreSink sink) : IVerifiableSink, IRehearsableSink
{
    public SinkLimits Limits => sink.Limits;

    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => sink.CheckAsync(ct);

    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => sink.PrepareAsync(schema, ct);

    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        using var typed = Typed(slice);
        return await sink.WriteAsync(new RecordSlice(typed.Records), ct);
    }

    public Task CompleteAsync(CancellationToken ct) => sink.CompleteAsync(ct);

    public Task<IReadOnlyList<string>> PrepareRehearsalAsync(SourceSchema schema, bool reachable, CancellationToken ct) =>
        sink.PrepareRehearsalAsync(schema, reachable, ct);

    public async ValueTask<RehearsedWrite> RehearseAsync(RecordSlice slice, CancellationToken ct)
    {
        using var typed = Typed(slice);
        return await sink.RehearseAsync(new RecordSlice(typed.Records), ct);
    }

    public Task<ReadBackPlace> PrepareReadBackAsync(SourceSchema schema, CancellationToken ct) => sink.PrepareReadBackAsync(schema, ct);

    public async Task<IReadOnlyList<RecordFailure>> ReadBackAsync(RecordSlice slice, RecordBatchBuilder output, CancellationToken ct)
    {
        using var typed = Typed(slice);
        return await sink.ReadBackAsync(new RecordSlice(typed.Records), output, ct);
    }

    public ValueTask DisposeAsync() => sink.DisposeAsync();

    private static RecordBatch Typed(RecordSlice slice)
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < slice.Count; i++)
        {
            var record = slice[i];
            var json = record.Operation == RecordOperation.Delete ? "" : PlainEncoding.Of(Encoding.UTF8.GetString(record.Json.Span));
            builder.Add(record.Key.Span, Encoding.UTF8.GetBytes(json), record.Operation, record.Version, record.Place);
        }

        return builder.Build(new Position("end"), 0, "record");
    }
}
