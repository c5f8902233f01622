using System.CommandLine;
using System.Text;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli.Commands;

/// <summary><c>completion bash|zsh|fish</c>: prints a script that completes commands, options and the values that an option can have.</summary>
internal sealed class CompletionCommand(Terminal terminal) : ICommand
{
    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        string[] shells = ["bash", "zsh", "fish"];
        var shell = new Argument<string>("shell") { Description = "bash, zsh or fish" };
        shell.Validators.Add(result =>
        {
            if (!shells.Contains(result.Tokens[0].Value)) result.AddError($"completion: '{result.Tokens[0].Value}' is none of {string.Join(", ", shells)}.");
        });
        var command = new Command("completion", "Prints a completion script: source <(espipe completion bash)") { shell };
        command.SetAction(parse =>
        {
            var commands = line.Root.Subcommands.Where(c => !c.Hidden).ToArray();
            terminal.WriteResult(parse.GetRequiredValue(shell) switch
            {
                "bash" => Bash(commands),
                "zsh" => "autoload -U +X bashcompinit && bashcompinit\n" + Bash(commands),
                _ => Fish(commands),
            });
            return ExitCode.Done;
        });
        return command;
    }

    private static IEnumerable<OptionDefinition> Options => OptionCatalog.All.Where(o => o.Name.Length > 0);

    private static IReadOnlyList<string> ValuesOf(OptionDefinition option) => option.Name switch
    {
        "--source" => [.. Connectors.BuiltInConnectors.All.Where(c => c.Source is not null).Select(c => c.Name)],
        "--sink" => [.. Connectors.BuiltInConnectors.All.Where(c => c.Sink is not null).Select(c => c.Name)],
        _ => option.Choices,
    };

    // What a command or one below it takes besides the catalog's options.
    private static IEnumerable<Option> OwnOptions(Command command) => command.Options.Concat(command.Subcommands.SelectMany(OwnOptions));

    private static string Bash(Command[] commands)
    {
        var text = new StringBuilder();
        text.Append("_espipe() {\n  local word=\"${COMP_WORDS[COMP_CWORD]}\" before=\"${COMP_WORDS[COMP_CWORD-1]}\"\n  case \"$before\" in\n");
        foreach (var option in Options.Where(o => ValuesOf(o).Count > 0))
        {
            text.Append($"    {string.Join('|', option.Aliases.Prepend(option.Name))}) COMPREPLY=($(compgen -W \"{string.Join(' ', ValuesOf(option))}\" -- \"$word\")); return ;;\n");
        }

        foreach (var command in commands.Where(c => c.Subcommands.Count > 0))
        {
            text.Append($"    {command.Name}) COMPREPLY=($(compgen -W \"{string.Join(' ', command.Subcommands.Select(s => s.Name))}\" -- \"$word\")); return ;;\n");
        }

        var files = Options.Where(o => o.ValueText is "FILE" or "FOLDER").Select(o => o.Name).Append("--env-file");
        text.Append($"    {string.Join('|', files)}) COMPREPLY=($(compgen -f -- \"$word\")); return ;;\n  esac\n");
        var own = commands.SelectMany(OwnOptions).Select(o => o.Name).Distinct();
        text.Append($"  if [[ $word == -* ]]; then COMPREPLY=($(compgen -W \"{string.Join(' ', [.. Options.Select(o => o.Name), .. own])} --env-file --config-check --help\" -- \"$word\"))\n");
        text.Append($"  elif [[ $COMP_CWORD == 1 ]]; then COMPREPLY=($(compgen -W \"{string.Join(' ', commands.Select(c => c.Name))}\" -- \"$word\"))\n");
        text.Append("  else COMPREPLY=($(compgen -f -- \"$word\"))\n  fi\n}\ncomplete -o filenames -F _espipe espipe");
        return text.ToString();
    }

    private static string Fish(Command[] commands)
    {
        var text = new StringBuilder();
        foreach (var command in commands)
        {
            text.Append($"complete -c espipe -n __fish_use_subcommand -xa {command.Name} -d '{Quote(command.Description)}'\n");
            foreach (var sub in command.Subcommands)
            {
                text.Append($"complete -c espipe -n '__fish_seen_subcommand_from {command.Name}' -xa {sub.Name} -d '{Quote(sub.Description)}'\n");
            }
        }

        foreach (var (command, option) in commands.SelectMany(c => OwnOptions(c).Select(o => (c, o))))
        {
            var argument = option is Option<bool> ? "" : " -x";
            text.Append($"complete -c espipe -n '__fish_seen_subcommand_from {command.Name}' -l {option.Name[2..]}{argument} -d '{Quote(option.Description)}'\n");
        }

        foreach (var option in Options)
        {
            var values = ValuesOf(option);
            var argument = values.Count > 0 ? $" -xa '{string.Join(' ', values)}'" : option.IsFlag ? "" : option.ValueText is "FILE" or "FOLDER" ? " -r" : " -x";
            text.Append($"complete -c espipe -l {option.Name[2..]}{argument} -d '{Quote(option.Description)}'\n");
        }

        return text.ToString().TrimEnd();
    }

    private static string Quote(string? text) => (text ?? "").Replace("'", "\\'", StringComparison.Ordinal);
}
