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
        Append(text, "The run", OptionCatalog.Run);
        Append(text, "espipe serve", OptionCatalog.Api);
        foreach (var group in OptionCatalog.Groups) Append(text, group.Title, group.Options);
        return text.ToString().ReplaceLineEndings("\n");
    }

    private static void Append(StringBuilder text, string title, IReadOnlyList<OptionDefinition> options)
    {
        if (!options.Any(o => o.Environment.Any())) return;
        text.AppendLine().AppendLine($"# {title}");
        foreach (var option in options.Where(o => o.Environment.Any()))
        {
            var names = option.Environment.ToArray();
            var also = names.Length > 1 ? $" (also {string.Join(", ", names[1..])})" : "";
            var optionName = option.Name.Length > 0 ? $" [{option.Name}]" : "";
            text.AppendLine($"# {option.Description}{optionName}{also}");
            text.AppendLine($"#{names[0]}={(option.DependsOnMachine ? "" : OptionDefinition.Format(option.DefaultValue))}");
        }
    }
}
