using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli.Tests;

public sealed class OptionOriginTests
{
    private static readonly Dictionary<string, string> Nothing = [];

    private static readonly CommandLine Line = new([], (_, _) => Task.FromResult(0));

    public static TheoryData<string> Options => [.. OptionSamples.All.Keys];

    public static TheoryData<string> Typed => [.. OptionSamples.All.Values.Where(o => o.Name.Length > 0).Select(o => o.Name)];

    public static TheoryData<string> Named => [.. OptionSamples.All.Values.Where(o => o.Environment.Any()).Select(o => o.DisplayName)];

    [Theory]
    [MemberData(nameof(Options))]
    public void Without_a_value_an_option_has_its_default(string name)
    {
        var option = OptionSamples.All[name];
        var value = Read(option, [], Nothing, Nothing);
        Assert.Equal(OptionOrigin.Default, value.Origin);
        Assert.Equal(OptionDefinition.Format(option.DefaultValue), OptionDefinition.Format(value.Value));
    }

    [Theory]
    [MemberData(nameof(Typed))]
    public void An_option_is_taken_from_the_command_line_by_each_of_its_names_dashed_or_underscored(string name)
    {
        var option = OptionSamples.All[name];
        foreach (var spelling in CommandLine.Spellings([option.Name, .. option.Aliases]))
        {
            IsSample(option, Read(option, [spelling, OptionSamples.Value(option)], Nothing, Nothing), OptionOrigin.CommandLine, option.Name);
            IsSample(option, Read(option, [$"{spelling}={OptionSamples.Value(option)}"], Nothing, Nothing), OptionOrigin.CommandLine, option.Name);
        }
    }

    [Theory]
    [MemberData(nameof(Named))]
    public void An_option_is_taken_from_the_environment_and_the_env_file_by_each_of_its_names(string name)
    {
        var option = OptionSamples.All[name];
        foreach (var environmentName in option.Environment)
        {
            var given = new Dictionary<string, string> { [environmentName] = OptionSamples.Value(option) };
            IsSample(option, Read(option, [], given, Nothing), OptionOrigin.Environment, environmentName);
            IsSample(option, Read(option, [], Nothing, given), OptionOrigin.EnvFile, environmentName);
        }
    }

    [Theory]
    [MemberData(nameof(Named))]
    public void The_command_line_goes_before_the_environment_and_the_environment_before_the_env_file(string name)
    {
        var option = OptionSamples.All[name];
        var given = new Dictionary<string, string> { [option.Environment.First()] = OptionSamples.Value(option) };
        var wrong = new Dictionary<string, string> { [option.Environment.First()] = OptionSamples.Wrong };
        IsSample(option, Read(option, [], given, wrong), OptionOrigin.Environment, option.Environment.First());
        if (option.Name.Length > 0) IsSample(option, Read(option, [option.Name, OptionSamples.Value(option)], wrong, wrong), OptionOrigin.CommandLine, option.Name);
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void A_value_that_an_option_cannot_have_is_a_mistake_that_names_it(string name)
    {
        var option = OptionSamples.All[name];
        if (!OptionSamples.CanBeWrong(option)) return;
        if (option.Name.Length > 0 && !option.IsFlag)
        {
            Assert.Contains(Settings(option, [option.Name, OptionSamples.Wrong], Nothing, Nothing).Mistakes, m => m.StartsWith($"{option.Name}: '{OptionSamples.Wrong}' is not ", StringComparison.Ordinal));
        }

        foreach (var environmentName in option.Environment)
        {
            var given = new Dictionary<string, string> { [environmentName] = OptionSamples.Wrong };
            Assert.Contains(Settings(option, [], given, Nothing).Mistakes, m => m.StartsWith($"{environmentName}: '{OptionSamples.Wrong}' is not ", StringComparison.Ordinal));
            Assert.Contains(Settings(option, [], Nothing, given).Mistakes, m => m.StartsWith($"{environmentName}: '{OptionSamples.Wrong}' is not ", StringComparison.Ordinal));
        }
    }

    [Theory]
    [MemberData(nameof(Options))]
    public void A_number_beyond_its_limits_is_a_mistake(string name)
    {
        var option = OptionSamples.All[name];
        var beyond = new[] { option.Min - 1, option.Max + 1 }.Where(double.IsFinite);
        foreach (var number in beyond)
        {
            var text = OptionDefinition.Format(number);
            var mistakes = option.Name.Length > 0
                ? Settings(option, [$"{option.Name}={text}"], Nothing, Nothing).Mistakes
                : Settings(option, [], new Dictionary<string, string> { [option.Environment.First()] = text }, Nothing).Mistakes;
            Assert.Contains(mistakes, m => m.StartsWith($"{option.DisplayName}: '{text}' is not ", StringComparison.Ordinal));
        }
    }

    private static void IsSample(OptionDefinition option, OptionValue value, OptionOrigin origin, string originName)
    {
        Assert.Equal((origin, originName), (value.Origin, value.OriginName));
        Assert.Equal(option.IsSecret ? "***" : OptionSamples.Value(option), OptionDefinition.Format(value.Value));
    }

    private static OptionValue Read(OptionDefinition option, string[] arguments, Dictionary<string, string> environment, Dictionary<string, string> envFile) =>
        Assert.Single(Settings(option, arguments, environment, envFile).Values, v => v.Definition.DisplayName == option.DisplayName);

    private static (IReadOnlyList<OptionValue> Values, IReadOnlyList<string> Mistakes) Settings(
        OptionDefinition option, string[] arguments, Dictionary<string, string> environment, Dictionary<string, string> envFile)
    {
        var parse = Line.Parse(arguments);
        Assert.Empty(Line.Mistakes(parse));
        var given = new Dictionary<string, IReadOnlyList<string>>(Line.Given(parse), StringComparer.Ordinal);
        if (OptionCatalog.Api.Any(o => o.DisplayName == option.DisplayName))
        {
            var serve = ServeSettings.Read(given, environment, envFile, TimeProvider.System);
            return (serve.Values, serve.Mistakes);
        }

        foreach (var (end, system) in OptionSamples.EndsThatUse(option).Where(e => e.Key != option.Name)) given.TryAdd(end, [system]);
        var run = Cli.Settings.Read(given, environment, envFile, TimeProvider.System);
        return (run.Values, run.Mistakes);
    }
}
