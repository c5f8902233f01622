using System.Runtime.CompilerServices;
using System.Text;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>What a keyed sink holds; outlives the process that writes.</summary>
internal sealed class SinkContent
{
    /// <summary>The document of each key that is there.</summary>
    public Dictionary<string, string> Documents { get; } = [];

    /// <summary>The last record that was applied to each key, deletes included.</summary>
    public Dictionary<string, WorldItem> Applied { get; } = [];
}

/// <summary>Writes into <see cref="SinkContent"/>, fails now and then as a whole or record by record, and may die in the middle.</summary>
internal sealed class ScriptedSink(World world, Life life, SinkContent content, Func<long> bytesInFlight) : IDataSink
{
    public static readonly ErrorCode Busy = new("test.sink_busy", FailureKind.Transient, "The test's sink is busy.", "Wait.");
    public static readonly ErrorCode Refused = new("test.refused", FailureKind.Permanent, "The test's sink refuses the document.", "Mend it.");

    private readonly Dictionary<string, WorldItem> _appliedInThisLife = [];
    private readonly HashSet<string> _beingWritten = [];
    private readonly Dictionary<long, WorldItem> _items = world.Items.ToDictionary(i => i.Order);

    public SinkLimits Limits { get; } = new()
    {
        MaxRecords = world.MaxRecords,
        MaxBytes = world.MaxBytes,
        MaxRecordBytes = world.MaxRecordBytes,
        Concurrency = world.Concurrency,
        StartConcurrency = 1 + (world.Concurrency / 2),
        StartRecords = 1 + (world.MaxRecords / 3),
    };

    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        await life.StepAsync(ct);
        return new ConnectorHealth("content", TimeSpan.Zero, new Dictionary<string, string>());
    }

    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => life.StepAsync(ct);

    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        var writes = Read(slice, _items, life);
        CheckSlice(slice, writes);
        try
        {
            await life.StepAsync(ct);
            if (life.Chance(world.FaultRate / 2)) throw Busy.Error("Nothing was written.", retryAfter: life.Chance(0.3) ? TimeSpan.FromSeconds(1) : null);
            var result = await life.ActAsync(dies => Apply(writes, dies ? life.Next(writes.Count + 1) : writes.Count));
            if (life.Chance(world.FaultRate / 2)) throw Busy.Error("The answer was lost.");
            return result;
        }
        finally
        {
            lock (_beingWritten) _beingWritten.ExceptWith(writes.Select(w => w.Key));
        }
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    /// <summary>The items that a slice's records are.</summary>
    public static List<WorldItem> Read(RecordSlice slice, Dictionary<long, WorldItem> items, Life life)
    {
        var read = new List<WorldItem>(slice.Count);
        foreach (ref readonly var record in slice.Records)
        {
            var key = Encoding.UTF8.GetString(record.Key.Span);
            var json = Encoding.UTF8.GetString(record.Json.Span);

            var item = items[record.Version];
            if (item.Key != key || item.Json != json || item.Operation != record.Operation) life.Violated($"The record {item.Tag} arrived as {key} = {json}.");
            read.Add(item);
        }

        return read;
    }

    private WriteResult Apply(List<WorldItem> writes, int count)
    {
        var failures = new List<RecordFailure>();
        for (var i = 0; i < count; i++)
        {
            var item = writes[i];
            if (item.Bad) failures.Add(new RecordFailure(i, Refused, $"{item.Tag} is refused."));
            else if (life.Chance(world.FaultRate)) failures.Add(new RecordFailure(i, Busy, "Later.", life.Chance(0.2) ? TimeSpan.FromMilliseconds(life.Next(5000)) : null));
            else Apply(item);
        }

        return new WriteResult(count - failures.Count, 0, failures);
    }

    private void Apply(WorldItem item)
    {
        content.Applied[item.Key] = item;
        if (item.Operation == RecordOperation.Delete) content.Documents.Remove(item.Key);
        else content.Documents[item.Key] = item.Json;

        // Within one life a key's records arrive in the order of the source.
        if (_appliedInThisLife.TryGetValue(item.Key, out var before) && item.Order < before.Order) life.Violated($"{item.Tag} was written after {before.Tag}.");
        _appliedInThisLife[item.Key] = item;
    }

    private void CheckSlice(RecordSlice slice, List<WorldItem> writes)
    {
        if (slice.Count > world.MaxRecords) life.Violated($"A write held {slice.Count} records; {world.MaxRecords} are allowed.");
        if (slice.Count > 1 && slice.Bytes > world.MaxBytes) life.Violated($"A write held {slice.Bytes} bytes; {world.MaxBytes} are allowed.");
        if (slice.Count == 0) life.Violated("A write held nothing.");
        var bytes = bytesInFlight();
        if (bytes > world.ReadAheadBytes && bytes > LargestBatch) life.Violated($"{bytes} bytes were in flight; {world.ReadAheadBytes} are allowed.");
        lock (_beingWritten)
        {
            foreach (var item in writes)
            {
                if (!_beingWritten.Add(item.Key)) life.Violated($"The key of {item.Tag} was written twice at the same time.");
            }
        }
    }

    // A single batch may be larger than the budget: at most so large, and the transform takes memory by the MiB.
    // A builder's first array holds 1,024 records; a transform fills a megabyte of its own.
    private long LargestBatch => ((world.MaxSourceBatch + 2) * 1200L) + (1024 * Unsafe.SizeOf<Record>()) + (world.Transforms ? 1 << 20 : 0);
}
