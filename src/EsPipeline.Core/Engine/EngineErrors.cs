using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Engine;

/// <summary>What the engine itself can raise.</summary>
public static class EngineErrors
{
    /// <summary>One record is larger than the sink takes.</summary>
    public static readonly ErrorCode RecordTooLarge = new(
        "sink.record_too_large",
        FailureKind.Permanent,
        "One record is larger than the sink takes at all.",
        "Leave out its large fields with --exclude-fields, or raise the limit in the sink's server, then replay the dead letters.")
    {
        Steps =
        [
            "See which others are too large, with their sizes: the same command as `espipe plan`",
            "Do without the field: `--exclude-fields FIELD`",
        ],
    };

    /// <summary>A transient failure outlasted its budget.</summary>
    public static readonly ErrorCode RetriesExhausted = new(
        "run.retries_exhausted",
        FailureKind.Transient,
        "A failure that should have passed did not pass within the retries and the time that the run was given.",
        "Look at the cause in the message; run the same command again to go on from the checkpoint, with a larger --retry-budget if need be.")
    {
        Steps =
        [
            "See how the job stands: `espipe status {job-options}`",
            "Give it longer: `--retry-budget 1h`",
        ],
    };

    /// <summary>The run was stopped by its own time limit.</summary>
    public static readonly ErrorCode MaxRuntime = new(
        "run.max_runtime",
        FailureKind.Environment,
        "The run reached --max-runtime before everything was copied.",
        "Run the same command again: it goes on from the checkpoint.")
    {
        Steps = ["Give it longer than {--max-runtime}, or copy a part at a time: `--shard 0/4`"],
    };

    /// <summary>The account does not balance.</summary>
    public static readonly ErrorCode AccountMismatch = new(
        "run.account_mismatch",
        FailureKind.Environment,
        "The run could not account for every record that it read; this is a defect in espipe.",
        "Report it with the log; compare both ends before you rely on this copy.")
    {
        Steps = ["Keep the log, which is {--log-file}."],
    };

    /// <summary>Something that no connector foresaw.</summary>
    public static readonly ErrorCode Unexpected = new(
        "run.unexpected",
        FailureKind.Environment,
        "Something happened that espipe did not foresee; this is a defect in espipe.",
        "Report it with the log at --log-level debug; the checkpoint is safe, and the same command goes on from it.")
    {
        Steps = ["See the whole story: the same command with `--log-level debug`"],
    };

    /// <summary>The memory is used up.</summary>
    public static readonly ErrorCode OutOfMemory = new(
        "run.out_of_memory",
        FailureKind.Environment,
        "There was not enough memory: one record, or what is read ahead, is too large for it.",
        "Give it more memory, or lower --read-ahead-mb and --threads; then run the same command again, which goes on from the checkpoint.")
    {
        Steps =
        [
            "See how much memory there is: `free -m`",
            "Read less ahead than {--read-ahead-mb} MiB, with fewer readers: `--read-ahead-mb 16 --threads 1`",
            "Send less at once: `--max-batch-size 100`",
        ],
    };

    /// <summary>What no connector foresaw, as a person is told of it.</summary>
    public static PipelineException Of(Exception e) => e is OutOfMemoryException
        ? OutOfMemory.Error($"The memory is used up: {e.Message}", inner: e)
        : Unexpected.Error($"{e.GetType().Name}: {e.Message}", inner: e);

    /// <summary>The sentence for one record that is too large.</summary>
    internal static string TooLarge(long bytes, long most) => $"It has {bytes} bytes; the sink takes at most {most}.";
}
