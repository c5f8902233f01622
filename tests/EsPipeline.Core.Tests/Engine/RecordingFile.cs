using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A resumable sink: lines in memory; a token is their number.</summary>
internal sealed class RecordingFile(FakeTime time) : IResumableSink
{
    private CancellationToken? _stop;

    public List<string> Lines { get; } = [];

    public int? FailAt { get; set; }

    public bool IsPipe { get; init; }

    /// <summary>Refuses the records whose document contains it; null for none.</summary>
    public string? Refuses { get; set; }

    /// <summary>What it does before the first write of a pass in which records may come again; ends with the run's stop.</summary>
    public Func<CancellationToken, Task>? Learns { get; init; }

    /// <summary>What goes wrong when the lines are to be made durable; null for nothing.</summary>
    public PipelineException? FlushProblem { get; set; }

    public SinkLimits Limits { get; } = new() { MaxRecords = 3, StartRecords = 3, Concurrency = 5 };

    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) =>
        Task.FromResult(new ConnectorHealth("file", TimeSpan.Zero, new Dictionary<string, string>()));

    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => Task.CompletedTask;

    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        if (_stop is { } stop && Learns is not null)
        {
            using var ending = CancellationTokenSource.CreateLinkedTokenSource(ct, stop);
            await Learns(ending.Token);
        }

        await Task.Delay(TimeSpan.FromMilliseconds(1), time, ct);
        if (Lines.Count + slice.Count > FailAt) throw TestSink.Full.Error("No room.");
        var failures = Refuses is { } word ? await TestSink.Refuse(slice, word, TestSink.Refused) : [];
        for (var i = 0; i < slice.Count; i++)
        {
            if (failures.All(f => f.Index != i)) Lines.Add(System.Text.Encoding.UTF8.GetString(slice[i].Json.Span));
        }

        return new WriteResult(slice.Count - failures.Count, 0, failures);
    }

    public Task ExpectRepeatsAsync(CancellationToken ct)
    {
        _stop = ct;
        return Task.CompletedTask;
    }

    public Task<string?> FlushAsync(CancellationToken ct) => FlushProblem is null ? Task.FromResult(IsPipe ? null : Lines.Count.ToString()) : throw FlushProblem;

    public Task<bool> RestoreAsync(string? token, CancellationToken ct)
    {
        var length = int.Parse(token ?? "0");
        if (length > Lines.Count) return Task.FromResult(false);
        Lines.RemoveRange(length, Lines.Count - length);
        return Task.FromResult(true);
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
