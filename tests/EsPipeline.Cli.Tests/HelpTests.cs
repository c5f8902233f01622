using EsPipeline.Connectors;

namespace EsPipeline.Cli.Tests;

public sealed class HelpTests : IDisposable
{
    private const int Widest = 120;

    private readonly EspipeFolder _folder = new();

    public static TheoryData<string> Commands =>
    [
        "--help", "connectors --help", "status --help", "monitor --help", "completion --help", "checkpoint --help", "checkpoint set --help",
        "dead-letters --help", "dead-letters show --help", "connectors", .. BuiltInConnectors.All.Select(c => $"connectors {c.Name}"),
    ];

    [Theory]
    [MemberData(nameof(Commands))]
    public async Task Help_fits_a_terminal_and_ends_with_0(string arguments)
    {
        var run = (await _folder.RunAsync(arguments.Split(' '))).Ended(0);
        Assert.Empty(run.Error);
        Assert.DoesNotContain(run.Output.Split('\n'), l => l.Length > Widest);
    }

    [Fact]
    public async Task A_sink_is_said_to_take_all_but_the_options_of_reading()
    {
        var said = string.Join(' ', (await _folder.RunAsync("connectors", "postgres")).Ended(0).Output.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries));
        Assert.Contains("As a sink it takes the same options but --pg-updated-column, --pg-documents, --pg-follow,", said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_names_every_option_of_a_run_with_its_environment_names()
    {
        var help = (await _folder.RunAsync("--help")).Output;
        foreach (var option in OptionCatalog.Run)
        {
            if (option.Name.Length > 0) Assert.Contains($"  {option.Name} ", help, StringComparison.Ordinal);
            foreach (var name in option.Environment) Assert.Contains(name, help, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("bash")]
    [InlineData("zsh")]
    [InlineData("fish")]
    public async Task A_completion_script_knows_every_option(string shell)
    {
        var script = (await _folder.RunAsync("completion", shell)).Ended(0).Output;
        foreach (var option in OptionCatalog.All.Where(o => o.Name.Length > 0)) Assert.Contains(option.Name[2..], script, StringComparison.Ordinal);
        foreach (var own in (string[])["format", "examples", "env-example", "partition", "position", "runs"]) Assert.Contains(shell == "fish" ? $" -l {own} " : $" --{own} ", script, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
