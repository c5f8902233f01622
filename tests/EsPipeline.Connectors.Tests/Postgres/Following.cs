using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>One source that is followed pass by pass, as the engine does, and what a keyed sink would hold by then.</summary>
internal sealed class Following(PostgresSourceOptions options, SourceTuning? tuning = null, ILogger? log = null, RunOptions? run = null, TimeProvider? time = null) : IAsyncDisposable
{
    private readonly PostgresSource _source = new(
        options, run ?? new RunOptions(), time ?? TimeProvider.System, log ?? NullLogger.Instance, tuning ?? new SourceTuning { HorizonMargin = TimeSpan.Zero, BatchRecords = 100, CopyRecords = 100 });

    public Dictionary<string, string> Held { get; private set; } = [];

    public IReadOnlyDictionary<PartitionId, Position> Saved { get; set; } = new Dictionary<PartitionId, Position>();

    public IReadOnlyList<Partition> Partitions { get; private set; } = [];

    /// <summary>Deletes of what was not held, of all passes together.</summary>
    public int StrayDeletes { get; private set; }

    /// <summary>How often reading had to be begun again, of all passes together.</summary>
    public int Retries { get; private set; }

    public async Task<int> PassAsync(ReadKind kind, CancellationToken ct)
    {
        var reading = await SourceReader.ReadAsync(_source, new ReadPlan(kind, Selection.Everything, 2, Saved), ct);
        StrayDeletes += reading.Records.Count(r => r.Operation == RecordOperation.Delete && !Held.ContainsKey(r.Key));
        (Held, Saved, Partitions) = (reading.Apply(Held), reading.Saved, reading.Partitions);
        Retries += reading.Retries;
        foreach (var (partition, position) in Saved) await _source.AcknowledgeAsync(partition, position, ct);
        return reading.Records.Count();
    }

    public async Task<string> IdentityAsync(string part) => (await Health.OfAsync(_source)).Identity[part];

    public ValueTask DisposeAsync() => _source.DisposeAsync();
}
