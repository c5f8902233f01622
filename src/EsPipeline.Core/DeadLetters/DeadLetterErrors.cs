using EsPipeline.Core.Errors;

namespace EsPipeline.Core.DeadLetters;

/// <summary>What can go wrong with the dead letters.</summary>
public static class DeadLetterErrors
{
    /// <summary>The file can't be opened or written.</summary>
    public static readonly ErrorCode Unusable = new(
        "dead_letters.unusable",
        FailureKind.Environment,
        "The dead-letter file can't be opened or written, so nothing can be set aside safely.",
        "Free disk space or give another file with --dead-letters.")
    {
        Steps = ["See how much room is left: `df -h {--state}`"],
    };

    /// <summary>The file holds something else.</summary>
    public static readonly ErrorCode Damaged = new(
        "dead_letters.damaged",
        FailureKind.Environment,
        "The dead-letter file holds something that is not a dead letter.",
        "Move the file away or give another one with --dead-letters.")
    {
        Steps =
        [
            "Find its lines; FILE is the one in the message: `grep -nv '^{.*}$' FILE`",
            "Keep it, and begin another: `mv FILE FILE.damaged`",
        ],
    };

    /// <summary>More records failed for good than the run was told to bear.</summary>
    public static readonly ErrorCode TooMany = new(
        "dead_letters.too_many",
        FailureKind.Environment,
        "More records were refused for good than --max-dead-letters allows; a wrong mapping or schema is likely.",
        "Look at 'espipe dead-letters show', mend the cause, and run again; or raise --max-dead-letters.")
    {
        Steps =
        [
            "See what was refused, by cause: `espipe dead-letters show {job-options}`",
            "See beforehand what would be refused, with nothing written: the same command as `espipe plan`",
            "Once the cause is mended, send the letters again: `espipe dead-letters replay {job-options}`",
        ],
    };

    /// <summary>Letters can't be added to an output that is not there.</summary>
    public static readonly ErrorCode OutputGone = new(
        "dead_letters.output_gone",
        FailureKind.Environment,
        "The file that the dead letters should be added to is not there as the job left it, or the copy has not been finished.",
        "Finish the copy first, or mend the cause and copy again.")
    {
        Steps =
        [
            "See how the copy stands: `espipe status {job-options}`",
            "See what is in the folder: `ls -la {output-folder}`",
        ],
    };
}
