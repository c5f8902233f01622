using System.Text;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using EsPipeline.Core.Tests.Engine;

namespace EsPipeline.Core.Tests.Verification;

/// <summary>A keyed sink in memory that refuses documents with the word <c>bad</c> and can be compared.</summary>
internal sealed class ComparableSink : IVerifiableSink
{
    private readonly TestSink _sink = new() { BeforeWrite = (slice, _) => TestSink.Refuse(slice, "bad", TestSink.Refused) };

    public SinkLimits Limits => _sink.Limits;

    public IReadOnlyDictionary<string, string> Documents => _sink.Documents;

    public List<string> Calls => _sink.Calls;

    /// <summary>Keys are kept in upper case, as a UUID column would keep them in lower case.</summary>
    public bool UpperCase { get; init; }

    /// <summary>Called before each write; what it answers for is not written.</summary>
    public Func<RecordSlice, CancellationToken, Task<IReadOnlyList<RecordFailure>>> BeforeWrite { set => _sink.BeforeWrite = value; }

    /// <summary>Called before the place is read back.</summary>
    public Action BeforeReading { get; set; } = () => { };

    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => _sink.CheckAsync(ct);

    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => _sink.PrepareAsync(schema, ct);

    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        using var builder = new RecordBatchBuilder();
        for (var i = 0; i < slice.Count; i++) builder.Add(KeyOf(slice[i]), slice[i].Json.Span, slice[i].Operation, 0, 0);
        using var batch = builder.Build(default, 0, "document");
        return await _sink.WriteAsync(batch.Slice(), ct);
    }

    public async Task HoldAsync(params Document[] documents)
    {
        using var batch = Slices.Of(documents);
        await WriteAsync(batch.Slice(), CancellationToken.None);
    }

    public async Task LoseAsync(params string[] keys)
    {
        using var batch = Slices.Deletes(keys);
        await WriteAsync(batch.Slice(), CancellationToken.None);
    }

    public Task<ReadBackPlace> PrepareReadBackAsync(SourceSchema schema, CancellationToken ct) => Task.FromResult(new ReadBackPlace(new Place(this)) { KeepsKeys = !UpperCase });

    public async Task<IReadOnlyList<RecordFailure>> ReadBackAsync(RecordSlice slice, RecordBatchBuilder output, CancellationToken ct)
    {
        var failures = await TestSink.Refuse(slice, "bad", TestSink.Refused);
        var refused = failures.Select(f => f.Index).ToHashSet();
        for (var i = 0; i < slice.Count; i++)
        {
            if (!refused.Contains(i)) output.Add(KeyOf(slice[i]), slice[i].Json.Span, slice[i].Operation, 0, 0);
        }

        return failures;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private byte[] KeyOf(in Record record)
    {
        var key = record.Key.ToArray();
        return UpperCase ? Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(key).ToUpperInvariant()) : key;
    }

    // Reads what is there when reading begins.
    private sealed class Place(ComparableSink sink) : IDataSource
    {
        private TestSource _now = new();

        public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => _now.CheckAsync(ct);

        public Task<SourceSchema> DescribeAsync(CancellationToken ct) => _now.DescribeAsync(ct);

        public Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
        {
            Assert.True(plan.LooksOnly);
            sink.BeforeReading();
            _now = new TestSource([.. sink.Documents.Select(d => new Document(d.Key, d.Value))]);
            return _now.GetPartitionsAsync(plan, ct);
        }

        public IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, CancellationToken ct) => _now.ReadAsync(partition, after, ct);

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
