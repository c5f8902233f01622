using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>A record, copied out of its batch.</summary>
internal sealed record Got(string Key, string Json, long Place);

/// <summary>What was read of one partition between two positions.</summary>
internal sealed record GotBatch(PartitionId Partition, Position End, IReadOnlyList<Got> Records);

/// <summary>What a pass has read.</summary>
internal sealed record Pass(IReadOnlyList<Partition> Partitions, IReadOnlyList<GotBatch> Batches, IReadOnlyDictionary<PartitionId, Position> Saved, int Retries)
{
    public IEnumerable<Got> Records => Batches.SelectMany(b => b.Records);

    /// <summary>What a keyed sink holds afterwards.</summary>
    public Dictionary<string, string> Apply(IReadOnlyDictionary<string, string>? before = null)
    {
        var held = before is null ? new Dictionary<string, string>() : new Dictionary<string, string>(before);
        foreach (var record in Records) held[record.Key] = record.Json;
        return held;
    }

    /// <summary>No key came twice.</summary>
    public Pass Unique()
    {
        Assert.Equal(Records.Count(), Records.Select(r => r.Key).Distinct().Count());
        return this;
    }
}

/// <summary>Opens sources and reads them by the engine's rules, one partition after the other.</summary>
internal static class Sources
{
    private const int MostRetries = 50;

    public static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static ElasticsearchSource Open(
        ElasticsearchSourceOptions options, int pageSize = 100, RunOptions? run = null, ILogger<ElasticsearchSource>? log = null, ClientPatience? patience = null) =>
        new(
            options,
            run ?? new RunOptions(),
            TimeProvider.System,
            log ?? NullLogger<ElasticsearchSource>.Instance,
            new SourceTuning { MostDocuments = pageSize, LeastSpan = 10, Patience = patience ?? ClientPatience.Default });

    public static Task<Pass> SnapshotAsync(
        this ElasticsearchSource source,
        int parallelism = 1,
        IReadOnlyDictionary<PartitionId, Position>? saved = null,
        Selection? selection = null,
        Func<int, Task>? onBatch = null,
        Func<PipelineException, Task>? onFailure = null) =>
        source.ReadAsync(ReadKind.Snapshot, parallelism, saved, selection, onBatch, onFailure);

    public static Task<Pass> ChangesAsync(
        this ElasticsearchSource source, IReadOnlyDictionary<PartitionId, Position> saved, Selection? selection = null, Func<int, Task>? onBatch = null) =>
        source.ReadAsync(ReadKind.Changes, 2, saved, selection, onBatch, null);

    /// <summary>Reads a whole snapshot: as many passes as the source says that it takes.</summary>
    public static async Task<(Pass Last, Dictionary<string, string> Held, int Passes)> WholeSnapshotAsync(
        this ElasticsearchSource source, int parallelism = 1, IReadOnlyDictionary<PartitionId, Position>? saved = null, Func<int, Task>? onBatch = null)
    {
        var pass = await source.SnapshotAsync(parallelism, saved, onBatch: onBatch);
        var (held, passes) = (pass.Apply(), 1);
        while (source.SnapshotContinues)
        {
            pass = await source.SnapshotAsync(parallelism, pass.Saved);
            held = pass.Apply(held);
            Assert.True(++passes < 10, "The snapshot never ends.");
        }

        return (pass, held, passes);
    }

    private static async Task<Pass> ReadAsync(
        this ElasticsearchSource source,
        ReadKind kind,
        int parallelism,
        IReadOnlyDictionary<PartitionId, Position>? savedBefore,
        Selection? selection,
        Func<int, Task>? onBatch,
        Func<PipelineException, Task>? onFailure)
    {
        var retries = 0;
        savedBefore ??= new Dictionary<PartitionId, Position>();
        var plan = new ReadPlan(kind, selection ?? Selection.Everything, parallelism, savedBefore);
        var partitions = await RetryAsync(() => source.GetPartitionsAsync(plan, Ct));
        var saved = partitions.ToDictionary(
            p => p.Id, p => p.StartsOverBecause is null && savedBefore.TryGetValue(p.Id, out var position) ? position : p.Start);
        var batches = new List<GotBatch>();
        foreach (var partition in partitions)
        {
            await RetryAsync(async () =>
            {
                await foreach (var batch in source.ReadAsync(partition, saved[partition.Id], Ct))
                {
                    using (batch) batches.Add(new GotBatch(partition.Id, batch.End, [.. Copy(batch)]));
                    saved[partition.Id] = batch.End;
                    if (onBatch is not null) await onBatch(batches.Count);
                }

                return true;
            });
        }

        return new Pass(partitions, batches, saved, retries);

        async Task<T> RetryAsync<T>(Func<Task<T>> call)
        {
            while (true)
            {
                try
                {
                    return await call();
                }
                catch (PipelineException e) when (e.Kind == FailureKind.Transient && ++retries <= MostRetries)
                {
                    if (onFailure is not null) await onFailure(e);
                }
            }
        }
    }

    private static IEnumerable<Got> Copy(RecordBatch batch)
    {
        for (var i = 0; i < batch.Count; i++)
        {
            var record = batch.Records.Span[i];
            Assert.Equal(0, record.Version);
            yield return new Got(
                System.Text.Encoding.UTF8.GetString(record.Key.Span), System.Text.Encoding.UTF8.GetString(record.Json.Span), record.Place);
        }
    }
}
