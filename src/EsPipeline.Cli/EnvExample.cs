using System.Text;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>The text of <c>env.example</c>: every environment name, made from the option records.</summary>
internal static class EnvExample
{
    /// <summary>The whole file.</summary>
    public static string Text()
    {
        var text = new StringBuilder();
        text.AppendLine("# Every name that espipe reads from the environment or a .env file. Copy this file to .env and take away the # of what you set.");
        text.AppendLine("# The command line goes before the environment, the environment before the .env file.");
        Append(text, "The run", OptionCatalog.Run.Select(o => (o, o.Description)));
        Append(text, "espipe serve", OptionCatalog.Api.Select(o => (o, o.Description)));
        foreach (var groups in OptionCatalog.Groups.GroupBy(g => g.Title))
        {
            Append(text, groups.Key, groups.SelectMany(g => g.Options.Select(o => (o, g.Names.In(o.Description)))));
        }

        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void Append(StringBuilder text, string title, IEnumerable<(OptionDefinition Option, string Description)> options)
    {
        var named = options.Where(o => o.Option.Environment.Any()).ToArray();
        if (named.Length == 0) return;
        text.AppendLine().AppendLine($"# {title}");
        foreach (var (option, description) in named)
        {
            var names = option.Environment.ToArray();
            var also = names.Length > 1 ? $" (also {string.Join(", ", names[1..])})" : "";
            var optionName = option.Name.Length > 0 ? $" [{option.Name}]" : "";
            text.AppendLine($"# {description}{optionName}{also}");
            text.AppendLine($"#{names[0]}={(option.DependsOnMachine ? "" : OptionDefinition.Format(option.DefaultValue))}");
        }
    }
}
