using System.Globalization;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Conformance;

/// <summary>A source that yields a list, for tests of sinks through the whole engine.</summary>
/// <param name="documents">The documents, in order.</param>
/// <param name="batchRecords">Records in a batch.</param>
public sealed class ListSource(IReadOnlyList<Document> documents, int batchRecords = 100) : IDataSource
{
    /// <summary>What it knows of its documents.</summary>
    public SourceSchema Schema { get; init; } = SourceSchema.Unknown;

    /// <summary>Waited for before each batch, with the number of its first document.</summary>
    public Func<int, Task> BeforeBatch { get; init; } = _ => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) =>
        Task.FromResult(new ConnectorHealth("list", TimeSpan.Zero, new Dictionary<string, string>()));

    /// <inheritdoc/>
    public Task<SourceSchema> DescribeAsync(CancellationToken ct) => Task.FromResult(Schema);

    /// <inheritdoc/>
    public Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Partition>>([new Partition(new PartitionId("list"), new Position("list1:0"))]);

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        await Task.Yield();
        using var builder = new RecordBatchBuilder(64 * 1024);
        for (var at = int.Parse(after.Value["list1:".Length..], CultureInfo.InvariantCulture); at < documents.Count;)
        {
            await BeforeBatch(at);
            ct.ThrowIfCancellationRequested();
            for (var last = Math.Min(documents.Count, at + batchRecords); at < last; at++)
            {
                builder.Add(documents[at].KeyBytes, documents[at].JsonBytes, RecordOperation.Upsert, 0, at);
            }

            yield return builder.Build(new Position(string.Create(CultureInfo.InvariantCulture, $"list1:{at}")), 0, "list item");
        }
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
