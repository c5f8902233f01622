using System.CommandLine;
using System.CommandLine.Help;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>The command line's grammar: every option of the catalog on every command, each command's own options, and underscore names.</summary>
internal sealed class CommandLine
{
    private readonly Dictionary<string, Option> _options = new(StringComparer.Ordinal);

    /// <param name="commands">The commands besides running a pipeline.</param>
    /// <param name="run">What happens without a command.</param>
    public CommandLine(IEnumerable<ICommand> commands, Func<Invocation, CancellationToken, Task<int>> run)
    {
        Root = new RootCommand("Copies keyed JSON documents from one system to another, once or for ever, and proves that nothing was lost.");
        EnvFile = new Option<string>("--env-file", "--env_file") { Description = "File with environment names", HelpName = "FILE", Recursive = true };
        ConfigCheck = new Option<bool>("--config-check", "--config_check") { Description = "Print every value, its origin and every mistake, and end", Recursive = true };
        Root.Options.Add(EnvFile);
        Root.Options.Add(ConfigCheck);
        foreach (var definition in OptionCatalog.All) Add(definition);
        Root.SetAction((parse, ct) => run(new Invocation(this, parse), ct));
        foreach (var command in commands) Root.Subcommands.Add(command.Build(this));
        foreach (var help in Root.Options.OfType<HelpOption>()) help.Action = new HelpText();
    }

    /// <summary>The root command.</summary>
    public RootCommand Root { get; }

    /// <summary><c>--env-file</c>.</summary>
    public Option<string> EnvFile { get; }

    /// <summary><c>--config-check</c>.</summary>
    public Option<bool> ConfigCheck { get; }

    /// <summary>Parses arguments; nothing is run yet. A leading <c>@</c> means nothing special.</summary>
    public ParseResult Parse(IReadOnlyList<string> arguments) => Root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });

    /// <summary>What was typed, by the options' main names.</summary>
    public IReadOnlyDictionary<string, IReadOnlyList<string>> Given(ParseResult parse)
    {
        var given = new Dictionary<string, IReadOnlyList<string>>(StringComparer.Ordinal);
        foreach (var (name, option) in _options)
        {
            if (parse.GetResult(option) is not { Implicit: false } result) continue;
            given[name] = option is Option<bool> flag ? [parse.GetValue(flag) ? "true" : "false"] : [.. result.Tokens.Select(t => t.Value)];
        }

        return given;
    }

    /// <summary>What can't be understood in what was typed, a sentence each, with the nearest right name.</summary>
    public IReadOnlyList<string> Mistakes(ParseResult parse)
    {
        var mistakes = new List<string>();
        // A stray word may be a part of a password that was not quoted, or the value of a mistyped option: it is never repeated.
        var afterUnknown = false;
        foreach (var token in parse.UnmatchedTokens)
        {
            var isOption = token.StartsWith('-');
            var name = token.Split('=')[0];
            if (isOption)
            {
                mistakes.Add(UnknownOption(name, parse));
            }
            else if (NearestName.Of(token, [.. parse.CommandResult.Command.Subcommands.Select(c => c.Name), .. Root.Subcommands.Select(c => c.Name)]) is { } near)
            {
                mistakes.Add($"{token}: there is no such command; did you mean {near}?");
            }
            else if (!afterUnknown && Enum.GetValues<RunMode>().Select(m => EnumText.Kebab(m)).FirstOrDefault(m => m == token) is { } mode)
            {
                mistakes.Add($"{token}: there is no such command; did you mean --mode {mode}?");
            }
            else if (!afterUnknown)
            {
                mistakes.Add("A word belongs to no option and is no command; a value with blanks goes between quotes.");
            }

            afterUnknown = isOption;
        }

        foreach (var (name, option) in _options)
        {
            if (parse.GetResult(option) is not { Implicit: false } result) continue;
            if (option is not Option<bool> && result.Tokens.FirstOrDefault(t => IsOptionName(t.Value)) is { } swallowed)
            {
                mistakes.Add($"{name}: it needs a value before {swallowed.Value}.");
            }
            else
            {
                mistakes.AddRange(result.Errors.Select(_ => $"{name}: it needs {(option is Option<bool> ? "no value, or true or false" : "a value")}."));
            }
        }

        if (mistakes.Count > 0 || parse.Errors.Count == 0) return mistakes;
        var command = parse.CommandResult.Command;
        return command != Root && command.Subcommands.Count > 0
            ? [$"{command.Name}: give one of {string.Join(", ", command.Subcommands.Select(c => c.Name))}."]
            : [.. parse.Errors.Select(e => e.Message)];
    }

    /// <summary>The names under which a name may be typed: with underscores too, since existing jobs use them.</summary>
    public static string[] Spellings(IEnumerable<string> names) =>
        [.. names.SelectMany(n => new[] { n, "--" + n[2..].Replace('-', '_') }).Distinct()];

    private void Add(OptionDefinition definition)
    {
        if (definition.Name.Length == 0) return;
        var aliases = Spellings([definition.Name, .. definition.Aliases]).Where(n => n != definition.Name).ToArray();
        Option option = definition.IsFlag
            ? new Option<bool>(definition.Name, aliases) { Arity = ArgumentArity.ZeroOrOne }
            : new Option<string[]>(definition.Name, aliases) { Arity = ArgumentArity.OneOrMore, AllowMultipleArgumentsPerToken = definition.IsList };
        option.Description = definition.Description;
        option.HelpName = definition.ValueText;
        option.Recursive = true;
        option.Hidden = true;
        foreach (var choice in definition.Choices) option.CompletionSources.Add(choice);
        Root.Options.Add(option);
        _options[definition.Name] = option;
    }

    private string UnknownOption(string name, ParseResult parse)
    {
        var plain = name.Replace('_', '-');
        const string sink = $"--{OptionCatalog.SinkPrefix}-";
        if (plain.StartsWith(sink, StringComparison.Ordinal) && _options.ContainsKey("--" + plain[sink.Length..])) return $"{name}: there is no such option of a sink; --{plain[sink.Length..]} is the source's.";

        // Of two that are as near, the command's own.
        var own = Chain(parse.CommandResult.Command).SelectMany(c => c.Options).Where(o => !o.Hidden).SelectMany(o => o.Aliases.Prepend(o.Name));
        var near = NearestName.Of(plain, own.Where(o => !o.Contains('_', StringComparison.Ordinal)).Concat(_options.Keys).Distinct());
        return $"{name}: there is no such option{(near is null ? "; 'espipe --help' lists them." : $"; did you mean {near}?")}";
    }

    private static IEnumerable<Command> Chain(Command command) => command.Parents.OfType<Command>().SelectMany(Chain).Prepend(command);

    private bool IsOptionName(string text) =>
        text.StartsWith("--", StringComparison.Ordinal) && _options.ContainsKey(text.Split('=')[0].Replace('_', '-'));
}

/// <summary>One command.</summary>
internal interface ICommand
{
    /// <summary>Its grammar, with the actions set.</summary>
    Command Build(CommandLine line);
}

/// <summary>One call of the program.</summary>
/// <param name="Line">The grammar.</param>
/// <param name="Parse">What was typed.</param>
internal sealed record Invocation(CommandLine Line, ParseResult Parse);
