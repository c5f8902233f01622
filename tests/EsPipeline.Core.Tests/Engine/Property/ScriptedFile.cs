using System.Globalization;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine.Property;

/// <summary>What a file holds; outlives the process that writes.</summary>
internal sealed class FileContent
{
    public List<WorldItem> Lines { get; } = [];

    /// <summary>Lines that are sure to be on the disk.</summary>
    public int Durable { get; set; }
}

/// <summary>Appends to <see cref="FileContent"/>; of what was not flushed, a crash leaves any part.</summary>
internal sealed class ScriptedFile(World world, Life life, FileContent content) : IResumableSink
{
    private readonly Dictionary<long, WorldItem> _items = world.Items.ToDictionary(i => i.Order);
    private int _writing;

    public SinkLimits Limits { get; } = new()
    {
        MaxRecords = world.MaxRecords,
        MaxBytes = world.MaxBytes,
        MaxRecordBytes = world.MaxRecordBytes,
        Concurrency = 1,
        StartConcurrency = 1,
        StartRecords = world.MaxRecords,
    };

    public async Task<ConnectorHealth> CheckAsync(CancellationToken ct)
    {
        await life.StepAsync(ct);
        return new ConnectorHealth("file", TimeSpan.Zero, new Dictionary<string, string>());
    }

    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => life.StepAsync(ct);

    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        if (Interlocked.Increment(ref _writing) != 1) life.Violated("Two writes to a file were under way.");
        try
        {
            var writes = ScriptedSink.Read(slice, _items, life);
            await life.StepAsync(ct);
            if (life.Chance(world.FaultRate / 2)) throw ScriptedSink.Busy.Error("Nothing was written.");
            return await life.ActAsync(dies =>
            {
                var failures = new List<RecordFailure>();
                foreach (var (i, item) in writes.Take(dies ? life.Next(writes.Count + 1) : writes.Count).Index())
                {
                    if (item.Bad) failures.Add(new RecordFailure(i, ScriptedSink.Refused, $"{item.Tag} is refused."));
                    else content.Lines.Add(item);
                }

                return new WriteResult(writes.Count - failures.Count, 0, failures);
            });
        }
        finally
        {
            Interlocked.Decrement(ref _writing);
        }
    }

    public async Task<string?> FlushAsync(CancellationToken ct)
    {
        if (Volatile.Read(ref _writing) != 0) life.Violated("A file was flushed during a write.");
        await life.StepAsync(ct);
        return await life.ActAsync(_ =>
        {
            content.Durable = content.Lines.Count;
            return content.Durable.ToString(CultureInfo.InvariantCulture);
        });
    }

    public async Task<bool> RestoreAsync(string? token, CancellationToken ct)
    {
        await life.StepAsync(ct);
        return await life.ActAsync(_ =>
        {
            var length = token is null ? 0 : int.Parse(token, CultureInfo.InvariantCulture);
            if (length > content.Lines.Count) life.Violated($"The token stands for {length} lines, the file has {content.Lines.Count}.");
            content.Lines.RemoveRange(length, content.Lines.Count - length);
            content.Durable = length;
            return true;
        });
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
