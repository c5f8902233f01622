using System.Text.RegularExpressions;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;

namespace EsPipeline.Cli.Explaining;

/// <summary>
/// What an error means and what to do, as a numbered list with commands for the very case: the remedy, the code's own steps, and what goes for
/// every error of its kind. Made from rules alone, without any network. Never holds a secret.
/// </summary>
/// <param name="settings">The values that fill the steps; null where an error came before they were read.</param>
internal sealed partial class Advice(Settings? settings)
{
    // Errors of espipe's own state, which no look at the two ends explains.
    private static readonly string[] OwnSystems = ["config", "state", "checkpoint", "dead_letters", "run"];

    /// <summary>What it means, and the numbered list.</summary>
    /// <param name="error">The kind of error.</param>
    /// <param name="remedy">What the error itself says to do; the code's own remedy where null.</param>
    /// <param name="names">How options are called at the end that it comes from; null for their plain names.</param>
    public IReadOnlyList<string> Lines(ErrorCode error, string? remedy = null, PrefixedNames? names = null)
    {
        var steps = error.Steps.Prepend(remedy ?? error.Remedy).Concat(General(error));
        return [$"What {error.Code} means: {names?.In(error.Meaning) ?? error.Meaning}", "What to do:", .. Numbered(names is null ? steps : steps.Select(names.In), names)];
    }

    /// <summary>The numbered list of the code's own steps.</summary>
    /// <param name="error">The kind of error.</param>
    /// <param name="names">How options are called at the end that it comes from; null for their plain names.</param>
    public IReadOnlyList<string> OwnSteps(ErrorCode error, PrefixedNames? names = null)
    {
        var steps = error.Steps.Prepend(error.Remedy);
        return Numbered(names is null ? steps : steps.Select(names.In), names);
    }

    /// <summary>The names in a text that stand for values.</summary>
    internal static IEnumerable<string> PlaceholdersIn(string text) => Placeholder().Matches(text).Select(m => m.Groups["name"].Value);

    private List<string> Numbered(IEnumerable<string> steps, PrefixedNames? names = null)
    {
        var lines = new List<string>();
        var number = 0;
        foreach (var step in steps)
        {
            if (CommandAtEnd().Match(step) is { Success: true } match)
            {
                lines.Add($"  {++number}. {Fill(match.Groups["text"].Value.TrimEnd(), inCommand: false, names)}");
                lines.Add($"       {Fill(match.Groups["command"].Value, inCommand: true, names)}");
            }
            else
            {
                lines.Add($"  {++number}. {Fill(step, inCommand: false, names)}");
            }
        }

        return lines;
    }

    // The steps that every error of a kind has.
    private static IEnumerable<string> General(ErrorCode error)
    {
        var system = error.Code.Split('.')[0];
        if (system == "config") yield break;
        if (error.Kind == FailureKind.Permanent)
        {
            yield return $"See the records that this befell: `espipe dead-letters show {{job-options}} --code {error.Code}`";
            yield return $"Once the cause is mended, send them again; what the source could not read at all comes only with a new copy: `espipe dead-letters replay {{run-options}} --code {error.Code}`";
            yield break;
        }

        if (!OwnSystems.Contains(system)) yield return "See how both ends answer, with nothing written: the same command with `--mode health-check`";
        yield return "Then run the same command again: it goes on from the checkpoint.";
    }

    private string Fill(string text, bool inCommand, PrefixedNames? names) => Placeholder().Replace(text, match =>
    {
        var name = match.Groups["name"].Value;
        if (name == "job-options") return JobOptions(settings);
        if (name == "run-options") return RunOptions(settings);
        var value = ValueOf(name, names);
        if (value.Length == 0) value = $"<{name.TrimStart('-')}>";
        var isPieceOfCommand = char.IsAsciiLetterLower(name[0]);
        if (!inCommand || isPieceOfCommand) return value;
        var quoted = text.AsSpan(0, match.Index).Count('\'') % 2 == 1;
        return quoted ? ShellText.Within(value) : ShellText.Quote(value);
    });

    // What the options of the ends come to goes before what one option says. Of two ends of one system the source's values are taken, unless
    // the names are the sink's.
    private string ValueOf(string name, PrefixedNames? names)
    {
        if (settings is null) return "";
        object[] ends = names is null ? [settings.SourceOptions, settings.SinkOptions] : [settings.SinkOptions];
        foreach (var options in ends.OfType<IEffectiveOptions>())
        {
            foreach (var (known, text) in options.Effective)
            {
                if ((names?.In(known) ?? known) == name) return OptionDefinition.Format(text);
            }
        }

        var value = settings.Values.FirstOrDefault(v => v.Definition.DisplayName == name && !v.Definition.IsSecret);
        return value is null ? "" : value.Definition.Show(value.Value is IReadOnlyList<string> list ? (list.Count > 0 ? list[0] : "") : value.Value);
    }

    /// <summary>The options by which another command finds a call's job.</summary>
    public static string JobOptions(Settings? settings)
    {
        if (settings is null) return "--job <job>";
        var job = settings.Source is null || settings.Sink is null ? settings.Run.Job ?? "<job>" : settings.Job;
        return $"--job {ShellText.Quote(job)}{(settings.IsGiven("--state") ? $" --state {ShellText.Quote(settings.Run.State)}" : "")}";
    }

    // What was typed, for a command that needs all that the run needs; a secret is left to be filled in.
    private static string RunOptions(Settings? settings) =>
        settings is null ? "<the options of the run>" : string.Join(' ', settings.Values.Where(v => v.Origin == OptionOrigin.CommandLine && v.Definition.Name is not ("--simple-errors" or "--ai-errors")).Select(Typed));

    private static string Typed(OptionValue value)
    {
        var definition = value.Definition;
        if (definition.IsFlag) return value.Value is true ? definition.Name : $"{definition.Name} false";
        if (definition.HoldsSecret(value.Value)) return $"{definition.Name} <{definition.Name.TrimStart('-')}>";
        var values = value.Value is IReadOnlyList<string> list ? list : [definition.Show(value.Value)];
        return $"{definition.Name} {string.Join(' ', values.Select(ShellText.Quote))}";
    }

    [GeneratedRegex(@"^(?<text>[^`]*)`(?<command>[^`]*)`\.?$", RegexOptions.NonBacktracking)]
    private static partial Regex CommandAtEnd();

    [GeneratedRegex(@"\{(?<name>--[a-z0-9-]+|[A-Z][A-Z0-9_]+|[a-z]+-[a-z]+)\}", RegexOptions.NonBacktracking)]
    private static partial Regex Placeholder();
}
