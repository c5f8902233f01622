using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>Options of one command alone, which say what is wrong with their value as the catalog's options do.</summary>
internal static class OwnOption
{
    /// <summary>One of an enumeration's names.</summary>
    public static Option<T> Choice<T>(string name, string description, T usual)
        where T : struct, Enum
    {
        var byName = Enum.GetValues<T>().ToDictionary(v => EnumText.Kebab(v), StringComparer.OrdinalIgnoreCase);
        var option = new Option<T>(name)
        {
            Description = $"{description} [default {EnumText.Kebab(usual)}]",
            HelpName = string.Join('|', byName.Keys),
            DefaultValueFactory = _ => usual,
            CustomParser = result => byName.TryGetValue(Text(result), out var value) ? value : Refused<T>(result, $"{name}: '{Text(result)}' is none of {string.Join(", ", byName.Keys)}."),
        };
        option.CompletionSources.Add([.. byName.Keys]);
        return option;
    }

    /// <summary>A whole number.</summary>
    public static Option<int> Count(string name, string description, int usual, int least = 1, int most = int.MaxValue) => new(name)
    {
        Description = $"{description} [default {usual}]",
        HelpName = "N",
        DefaultValueFactory = _ => usual,
        CustomParser = result => (int)(Whole(result, least, most) ?? usual),
    };

    /// <summary>A whole number that need not be given.</summary>
    public static Option<long?> OptionalCount(string name, string description, long least) => new(name, CommandLine.Spellings([name]))
    {
        Description = description,
        HelpName = "N",
        CustomParser = result => Whole(result, least, long.MaxValue),
    };

    private static long? Whole(ArgumentResult result, long least, long most)
    {
        if (long.TryParse(Text(result), NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most) return number;
        var range = most >= int.MaxValue ? $"of at least {least}" : $"from {least} to {most}";
        return Refused<long?>(result, $"{((OptionResult)result.Parent!).Option.Name}: '{Text(result)}' is not a whole number {range}.");
    }

    private static string Text(ArgumentResult result) => result.Tokens.Count > 0 ? result.Tokens[0].Value : "";

    private static T? Refused<T>(ArgumentResult result, string mistake)
    {
        result.AddError(mistake);
        return default;
    }
}
