using System.Text;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Conformance;

/// <summary>A keyed sink in memory, for tests of sources through the whole engine.</summary>
public sealed class MemorySink : IDataSink
{
    private readonly Dictionary<string, string> _documents = [];

    /// <inheritdoc/>
    public SinkLimits Limits { get; init; } = new();

    /// <summary>What it holds now, copied.</summary>
    public IReadOnlyDictionary<string, string> Documents
    {
        get
        {
            lock (_documents) return new Dictionary<string, string>(_documents);
        }
    }

    /// <inheritdoc/>
    public Task<ConnectorHealth> CheckAsync(CancellationToken ct) =>
        Task.FromResult(new ConnectorHealth("memory", TimeSpan.Zero, new Dictionary<string, string>()));

    /// <inheritdoc/>
    public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => Task.CompletedTask;

    /// <inheritdoc/>
    public Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
    {
        lock (_documents)
        {
            foreach (ref readonly var record in slice.Records)
            {
                var key = Encoding.UTF8.GetString(record.Key.Span);
                if (record.Operation == RecordOperation.Delete) _documents.Remove(key);
                else _documents[key] = Encoding.UTF8.GetString(record.Json.Span);
            }
        }

        return Task.FromResult(WriteResult.All(slice.Count));
    }

    /// <inheritdoc/>
    public ValueTask DisposeAsync() => ValueTask.CompletedTask;
}
