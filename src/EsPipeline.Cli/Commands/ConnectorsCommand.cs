using System.CommandLine;
using EsPipeline.Connectors;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli.Commands;

/// <summary><c>connectors</c>: lists sources and sinks, and shows the options of one.</summary>
internal sealed class ConnectorsCommand(Terminal terminal) : ICommand
{
    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        var name = new Argument<string?>("name") { Description = "A source or sink", Arity = ArgumentArity.ZeroOrOne };
        var example = new Option<bool>("--env-example") { Description = "Print env.example: every environment name with its sentence and default" };
        var command = new Command("connectors", "Lists sources and sinks; with a name, shows its options with their defaults") { name, example };
        command.SetAction(parse => parse.GetValue(example) ? Print(EnvExample.Text()) : parse.GetValue(name) is { } one ? Show(one) : List());
        return command;
    }

    private int List()
    {
        foreach (var connector in BuiltInConnectors.All)
        {
            var ends = (connector.Source, connector.Sink) switch
            {
                (not null, not null) => "source and sink",
                (not null, null) => "source",
                _ => "sink",
            };
            var also = connector.Aliases.Count > 0 ? $" (also {string.Join(", ", connector.Aliases)})" : "";
            terminal.WriteResult($"{connector.Name,-15} {ends,-16} {connector.Description}{also}");
        }

        terminal.WriteResult("'espipe connectors NAME' shows the options of one.");
        return ExitCode.Done;
    }

    private int Show(string name)
    {
        if (BuiltInConnectors.Find(name) is not { } connector)
        {
            var near = NearestName.Of(name, BuiltInConnectors.All.Select(c => c.Name));
            terminal.WriteError($"espipe: there is no source or sink '{name}'{(near is null ? "" : $"; did you mean {near}?")}");
            return ExitCode.Usage;
        }

        terminal.WriteResult($"{connector.Name}: {connector.Description}");
        if (connector.Source is { } source)
        {
            var traits = new[]
            {
                source.Follows ? "can be followed (--mode continuous)" : "is read once",
                source.QueryLanguage is { } language ? $"takes --query in {language}" : "takes no --query",
                source.SelectsByTime ? "selects by --since and --until" : "does not select by time",
            };
            foreach (var line in HelpText.Wrap("As a source it " + string.Join(", ", traits) + ":")) terminal.WriteResult(line);
            Print(OptionDefinition.Of(source.Options));
        }

        if (connector.Sink is { } sink)
        {
            var shared = connector.Source is { } && OptionCatalog.SharesOptions(connector, connector);
            OptionDefinition[] own = [.. OptionDefinition.Of(sink.Options).Where(o => !shared || !o.Property.DeclaringType!.IsAssignableFrom(connector.Source!.Options))];
            string[] lacks = [.. OptionDefinition.Of(connector.Source?.Options ?? sink.Options).Where(o => !o.Property.DeclaringType!.IsAssignableFrom(sink.Options)).Select(o => o.Name)];
            var which = own.Length > 0 ? " of connection, and these" : lacks.Length > 0 ? " but " + string.Join(", ", lacks) : "";
            var how = !shared ? "As a sink:"
                : $"As a sink it takes the same options{which}; where the source is {connector.Name} too, {Prefixed(sink.Options)}.";
            foreach (var line in HelpText.Wrap(how)) terminal.WriteResult(line);
            Print(own);
        }

        return ExitCode.Done;
    }

    private static string Prefixed(Type options)
    {
        string[] names = [.. OptionDefinition.Of(options, OptionCatalog.SinkPrefix).Where(o => o.Name.Length == 0).Select(o => o.Environment.First())];
        var only = names.Length == 0 ? "" : $"; what has no option is {string.Join(", ", names)}";
        return $"with --{OptionCatalog.SinkPrefix}- before their names, and {OptionCatalog.SinkPrefix.ToUpperInvariant()}_ in the environment{only}";
    }

    private void Print(IReadOnlyList<OptionDefinition> options)
    {
        if (options.Count == 0) return;
        using var text = new StringWriter();
        HelpText.WriteOptions(options, text);
        terminal.WriteResult(text.ToString().TrimEnd());
    }

    private int Print(string text)
    {
        terminal.WriteResult(text.TrimEnd());
        return ExitCode.Done;
    }
}
