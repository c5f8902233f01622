using Microsoft.Extensions.Logging;

namespace EsPipeline.Cli;

/// <summary>What the command line logs; event ids 3000 to 3099.</summary>
internal static partial class CliLog
{
    [LoggerMessage(3000, LogLevel.Information, "Progress: {Progress}")]
    public static partial void Progress(ILogger logger, string progress);

    [LoggerMessage(3001, LogLevel.Information, "Job {Job}: {Source} to {Sink}, mode {Mode}, state in {State}")]
    public static partial void Starting(ILogger logger, string job, string source, string sink, string mode, string state);

    [LoggerMessage(3002, LogLevel.Warning, "{Option} was given on the command line, where other users of this machine can see it; {Environment} in the environment or the .env file is safer")]
    public static partial void SecretOnCommandLine(ILogger logger, string option, string environment);

    /// <summary>How a run ended: for the log file, and for a screen that a program reads; a person is shown the report.</summary>
    public const string EndedTemplate = "Job {Job}: {Outcome}; {Account}";

    [LoggerMessage(3003, LogLevel.Information, EndedTemplate)]
    public static partial void Ended(ILogger logger, string job, string outcome, string account);

    [LoggerMessage(3004, LogLevel.Error, "{Message} {Remedy} ({Code})")]
    public static partial void Failed(ILogger logger, string message, string remedy, string code);

    [LoggerMessage(3010, LogLevel.Information, "Metrics are at http://{Address}/metrics")]
    public static partial void MetricsAt(ILogger logger, string address);

    [LoggerMessage(3011, LogLevel.Debug, "Somebody who asked for metrics got no answer: {Reason}")]
    public static partial void MetricsClientFailed(ILogger logger, string reason);
}
