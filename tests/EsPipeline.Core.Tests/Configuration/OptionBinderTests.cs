using EsPipeline.Core.Configuration;

namespace EsPipeline.Core.Tests.Configuration;

public sealed class OptionBinderTests
{
    private static readonly DateTimeOffset Now = new(2024, 5, 6, 12, 0, 0, TimeSpan.Zero);

    [Fact]
    public void The_command_line_goes_before_the_environment_before_the_file_before_the_default()
    {
        var (line, environment, file) = (Given(("--number", "1")), Names(("NUMBER", "2")), Names(("NUMBER", "3")));
        Check(line, environment, file, 1, OptionOrigin.CommandLine, "--number");
        Check([], environment, file, 2, OptionOrigin.Environment, "NUMBER");
        Check([], [], file, 3, OptionOrigin.EnvFile, "NUMBER");
        Check([], [], [], 7, OptionOrigin.Default, "");

        static void Check(
            Dictionary<string, IReadOnlyList<string>> line, Dictionary<string, string> environment, Dictionary<string, string> file, int value, OptionOrigin origin, string name)
        {
            var binder = new OptionBinder(line, environment, file, Now);
            Assert.Equal(value, binder.Bind<Example>().Number);
            var bound = binder.Values.Single(v => v.Definition.Name == "--number");
            Assert.Equal((value, origin, name), ((int)bound.Value!, bound.Origin, bound.OriginName));
            Assert.Empty(binder.Mistakes);
        }
    }

    [Fact]
    public void Of_several_environment_names_the_first_that_is_set_and_not_empty_counts()
    {
        Assert.Equal("a", Bind(environment: Names(("TEXT", "a"), ("OLD_TEXT", "b"))).Options.Text);
        Assert.Equal("b", Bind(environment: Names(("TEXT", ""), ("OLD_TEXT", "b"))).Options.Text);
        Assert.Equal("c", Bind(environment: Names(("OLD_TEXT", "")), file: Names(("OLD_TEXT", "c"))).Options.Text);
    }

    [Fact]
    public void Every_type_is_read()
    {
        var (options, mistakes) = Bind(Given(
            ("--text", " as it is "), ("--number", "-3"), ("--big", "9223372036854775807"), ("--ratio", "2.5e-3"), ("--flag", "true"), ("--choice", "full_sync"),
            ("--pause", "5m"), ("--at", "2024-01-01"), ("--list", "a, b,,c"), ("--items", "a,b"), ("--password", "S3cr3t!%40/:?#")));
        Assert.Empty(mistakes);
        Assert.Equal((" as it is ", -3, long.MaxValue, 0.0025, true), (options.Text, options.Number, options.Big, options.Ratio, options.Flag));
        Assert.Equal((RunMode.FullSync, TimeSpan.FromMinutes(5)), (options.Choice, options.Pause));
        Assert.Equal(new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero), options.At!.Instant);
        Assert.Equal(["a", "b", "c"], options.List);
        Assert.Equal(["a,b"], options.Items);
        Assert.Equal("S3cr3t!%40/:?#", options.Password!.Reveal());
    }

    [Fact]
    public void Given_more_than_once_the_last_counts_and_lists_gather()
    {
        var (options, _) = Bind(new Dictionary<string, IReadOnlyList<string>> { ["--number"] = ["1", "2"], ["--list"] = ["a,b", "c"], ["--items"] = ["x,1", "y"] });
        Assert.Equal(2, options.Number);
        Assert.Equal(["a", "b", "c"], options.List);
        Assert.Equal(["x,1", "y"], options.Items);
    }

    [Theory]
    [InlineData("--number", "x", "--number: 'x' is not a whole number from -10 to 100.")]
    [InlineData("--number", "101", "--number: '101' is not a whole number from -10 to 100.")]
    [InlineData("--number", "-11", "--number: '-11' is not a whole number from -10 to 100.")]
    [InlineData("--number", "1.5", "--number: '1.5' is not a whole number from -10 to 100.")]
    [InlineData("--number", "", "--number: '' is not a whole number from -10 to 100.")]
    [InlineData("--big", "9223372036854775808", "--big: '9223372036854775808' is not a whole number.")]
    [InlineData("--big", "99999999999999999999999999999999", "--big: '99999999999999999999999999999999' is not a whole number.")]
    [InlineData("--ratio", "0", "--ratio: '0' is not a number of at least 0.001.")]
    [InlineData("--ratio", "NaN", "--ratio: 'NaN' is not a number of at least 0.001.")]
    [InlineData("--flag", "maybe", "--flag: 'maybe' is not true or false.")]
    [InlineData("--choice", "sometimes", "--choice: 'sometimes' is not one of continuous, single, full-sync, custom, health-check.")]
    [InlineData("--pause", "soon", "--pause: 'soon' is not a duration such as 30s, 5m or 2h.")]
    [InlineData("--at", "soon", "--at: 'soon' is not a time such as 2024-01-01T00:00:00Z or 2024-01-01, or an age such as 5m.")]
    public void A_wrong_value_is_a_sentence_and_the_default_stays(string option, string text, string mistake)
    {
        var (options, mistakes) = Bind(Given((option, text)));
        Assert.Equal([mistake], mistakes);
        Assert.Equal(new Example().Number, options.Number);
    }

    [Fact]
    public void Every_mistake_is_told_under_the_name_it_was_given_by()
    {
        var (_, mistakes) = Bind(Given(("--number", "x")), Names(("RATIO", "y")), Names(("PAUSE", "z")));
        Assert.Equal(3, mistakes.Count);
        Assert.Equal(["--number", "RATIO", "PAUSE"], mistakes.Select(m => m.Split(':')[0]));
    }

    [Fact]
    public void Options_that_contradict_each_other_say_so()
    {
        var binder = new OptionBinder(Given(("--min-batch-size", "10"), ("--max-batch-size", "5"), ("--query", "{}"), ("--match-all", "true")), Names(), Names(), Now);
        binder.Bind<RunOptions>();
        Assert.Equal(["--match-all and --query: give one of them.", "--min-batch-size: it is greater than --max-batch-size."], binder.Mistakes);
    }

    [Fact]
    public void A_mistake_in_prefixed_options_names_them_as_they_were_typed()
    {
        foreach (var (prefix, expected) in new[] { ("", "--number and TEXT: give one of them, not --other."), ("sink", "--sink-number and SINK_TEXT: give one of them, not --other.") })
        {
            var binder = new OptionBinder(Given(), Names(), Names(), Now);
            binder.Bind<Mistaken>(prefix);
            Assert.Equal([expected], binder.Mistakes);
        }
    }

    [Fact]
    public void A_prefix_stands_before_every_name()
    {
        var binder = new OptionBinder(Given(("--sink-number", "4")), Names(("SINK_TEXT", "prefixed"), ("TEXT", "plain")), Names(), Now);
        var options = binder.Bind<Example>("sink");
        Assert.Equal((4, "prefixed"), (options.Number, options.Text));
    }

    [Fact]
    public void What_only_the_environment_sets_has_no_name_on_the_command_line()
    {
        var definition = OptionDefinition.Of(typeof(Example)).Single(d => d.Name.Length == 0);
        Assert.Equal("ONLY_HERE", definition.DisplayName);
        Assert.Equal(9, Bind(environment: Names(("ONLY_HERE", "9"))).Options.Only);
    }

    [Fact]
    public void The_value_that_stands_for_an_option_in_help_follows_its_type()
    {
        var texts = OptionDefinition.Of(typeof(Example)).Where(d => d.Name.Length > 0).ToDictionary(d => d.Name, d => d.ValueText);
        Assert.Equal(
            ("TEXT", "N", "", "continuous|single|full-sync|custom|health-check", "DURATION", "TIME", "A,B", "TEXT"),
            (texts["--text"], texts["--number"], texts["--flag"], texts["--choice"], texts["--pause"], texts["--at"], texts["--list"], texts["--password"]));
    }

    private static (Example Options, IReadOnlyList<string> Mistakes) Bind(
        Dictionary<string, IReadOnlyList<string>>? line = null, Dictionary<string, string>? environment = null, Dictionary<string, string>? file = null)
    {
        var binder = new OptionBinder(line ?? [], environment ?? [], file ?? [], Now);
        return (binder.Bind<Example>(), binder.Mistakes);
    }

    private static Dictionary<string, IReadOnlyList<string>> Given(params (string Name, string Value)[] options) =>
        options.ToDictionary(o => o.Name, o => (IReadOnlyList<string>)[o.Value]);

    private static Dictionary<string, string> Names(params (string Name, string Value)[] names) => names.ToDictionary(n => n.Name, n => n.Value);

    public sealed record Example
    {
        [Option("--text", "A text", Environment = ["TEXT", "OLD_TEXT"])]
        public string Text { get; init; } = "default";

        [Option("--number", "A number", Environment = ["NUMBER"], Min = -10, Max = 100)]
        public int Number { get; init; } = 7;

        [Option("--big", "A big number")]
        public long? Big { get; init; }

        [Option("--ratio", "A ratio", Environment = ["RATIO"], Min = 0.001)]
        public double? Ratio { get; init; }

        [Option("--flag", "A flag")]
        public bool Flag { get; init; }

        [Option("--choice", "A choice")]
        public RunMode Choice { get; init; }

        [Option("--pause", "A pause", Environment = ["PAUSE"])]
        public TimeSpan Pause { get; init; }

        [Option("--at", "A time")]
        public TimeText? At { get; init; }

        [Option("--list", "A list")]
        public IReadOnlyList<string> List { get; init; } = [];

        [Option("--items", "Items", Repeated = true)]
        public IReadOnlyList<string> Items { get; init; } = [];

        [Option("--password", "A password")]
        public Secret? Password { get; init; }

        [Option("", "Only from the environment", Environment = ["ONLY_HERE"])]
        public int? Only { get; init; }
    }

    private sealed record Mistaken : IValidatedOptions
    {
        [Option("--number", "A number")]
        public int Number { get; init; }

        [Option("", "A text", Environment = ["TEXT"])]
        public string Text { get; init; } = "";

        public IEnumerable<string> Mistakes() => ["--number and TEXT: give one of them, not --other."];
    }
}
