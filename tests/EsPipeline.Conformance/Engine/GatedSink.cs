using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Conformance;

/// <summary>A keyed sink in memory that can be made to keep its writers waiting, as one that is down does.</summary>
public sealed class GatedSink : IDataSink
{
    private readonly MemorySink _sink = new();
    private volatile Gate? _gate;

    /// <inheritdoc/>
    public SinkLimits Limits => _sink.Limits;

    /// <summary>What it holds now, copied.</summary>
    public IReadOnlyDictionary<string, string> Documents => _sink.Documents;

    /// <summary>Lets no write through from now on.</summary>
    /// <returns>Completed when the first one waits.</returns>
    public Task Close()
    {
        var gate = new Gate();
        _gate = gate;
        return gate.Reached.Task;
    }

    /// <summary>Lets those through that wait, and all that come.</summary>
    public void Open()
    {
        var gate = _gate;
        _gate = null;
        gate?.Opened.TrySetResult();
    }

    /// <inheritdoc/>
    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => _sink.CheckAsync(ct);

    /// <inheritdoc/>
    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => _sink.PrepareAsync(schema, ct);

    /// <inheritdoc/>
    public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        if (_gate is { } gate)
        {
            gate.Reached.TrySetResult();
            await gate.Opened.Task.WaitAsync(ct);
        }

        return await _sink.WriteAsync(slice, ct);
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => _sink.DisposeAsync();

    private sealed class Gate
    {
        public TaskCompletionSource Reached { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public TaskCompletionSource Opened { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
