using Microsoft.Extensions.Logging;

namespace EsPipeline.Core.Engine;

/// <summary>What the engine logs; event ids 1000 to 1099.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Warning, "The {End} is down: {Problem} ({Code}); waiting for it")]
    public static partial void EndDown(ILogger logger, string end, string problem, string code);

    [LoggerMessage(1001, LogLevel.Information, "The {End} is back after {Seconds:0.#} s")]
    public static partial void EndBack(ILogger logger, string end, double seconds);

    [LoggerMessage(1002, LogLevel.Warning, "The source could not be told that {Partition} is safe: {Problem}")]
    public static partial void AcknowledgeFailed(ILogger logger, string partition, string problem);

    [LoggerMessage(1003, LogLevel.Information, "Going on from the checkpoint of {SavedAt:yyyy-MM-dd HH:mm:ss} UTC")]
    public static partial void Resuming(ILogger logger, DateTimeOffset savedAt);

    [LoggerMessage(1004, LogLevel.Warning, "{Partition} is read from its start again: {Reason}")]
    public static partial void StartsOver(ILogger logger, string partition, string reason);

    [LoggerMessage(1005, LogLevel.Warning, "The output that the checkpoint speaks of is not there any more: everything is copied anew")]
    public static partial void OutputGone(ILogger logger);

    [LoggerMessage(1006, LogLevel.Information, "The snapshot is complete: {Records} records")]
    public static partial void SnapshotComplete(ILogger logger, long records);

    [LoggerMessage(1007, LogLevel.Information, "Stopping: finishing what is in flight")]
    public static partial void Draining(ILogger logger);

    [LoggerMessage(1008, LogLevel.Warning, "What is in flight could not be finished within {Seconds:0} s; the next run reads it again")]
    public static partial void DrainTimedOut(ILogger logger, double seconds);

    [LoggerMessage(1009, LogLevel.Warning, "{Warning}")]
    public static partial void EndWarning(ILogger logger, string warning);

    [LoggerMessage(1010, LogLevel.Debug, "{Partitions} partitions to read ({Kind})")]
    public static partial void Planned(ILogger logger, int partitions, string kind);

    [LoggerMessage(1011, LogLevel.Warning, "How the run stands could not be noted: {Problem}")]
    public static partial void NoteFailed(ILogger logger, string problem);

    [LoggerMessage(1012, LogLevel.Information, "Changes copied: {Changes} in {Seconds:0.###} s")]
    public static partial void ChangesCopied(ILogger logger, long changes, double seconds);

    [LoggerMessage(1013, LogLevel.Debug, "The cause of {Code}")]
    public static partial void Cause(ILogger logger, string code, Exception cause);

    [LoggerMessage(1014, LogLevel.Information, "How many documents {Place} holds could not be asked: {Problem}")]
    public static partial void NotCounted(ILogger logger, string place, string problem);

    [LoggerMessage(1015, LogLevel.Warning,
        "There is no checkpoint of this job, but {Place} holds {Documents} documents already: those that the source still has are replaced, the others stay ('espipe verify --prune' removes them)")]
    public static partial void NotEmpty(ILogger logger, string place, long documents);

    [LoggerMessage(1016, LogLevel.Information, "A run of the job is under way: what differs is looked at again in {Pause}, so that the run can catch up")]
    public static partial void AwaitsRun(ILogger logger, string pause);

    [LoggerMessage(1017, LogLevel.Information, "What is still to be read is planned anew: {Reason}")]
    public static partial void PlannedAnew(ILogger logger, string reason);

    [LoggerMessage(1018, LogLevel.Warning, "What was copied so far began with what changed since {Since:u}: everything is copied now")]
    public static partial void CopiedSinceOnly(ILogger logger, DateTimeOffset since);
}
