using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli.Tests;

/// <summary>For every option: a value that is not its default, one that it can't have, and ends that use it.</summary>
internal static class OptionSamples
{
    /// <summary>Text that no number, time or choice is written like.</summary>
    public const string Wrong = "definitely-wrong";

    /// <summary>Every option by the name that a person calls it.</summary>
    public static IReadOnlyDictionary<string, OptionDefinition> All { get; } =
        OptionCatalog.All.GroupBy(o => o.DisplayName).ToDictionary(g => g.Key, g => g.First(), StringComparer.Ordinal);

    /// <summary>A value that is not the default, as it is typed.</summary>
    public static string Value(OptionDefinition option) => option.Name switch
    {
        "--source" => "csv",
        "--sink" => "file",
        _ when option.IsFlag => option.DefaultValue is true ? "false" : "true",
        _ when option.ValueType == typeof(TimeSpan) => "7s",
        _ when option.ValueType == typeof(TimeText) => "2024-01-01T00:00:00Z",
        _ when option.ValueType.IsEnum => option.Choices.First(c => c != OptionDefinition.Format(option.DefaultValue)),
        _ when option.IsList => "a=b",
        _ when option.ValueType == typeof(string) || option.IsSecret => "some-text",
        _ => OptionDefinition.Format(Convert.ChangeType(Math.Clamp(7, option.Min, option.Max), option.ValueType)),
    };

    /// <summary>True where not every text is a value.</summary>
    public static bool CanBeWrong(OptionDefinition option) => option.ValueType != typeof(string) && !option.IsSecret && !option.IsList;

    /// <summary>What has to be given so that the option is used.</summary>
    public static Dictionary<string, string> EndsThatUse(OptionDefinition option)
    {
        var group = OptionCatalog.Groups.FirstOrDefault(g => g.Options.Any(o => o.DisplayName == option.DisplayName));
        var sink = group is { Sinks.Count: > 0 } ? group.Sinks[0] : "jsonl";
        var source = group is { Prefix.Length: > 0 } ? sink : group is { Sources.Count: > 0 } ? group.Sources[0] : "csv";
        if (group is { Prefix: "" } && group.Sources.Contains(sink)) sink = "jsonl";
        return new Dictionary<string, string>(StringComparer.Ordinal) { ["--source"] = source, ["--sink"] = sink };
    }
}
