using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Configuration;

/// <summary>What can be wrong with what a person typed; the exit code is 2.</summary>
public static class ConfigurationErrors
{
    /// <summary>A value or a combination of options is wrong.</summary>
    public static readonly ErrorCode Invalid = new(
        "config.invalid",
        FailureKind.Environment,
        "An option or an environment name is wrong.",
        "Run the same command with --config-check to see every value, where it comes from, and every mistake.")
    {
        Steps =
        [
            "See every value and where it comes from: the same command with `--config-check`",
            "See the options of an end: `espipe connectors`",
        ],
    };

    /// <summary>The <c>.env</c> file can't be read.</summary>
    public static readonly ErrorCode BadEnvFile = new(
        "config.env_file",
        FailureKind.Environment,
        "The .env file has a line that is not NAME=value.",
        "Mend the line; a value with spaces, '#' or quotes goes between single quotes.")
    {
        Steps = ["See its lines with their numbers: `cat -n .env`"],
    };

    /// <summary>A command is about a job that is not known.</summary>
    public static readonly ErrorCode NoSuchJob = new(
        "config.no_such_job",
        FailureKind.Environment,
        "The job that the command is about has no state.",
        "Check --job and --state; 'espipe status' lists the jobs of a state folder.")
    {
        Steps = ["See which jobs there are: `espipe checkpoint list --state {--state}`"],
    };
}
