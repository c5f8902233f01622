using System.Globalization;
using System.Runtime.CompilerServices;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A source of lists, each a partition, whose every answer a test can change.</summary>
internal sealed class TestSource(params IReadOnlyList<Document>[] partitions) : IDataSource
{
    public static readonly ErrorCode Down = new("test.source_down", FailureKind.Transient, "The test's source is down.", "Wait.");

    /// <summary>The data; may grow.</summary>
    public IReadOnlyList<Document>[] Data { get; set; } = partitions;

    public int BatchRecords { get; init; } = 10;

    /// <summary>True where all batches of a reading but the last end where it began, as those of an unordered cursor.</summary>
    public bool EndsAtLast { get; init; }

    public Dictionary<string, string> Identity { get; } = new() { ["cluster"] = "one" };

    public Func<Partition, Partition> Shape { get; set; } = p => p with { UniqueKeys = true };

    /// <summary>Called before each batch; may throw, wait, or change the world.</summary>
    public Func<PartitionId, int, CancellationToken, Task> BeforeBatch { get; set; } = (_, _, _) => Task.CompletedTask;

    /// <summary>Asked after each pass over a snapshot: whether it takes another.</summary>
    public Func<bool> Continues { get; set; } = () => false;

    public bool SnapshotContinues => Continues();

    public PipelineException? Problem { get; set; }

    public IReadOnlyList<string> Warnings { get; set; } = [];

    public List<ReadPlan> Plans { get; } = [];

    public List<(PartitionId Partition, Position Safe)> Acknowledged { get; } = [];

    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) =>
        Task.FromResult(new ConnectorHealth("test", TimeSpan.Zero, Identity, Problem) { Warnings = Warnings });

    public Task<SourceSchema> DescribeAsync(CancellationToken ct) => Task.FromResult(SourceSchema.Unknown);

    public Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
    {
        Plans.Add(plan);
        return Task.FromResult<IReadOnlyList<Partition>>([.. Data.Select((_, i) => Shape(new Partition(new PartitionId($"p{i}"), At(0))))]);
    }

    public async IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        await Task.Yield();
        var number = int.Parse(partition.Id.Value.AsSpan(1), CultureInfo.InvariantCulture);
        using var builder = new RecordBatchBuilder(256);
        for (var at = NumberOf(after); at < Data[number].Count;)
        {
            await BeforeBatch(partition.Id, at, ct);
            ct.ThrowIfCancellationRequested();
            for (var last = Math.Min(Data[number].Count, at + BatchRecords); at < last; at++)
            {
                var document = Data[number][at];
                builder.Add(document.KeyBytes, document.JsonBytes, document.Json.Length == 0 ? RecordOperation.Delete : RecordOperation.Upsert, 0, at);
            }

            yield return builder.Build(EndsAtLast && at < Data[number].Count ? after : At(at), 1, "item");
        }
    }

    public ValueTask AcknowledgeAsync(PartitionId partition, Position safe, CancellationToken ct)
    {
        lock (Acknowledged) Acknowledged.Add((partition, safe));
        return ValueTask.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public static Position At(int number) => new(string.Create(CultureInfo.InvariantCulture, $"t1:{number}"));

    public static int NumberOf(Position position) => int.Parse(position.Value.AsSpan(3), CultureInfo.InvariantCulture);
}

/// <summary>A keyed sink in memory whose every answer a test can change.</summary>
internal sealed class TestSink : IDataSink
{
    public static readonly ErrorCode Busy = new("test.sink_busy", FailureKind.Transient, "The test's sink is busy.", "Wait.");
    public static readonly ErrorCode Refused = new("test.refused", FailureKind.Permanent, "The test's sink refuses it.", "Mend it.");
    public static readonly ErrorCode Full = new("test.disk_full", FailureKind.Environment, "The test's disk is full.", "Free some.");

    private readonly MemorySink _memory = new();

    public SinkLimits Limits { get; set; } = new() { MaxRecords = 100, StartRecords = 20, Concurrency = 4 };

    public bool KeepsFirst { get; init; }

    public IReadOnlyDictionary<string, string> Documents => _memory.Documents;

    public PipelineException? Problem { get; set; }

    public IReadOnlyList<string> Warnings { get; set; } = [];

    public Dictionary<string, string> Identity { get; } = new() { ["place"] = "here" };

    /// <summary>True for a table that is made with the first documents, and is not there.</summary>
    public bool IsMissing { get; set; }

    /// <summary>What preparing makes, such as an index with an identity of its own; null for nothing.</summary>
    public string? MadeByPreparing { get; init; }

    /// <summary>Called before each write, with its records; may throw or wait. What it answers for is not written.</summary>
    public Func<RecordSlice, CancellationToken, Task<IReadOnlyList<RecordFailure>>> BeforeWrite { get; set; } = (_, _) => Task.FromResult<IReadOnlyList<RecordFailure>>([]);

    public int Writes { get; private set; }

    public List<string> Calls { get; } = [];

    public Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        Calls.Add("check");
        return Task.FromResult(new ConnectorHealth("test", TimeSpan.Zero, new Dictionary<string, string>(Identity), Problem) { Warnings = Warnings, TargetIsMissing = IsMissing });
    }

    public Task PrepareAsync(SourceSchema schema, CancellationToken ct)
    {
        Calls.Add("prepare");
        if (MadeByPreparing is not null) Identity["index"] = MadeByPreparing;
        return Task.CompletedTask;
    }

    /// <summary>What goes wrong when a pass begins, in turn.</summary>
    public Queue<PipelineException> BeginFailures { get; } = [];

    public Task BeginPassAsync(ReadKind kind, bool uniqueKeys, CancellationToken ct)
    {
        Calls.Add($"begin {kind} {(uniqueKeys ? "unique" : "repeated")}");
        if (BeginFailures.TryDequeue(out var failure)) throw failure;
        return Task.CompletedTask;
    }

    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        var failures = await BeforeWrite(slice, ct);
        lock (Calls) Writes++;
        var failed = failures.Select(f => f.Index).ToHashSet();
        await _memory.WriteAsync(slice.Pick([.. Enumerable.Range(0, slice.Count).Where(i => !failed.Contains(i))]), ct);
        return new WriteResult(slice.Count - failures.Count, 0, failures);
    }

    public Task CompleteAsync(CancellationToken ct)
    {
        Calls.Add("complete");
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>Refuses the records whose document contains a word.</summary>
    public static Task<IReadOnlyList<RecordFailure>> Refuse(RecordSlice slice, string word, ErrorCode error)
    {
        var failures = new List<RecordFailure>();
        for (var i = 0; i < slice.Count; i++)
        {
            if (System.Text.Encoding.UTF8.GetString(slice[i].Json.Span).Contains(word, StringComparison.Ordinal)) failures.Add(new RecordFailure(i, error, $"It holds {word}."));
        }

        return Task.FromResult<IReadOnlyList<RecordFailure>>(failures);
    }
}

/// <summary>Runs the engine between test ends, in a state folder and a time of its own.</summary>
internal sealed class TestJob : IDisposable
{
    private readonly TemporaryFolder _folder = TemporaryFolder.InMemory();

    public FakeTime Time { get; } = new();

    public ListLogger Log { get; } = new();

    public string Folder => Path.Combine(_folder.Path, "state");

    public string DeadLetters => Path.Combine(Folder, "job", "dead-letters.jsonl");

    public PipelineSetup Setup(IDataSource source, IDataSink sink, PipelineMode mode = PipelineMode.FullSync) => new()
    {
        Job = "job",
        Mode = mode,
        From = ("from", source),
        To = ("to", sink),
        State = new FileStateStore(Folder, Time),
        Threads = 2,
        Retry = new RetryOptions(10, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(15), Forever: mode == PipelineMode.Continuous),
        Time = Time,
        Random = new Random(1),
        Log = Log,
    };

    /// <summary>Runs to the end, with the clock moving by itself.</summary>
    public Task<RunResult> RunAsync(PipelineSetup setup) => Time.RunAsync(new Pipeline(setup).RunAsync(CancellationToken.None));

    public Task<RunResult> RunAsync(IDataSource source, IDataSink sink, PipelineMode mode = PipelineMode.FullSync) => RunAsync(Setup(source, sink, mode));

    public Task<Checkpoint?> SavedAsync() => new FileStateStore(Folder, Time).ReadCheckpointAsync("job", CancellationToken.None);

    public void Dispose() => _folder.Dispose();
}
