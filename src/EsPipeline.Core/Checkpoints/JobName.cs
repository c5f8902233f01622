using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Checkpoints;

/// <summary>What a job may be called: its name is also that of a folder.</summary>
public static class JobName
{
    private const int Longest = 100;

    /// <summary>True for 1 to 100 letters and digits of ASCII, <c>.</c>, <c>_</c> and <c>-</c> that do not begin with a dot.</summary>
    public static bool IsValid(string name) =>
        name.Length is > 0 and <= Longest && name[0] != '.' && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');

    /// <summary>The name itself.</summary>
    /// <exception cref="PipelineException"><see cref="CheckpointErrors.BadJobName"/> (invariant 6).</exception>
    public static string Valid(string name) => IsValid(name) ? name : throw CheckpointErrors.BadJobName.Error($"'{name}' can't be a job's name.");
}
