using EsPipeline.Core.Telemetry;

namespace EsPipeline.Cli;

/// <summary>What the process ends with.</summary>
internal static class ExitCode
{
    public const int Done = 0;
    public const int Failed = 1;
    public const int Usage = 2;
    public const int DeadLetters = 3;

    /// <summary>The code for a run; a signal that stopped it adds its number to 128.</summary>
    public static int Of(RunOutcome outcome, int? signal) => outcome switch
    {
        RunOutcome.Done => Done,
        RunOutcome.DoneWithDeadLetters => DeadLetters,
        RunOutcome.Stopped => signal is { } number ? 128 + number : Done,
        _ => Failed,
    };
}
