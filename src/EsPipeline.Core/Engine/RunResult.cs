using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Engine;

/// <summary>How a run ended.</summary>
/// <param name="Outcome">Done, failed or stopped.</param>
/// <param name="Account">What became of every record.</param>
/// <param name="Elapsed">How long it took.</param>
/// <param name="Error">Why it failed or stopped; null otherwise.</param>
/// <param name="DeadLetterPath">Where records were set aside, if any were.</param>
/// <param name="CopiedBefore">When a run that had nothing to do had last saved its positions; null where it copied something.</param>
public sealed record RunResult(
    RunOutcome Outcome,
    AccountTotals Account,
    TimeSpan Elapsed,
    PipelineException? Error,
    string DeadLetterPath,
    DateTimeOffset? CopiedBefore)
{
    /// <summary>Letters of the job that are not settled, this run's and those of earlier ones.</summary>
    public int OpenLetters { get; init; }

    /// <summary>How many documents the sink held before and after; null where it can't be asked, or the run is not complete.</summary>
    public DocumentCount? Documents { get; init; }
}

/// <summary>How a run stands, for a progress line or a status page.</summary>
/// <param name="Phase">Starting, snapshot, changes, waiting or finishing.</param>
/// <param name="Account">The account so far; what is in flight counts as unfinished.</param>
/// <param name="Extent">How much the pass has to read, in the source's unit; null where unknown.</param>
/// <param name="ExtentDone">How much of it is finished: read, and safe in the sink.</param>
/// <param name="Lag">Since when the sink has not held everything that the source had; null before it first did.</param>
/// <param name="SourceDownFor">How long the source has been down; null while it is up.</param>
/// <param name="SinkDownFor">How long the sink has been down; null while it is up.</param>
/// <param name="LastError">The last failure that was tried again; null where there was none.</param>
/// <param name="BatchRecords">Records in a write now.</param>
/// <param name="Writers">Writes under way at most now.</param>
public sealed record RunProgress(
    RunPhase Phase,
    AccountTotals Account,
    long? Extent,
    long ExtentDone,
    TimeSpan? Lag,
    TimeSpan? SourceDownFor,
    TimeSpan? SinkDownFor,
    RunError? LastError,
    int BatchRecords,
    int Writers);

/// <summary>What a run is doing.</summary>
public enum RunPhase
{
    /// <summary>Checking both ends and preparing the sink.</summary>
    Starting,

    /// <summary>Copying a snapshot.</summary>
    Snapshot,

    /// <summary>Copying changes.</summary>
    Changes,

    /// <summary>Waiting for the next interval.</summary>
    Waiting,

    /// <summary>Finishing what is in flight.</summary>
    Finishing,
}
