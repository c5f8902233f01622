namespace EsPipeline.Core.Telemetry;

/// <summary>How a run ended, or that it has not.</summary>
public enum RunOutcome
{
    /// <summary>It is under way.</summary>
    Running,

    /// <summary>Everything was read and is in the sink.</summary>
    Done,

    /// <summary>Everything was read; some records are in the dead letters.</summary>
    DoneWithDeadLetters,

    /// <summary>It stopped at an error; the next run goes on from the checkpoint.</summary>
    Failed,

    /// <summary>A signal or <c>--max-runtime</c> stopped it; the next run goes on from the checkpoint.</summary>
    Stopped,

    /// <summary>The process ended without a word (kill -9, power); noted by the next run.</summary>
    Killed,
}

/// <summary>One run of a job as the history keeps it.</summary>
public sealed record RunRecord
{
    /// <summary>Unique among the job's runs; sorts by time.</summary>
    public required string Id { get; init; }

    /// <summary>The mode's name, as on the command line.</summary>
    public required string Mode { get; init; }

    /// <summary>The source's name.</summary>
    public required string Source { get; init; }

    /// <summary>The sink's name.</summary>
    public required string Sink { get; init; }

    /// <summary>What the sink said that it is, as <see cref="Checkpoints.JobIdentity.Sink"/>; null where the run did not come so far.</summary>
    public string? SinkIdentity { get; init; }

    /// <summary>The process, for a person who looks for it.</summary>
    public required int ProcessId { get; init; }

    /// <summary>The machine's name.</summary>
    public required string Host { get; init; }

    /// <summary>When it started (UTC).</summary>
    public required DateTimeOffset Started { get; init; }

    /// <summary>When this was noted (UTC).</summary>
    public DateTimeOffset Updated { get; init; }

    /// <summary>When it ended (UTC); null while it runs.</summary>
    public DateTimeOffset? Ended { get; init; }

    /// <summary>How it ended.</summary>
    public RunOutcome Outcome { get; init; }

    /// <summary>The account.</summary>
    public AccountTotals Account { get; init; }

    /// <summary>Records a second over the whole run.</summary>
    public double Rate { get; init; }

    /// <summary>Seconds since the sink last held everything that the source had; null where the source has not been read to its end yet.</summary>
    public double? LagSeconds { get; init; }

    /// <summary>The last error that was met, whether it ended the run or not.</summary>
    public RunError? LastError { get; init; }
}

/// <summary>An error that a run met.</summary>
/// <param name="Code">Its stable code.</param>
/// <param name="Message">What happened, without secrets.</param>
/// <param name="At">When (UTC).</param>
public sealed record RunError(string Code, string Message, DateTimeOffset At);
