using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Core.Engine;

/// <summary>What a run reads, and when it ends.</summary>
public enum PipelineMode
{
    /// <summary>A snapshot first if there is no checkpoint, then changes, every interval, until stopped.</summary>
    Continuous,

    /// <summary>What is new since the checkpoint; without one, what the first selection selects.</summary>
    Single,

    /// <summary>Everything, resumable in the middle; once that is done, what has changed since.</summary>
    FullSync,

    /// <summary>What a query selects.</summary>
    Custom,
}

/// <summary>Everything that a run is made of.</summary>
public sealed record PipelineSetup
{
    /// <summary>The job's name.</summary>
    public required string Job { get; init; }

    /// <summary>The mode.</summary>
    public required PipelineMode Mode { get; init; }

    /// <summary>The source's name and the source.</summary>
    public required (string Name, IDataSource Source) From { get; init; }

    /// <summary>The sink's name and the sink.</summary>
    public required (string Name, IDataSink Sink) To { get; init; }

    /// <summary>Where the job keeps its state.</summary>
    public required IStateStore State { get; init; }

    /// <summary>Where records that fail for good go; <c>dead-letters.jsonl</c> in the job's folder where null.</summary>
    public string? DeadLetterPath { get; init; }

    /// <summary>Which records the first pass reads.</summary>
    public Selection Selection { get; init; } = Selection.Everything;

    /// <summary>
    /// True where the selection is what the job is about, rather than only where it begins: the job is then forgotten when done, so that
    /// running it again selects again.
    /// </summary>
    public bool Bounded { get; init; }

    /// <summary>What the job's identity holds besides what the two ends say of themselves.</summary>
    public IReadOnlyDictionary<string, string> Identity { get; init; } = new Dictionary<string, string>();

    /// <summary>Rules between the source and the sink; null for none.</summary>
    public IRecordTransform? Transform { get; init; }

    /// <summary>Partitions read at once.</summary>
    public int Threads { get; init; } = 2;

    /// <summary>Records in a write: to begin with, least and most; the sink's own where null.</summary>
    public (int? Start, int? Min, int? Max) BatchSize { get; init; }

    /// <summary>Bytes that readers may be ahead of writers.</summary>
    public long ReadAheadBytes { get; init; } = 64 << 20;

    /// <summary>Records a second; null for no limit.</summary>
    public double? RateLimit { get; init; }

    /// <summary>The pause between two passes in <see cref="PipelineMode.Continuous"/>.</summary>
    public TimeSpan Interval { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>How often positions are saved while a pass is under way.</summary>
    public TimeSpan CheckpointInterval { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How failures that may pass are tried again.</summary>
    public RetryOptions Retry { get; init; } = new(10, TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(15), Forever: false);

    /// <summary>How many records may be set aside before the run stops.</summary>
    public long MaxDeadLetters { get; init; } = 1000;

    /// <summary>How long what is in flight may take once the run is stopped.</summary>
    public TimeSpan ShutdownTimeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>The longest that the run may take; null for no limit.</summary>
    public TimeSpan? MaxRuntime { get; init; }

    /// <summary>Where the run's figures can be read; null for nowhere.</summary>
    public PipelineMeter? Meter { get; init; }

    /// <summary>How the sink's options are called; null where they have their plain names.</summary>
    public PrefixedNames? SinkNames { get; init; }

    /// <summary>The clock.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Where jitter comes from.</summary>
    public Random Random { get; init; } = new();

    /// <summary>Where the engine logs.</summary>
    public required ILogger Log { get; init; }

    /// <summary>Whose letters of the dead-letter file are meant; null for all, where it is in the job's own folder.</summary>
    internal string? JobOfLetters => DeadLetterPath is null ? null : Job;

    /// <summary>What the sink says, in the names that its options have here.</summary>
    public PipelineException AtSink(PipelineException error) => SinkNames?.In(error) ?? error;

    /// <summary>The source.</summary>
    public IDataSource Source => From.Source;

    /// <summary>The sink.</summary>
    public IDataSink Sink => To.Sink;

    /// <summary>The job's identity, once both ends have said who they are.</summary>
    public JobIdentity IdentityOf(ConnectorHealth source, ConnectorHealth sink) => new(
    [
        .. Identity,
        KeyValuePair.Create("source", From.Name),
        KeyValuePair.Create(JobIdentity.SinkName, To.Name),
        .. source.Identity.Select(p => KeyValuePair.Create("source." + p.Key, p.Value)),
        .. sink.Identity.Select(p => KeyValuePair.Create($"{JobIdentity.SinkName}.{p.Key}", p.Value)),
    ]);
}
