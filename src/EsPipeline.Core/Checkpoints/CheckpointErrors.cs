using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Checkpoints;

/// <summary>What can be wrong with saved state.</summary>
public static class CheckpointErrors
{
    /// <summary>Another process runs the job.</summary>
    public static readonly ErrorCode JobRunning = new(
        "state.job_running",
        FailureKind.Environment,
        "Another copy of this job is running, and two would write over each other's positions.",
        "Wait for it or stop it; to run two pipelines at once, give each its own --job.")
    {
        Steps = ["See how it stands: `espipe status {job-options}`"],
    };

    /// <summary>The lock on the job may have gone to another copy.</summary>
    public static readonly ErrorCode JobLost = new(
        "state.job_lost",
        FailureKind.Environment,
        "This copy can't be sure any more that it is the only one that runs the job.",
        "Check the server that keeps the state and the network to it, or who has removed the state folder; then run again: it goes on where its positions were saved.")
    {
        Steps = ["See who runs it now: `espipe status {job-options}`"],
    };

    /// <summary>The state folder can't be used.</summary>
    public static readonly ErrorCode StateUnusable = new(
        "state.unusable",
        FailureKind.Environment,
        "The state folder can't be read or written.",
        "Give a folder that this user may write to with --state.")
    {
        Steps =
        [
            "See who may write there: `ls -lad {--state}`",
            "See how much room is left; without the folder, look at the one above: `df -h {--state}`",
        ],
    };

    /// <summary>The checkpoint file is damaged.</summary>
    public static readonly ErrorCode Corrupt = new(
        "checkpoint.corrupt",
        FailureKind.Environment,
        "The checkpoint file is damaged, so its positions can't be trusted.",
        "Restore the file from a backup, or run 'espipe checkpoint reset' and copy everything again.")
    {
        Steps =
        [
            "See what is left of it: `espipe checkpoint show {job-options}`",
            "Without a backup, begin anew: `espipe checkpoint reset {job-options}`",
        ],
    };

    /// <summary>The checkpoint was written by a newer release.</summary>
    public static readonly ErrorCode NewerFormat = new(
        "checkpoint.newer_format",
        FailureKind.Environment,
        "The checkpoint was written by a newer espipe.",
        "Run that release or a later one, or run 'espipe checkpoint reset' and copy everything again.")
    {
        Steps = ["See which release this is: `espipe --version`"],
    };

    /// <summary>The checkpoint belongs to another job.</summary>
    public static readonly ErrorCode JobChanged = new(
        "checkpoint.job_changed",
        FailureKind.Environment,
        "The saved positions belong to another source, sink, selection or transform, and using them would lose records.",
        "Give this job a name of its own with --job, or run 'espipe checkpoint reset' to begin anew.")
    {
        Steps =
        [
            "See what the saved positions belong to: `espipe checkpoint show {job-options}`",
            "To begin anew under the same name: `espipe checkpoint reset {job-options}`",
        ],
    };

    /// <summary>A position that this source cannot read.</summary>
    public static readonly ErrorCode BadPosition = new(
        "checkpoint.bad_position",
        FailureKind.Environment,
        "A saved position is not one that this source writes.",
        "Run 'espipe checkpoint reset' and copy everything again.")
    {
        Steps =
        [
            "See the position: `espipe checkpoint show {job-options}`",
            "Begin anew: `espipe checkpoint reset {job-options}`",
        ],
    };

    /// <summary>A job's name cannot be a folder's.</summary>
    public static readonly ErrorCode BadJobName = new(
        "state.bad_job_name",
        FailureKind.Environment,
        "A job's name is also a folder's name.",
        "Use 1 to 100 letters, digits, '.', '_' and '-', not starting with '.'.")
    {
        Steps = ["Give it another name: `--job nightly-orders`"],
    };
}
