using System.CommandLine;

namespace EsPipeline.Cli;

/// <summary>How a command shows its result.</summary>
internal enum OutputFormat
{
    /// <summary>For a person.</summary>
    Table,

    /// <summary>For a program: one JSON document.</summary>
    Json,
}

/// <summary>The option <c>--format</c> of the commands that have it.</summary>
internal static class FormatOption
{
    /// <summary>Makes the option.</summary>
    public static Option<OutputFormat> Create() =>
        new("--format") { Description = "How the result is shown", HelpName = "table|json", DefaultValueFactory = _ => OutputFormat.Table };
}
