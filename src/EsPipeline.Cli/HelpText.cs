using System.CommandLine;
using System.CommandLine.Invocation;
using EsPipeline.Connectors;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>Help: one page for running a pipeline; a command's own options for a command.</summary>
internal sealed class HelpText : SynchronousCommandLineAction
{
    // Columns that a terminal has at least where somebody reads help.
    private const int Widest = 120;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var output = parseResult.InvocationConfiguration.Output;
        var command = parseResult.CommandResult.Command;
        if (command is RootCommand root) WriteRoot(root, output);
        else WriteCommand(command, output);
        return ExitCode.Done;
    }

    /// <summary>A line for each option: name, value, sentence, environment and default.</summary>
    public static void WriteOptions(IEnumerable<OptionDefinition> options, TextWriter output)
    {
        foreach (var option in options)
        {
            var name = option.Name.Length > 0 ? $"{option.Name} {option.ValueText}".TrimEnd() : "(environment only)";
            var extras = new List<string>();
            if (option.Environment.Any()) extras.Add(string.Join(", ", option.Environment));
            if (option.DefaultText is not ("" or "false")) extras.Add("default " + option.DefaultText);
            if (option.Aliases.Any()) extras.Add("also " + string.Join(", ", option.Aliases));
            if (name.Length > 34)
            {
                output.WriteLine("  " + name);
                name = "";
            }

            WriteItem(name, $"{option.Description}{(extras.Count > 0 ? $" [{string.Join("; ", extras)}]" : "")}", output);
        }
    }

    /// <summary>The lines of a text that is no wider than so many columns, unless a single word is.</summary>
    public static IEnumerable<string> Wrap(string text, int width = Widest)
    {
        while (text.Length > width && text.LastIndexOf(' ', width) is > 0 and var blank)
        {
            yield return text[..blank];
            text = text[(blank + 1)..];
        }

        yield return text;
    }

    private static void WriteItem(string name, string? text, TextWriter output)
    {
        foreach (var line in Wrap(text ?? "", Widest - 37))
        {
            output.WriteLine($"  {name,-34} {line}");
            name = "";
        }
    }

    private static void WriteRoot(RootCommand root, TextWriter output)
    {
        output.WriteLine(root.Description);
        output.WriteLine();
        output.WriteLine("Usage: espipe [COMMAND] [options]      without a command: runs the pipeline");
        output.WriteLine();
        output.WriteLine("Commands:");
        foreach (var command in root.Subcommands) WriteItem(command.Name, command.Description, output);
        output.WriteLine();
        output.WriteLine("Sources: " + string.Join(", ", BuiltInConnectors.All.Where(c => c.Source is not null).Select(c => c.Name)));
        output.WriteLine("Sinks:   " + string.Join(", ", BuiltInConnectors.All.Where(c => c.Sink is not null).Select(c => c.Name)));
        output.WriteLine("         'espipe connectors NAME' shows the options of a system");
        output.WriteLine();
        output.WriteLine("Options of a run:");
        WriteOptions(OptionCatalog.Run, output);
        WriteOwn(root, output);
        output.WriteLine();
        output.WriteLine("Values come from the command line, the environment, the .env file and the defaults, in that order.");
        output.WriteLine("Exit codes: 0 done, 1 failed, 2 wrong usage, 3 done with dead letters, 130 and 143 stopped by a signal.");
    }

    private static void WriteCommand(Command command, TextWriter output)
    {
        output.WriteLine(command.Description);
        output.WriteLine();
        var arguments = string.Concat(command.Arguments.Select(a => a.Arity.MinimumNumberOfValues > 0 ? $" {a.Name.ToUpperInvariant()}" : $" [{a.Name.ToUpperInvariant()}]"));
        output.WriteLine($"Usage: {Path(command)}{(command.Subcommands.Count > 0 ? " COMMAND" : "")}{arguments} [options]");
        if (command.Subcommands.Count > 0)
        {
            output.WriteLine();
            output.WriteLine("Commands:");
            foreach (var sub in command.Subcommands) WriteItem(sub.Name, sub.Description, output);
        }

        output.WriteLine();
        output.WriteLine("Options:");
        WriteOwn(command, output);
        foreach (var above in command.Parents.OfType<Command>().Where(c => c is not RootCommand)) WriteOwn(above, output);
        if (command.Name == "serve") WriteOptions([.. ServeSettings.Shared, .. OptionCatalog.Api], output);
        else if (command.Name is not ("completion" or "connectors")) output.WriteLine("  The options of a run ('espipe --help') say which job and which ends are meant.");
    }

    private static void WriteOwn(Command command, TextWriter output)
    {
        foreach (var option in command.Options.Where(o => !o.Hidden))
        {
            WriteItem($"{option.Name} {option.HelpName}".TrimEnd(), option.Description, output);
        }
    }

    private static string Path(Command command) =>
        command is RootCommand ? "espipe" : $"{Path(command.Parents.OfType<Command>().First())} {command.Name}";
}
