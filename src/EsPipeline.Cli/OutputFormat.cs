using System.CommandLine;

namespace EsPipeline.Cli;

/// <summary>How a command shows its result.</summary>
internal enum OutputFormat
{
    /// <summary>For a person.</summary>
    Table,

    /// <summary>For a program: a JSON document, or one a line.</summary>
    Json,
}

/// <summary>The option <c>--format</c> of the commands that have it.</summary>
internal static class FormatOption
{
    /// <summary>Makes the option.</summary>
    public static Option<OutputFormat> Create() => OwnOption.Choice("--format", "How the result is shown", OutputFormat.Table);
}
