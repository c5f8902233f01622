using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Opens sinks and writes to them in few words.</summary>
internal static class BulkWrites
{
    /// <summary>Opens a sink and makes it ready, as the engine does.</summary>
    public static async Task<ElasticsearchSink> ReadyAsync(this IndexTarget target, ElasticsearchSinkOptions? options = null, ReadKind kind = ReadKind.Snapshot)
    {
        var sink = IndexTarget.Open(options ?? target.Options);
        await sink.PrepareAsync(target.Schema, Sources.Ct);
        await sink.BeginPassAsync(kind, uniqueKeys: true, Sources.Ct);
        return sink;
    }

    /// <summary>Writes documents in one slice.</summary>
    public static async Task<WriteResult> WriteAsync(this IDataSink sink, params IEnumerable<Document> documents)
    {
        using var batch = Conformance.Slices.Of(documents);
        return await sink.WriteAsync(batch.Slice(), Sources.Ct);
    }

    /// <summary>Writes one record with a version; a delete where the document is null.</summary>
    public static async Task<WriteResult> WriteAsync(this IDataSink sink, string key, string? json, long version)
    {
        using var builder = new RecordBatchBuilder();
        builder.Add(new Document(key, "").KeyBytes, new Document("", json ?? "").JsonBytes, json is null ? RecordOperation.Delete : RecordOperation.Upsert, version, 0);
        using var batch = builder.Build(new Position("test1:end"), 0, "record");
        return await sink.WriteAsync(batch.Slice(), Sources.Ct);
    }

    /// <summary>What a write as a whole failed with.</summary>
    public static async Task<PipelineException> FailsAsync(this IDataSink sink, params IEnumerable<Document> documents)
    {
        using var batch = Conformance.Slices.Of(documents);
        return await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync(batch.Slice(), Sources.Ct));
    }
}

/// <summary>A clock that can be put forward.</summary>
internal sealed class ForwardClock : TimeProvider
{
    private long _forward;

    public void Forward(TimeSpan time) => Interlocked.Add(ref _forward, (long)(time.TotalSeconds * TimestampFrequency));

    public override long GetTimestamp() => base.GetTimestamp() + Interlocked.Read(ref _forward);
}
