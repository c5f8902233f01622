using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>Reads a world in batches of random size, and fails now and then.</summary>
internal sealed class ScriptedSource(World world, Life life, IReadOnlyList<int> visible, Func<PartitionId, Position?> savedPosition) : IDataSource
{
    /// <summary>What it fails with.</summary>
    public static readonly ErrorCode Down = new("test.source_down", FailureKind.Transient, "The test's source is down.", "Wait.");

    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        await life.StepAsync(ct);
        return new ConnectorHealth("world", TimeSpan.Zero, new Dictionary<string, string> { ["world"] = world.Seed.ToString(CultureInfo.InvariantCulture) });
    }

    public Task<SourceSchema> DescribeAsync(CancellationToken ct) => Task.FromResult(SourceSchema.Unknown);

    public async Task<IReadOnlyList<Partition>> GetPartitionsAsync(ReadPlan plan, CancellationToken ct)
    {
        await life.StepAsync(ct);
        if (life.Chance(world.FaultRate)) throw Down.Error("The plan could not be made.");
        return [.. world.Partitions.Select(p => new Partition(p.Id, PositionOf(0)) { UniqueKeys = world.UniqueKeys, InOrder = world.InOrder })];
    }

    public async IAsyncEnumerable<RecordBatch> ReadAsync(Partition partition, Position after, [EnumeratorCancellation] CancellationToken ct)
    {
        var number = world.Partitions.Index().First(p => p.Item.Id == partition.Id).Index;
        var items = world.Partitions[number].Items;
        using var builder = new RecordBatchBuilder(256);
        for (var at = NumberOf(after); at < visible[number];)
        {
            await life.StepAsync(ct);
            ct.ThrowIfCancellationRequested();
            if (life.Chance(world.FaultRate)) throw Down.Error("The connection was cut.");
            if (life.Chance(0.05)) yield return RecordBatch.Empty(PositionOf(at));
            for (var last = Math.Min(visible[number], at + 1 + life.Next(world.MaxSourceBatch)); at < last; at++) Add(items[at], builder);
            yield return builder.Build(PositionOf(at), 1, "item");
        }
    }

    public async ValueTask AcknowledgeAsync(PartitionId partition, Position safe, CancellationToken ct)
    {
        await life.StepAsync(ct);
        if (savedPosition(partition) is not { } saved || NumberOf(saved) < NumberOf(safe)) life.Violated($"{partition} was acknowledged at {safe}, before that was saved.");
        if (life.Chance(world.FaultRate)) throw Down.Error("The acknowledgement was lost.");
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    public static int NumberOf(Position position) => int.Parse(position.Value["w1:".Length..], CultureInfo.InvariantCulture);

    public static Position PositionOf(int number) => new(string.Create(CultureInfo.InvariantCulture, $"w1:{number}"));

    private static void Add(WorldItem item, RecordBatchBuilder builder)
    {
        var (key, json) = (Encoding.UTF8.GetBytes(item.Key), Encoding.UTF8.GetBytes(item.Json));
        if (item.Malformed) builder.AddMalformed(item.Number, key, json, MalformedError, "It is broken.");
        else builder.Add(key, json, item.Operation, item.Order, item.Number);
    }

    private static readonly ErrorCode MalformedError = new("test.malformed", FailureKind.Permanent, "The test's record is broken.", "Mend it.");
}
