using System.Diagnostics;
using System.Text.RegularExpressions;

namespace EsPipeline.Cli.Tests;

public sealed partial class ReadmeTests : IDisposable
{
    private static readonly string[] NotCopied = ["bin", "obj", "node_modules"];

    private readonly EspipeFolder _folder = new();

    public static TheoryData<string> Examples =>
    [
        .. Pages.SelectMany(Blocks).SelectMany(b => b.Split('\n'))
            .Where(l => l.StartsWith("espipe ", StringComparison.Ordinal) && !l.Contains('[', StringComparison.Ordinal))
            .Select(l => l.Split(" #")[0].Trim()),
    ];

    [Fact]
    public async Task Env_example_is_what_the_program_says_of_its_environment()
    {
        var said = (await _folder.RunAsync("connectors", "--env-example")).Ended(0).Output;
        Assert.True(
            said == Repository.Read("env.example"),
            "env.example is out of date: dotnet run -c Release --project src/EsPipeline.Cli -- connectors --env-example > env.example");
    }

    [Fact]
    public async Task The_first_command_works_on_a_fresh_copy_and_prints_an_account_that_balances()
    {
        var command = Assert.Single(Blocks("README.md").SelectMany(b => b.Split('\n')), l => l.StartsWith("dotnet run", StringComparison.Ordinal));
        CopySources();
        var arguments = command.Split(' ');
        using var process = Process.Start(new ProcessStartInfo(arguments[0], arguments[1..])
        {
            WorkingDirectory = _folder.Path,
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        var output = await process.StandardOutput.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output + await errors);
        Assert.Contains("read 1000 = written 1000 + unchanged 0 + filtered 0 + dead_lettered 0 (balances)", output, StringComparison.Ordinal);
        Assert.Equal(1000, CsvCopy.Lines(_folder).Length);
    }

    [Fact]
    public void The_second_command_is_there_and_can_be_run()
    {
        Assert.Contains("tests/run", Blocks("README.md").First().Split('\n'));
        if (OperatingSystem.IsWindows()) return;
        foreach (var script in new[] { "tests/run", "tests/services", ".ci/run" })
        {
            Assert.True(File.GetUnixFileMode(Path.Combine(Repository.Root, script)).HasFlag(UnixFileMode.UserExecute), script);
        }
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public async Task Every_other_command_is_one_that_espipe_understands(string example)
    {
        var arguments = Words().Matches(example).Select(w => w.Groups["quoted"].Success ? w.Groups["quoted"].Value : w.Value).Skip(1).ToArray();
        // What would run until it is stopped, or wait for an end that is not there, is only looked at.
        if (arguments[0].StartsWith('-') || arguments[0] == "verify") arguments = [.. arguments, "--config-check"];
        if (arguments[0] == "serve") return;
        _folder.Environment["ES_HOST_URL"] = "http://127.0.0.1:1";
        _folder.Environment["ES_INDEX"] = "orders";
        _folder.Environment["FIREBASE_PROJECT_ID"] = "my-project";
        _folder.Environment["FIREBASE_COLLECTION"] = "orders";
        _folder.Environment["FIRESTORE_EMULATOR_HOST"] = "127.0.0.1:1";
        var run = await _folder.RunAsync(arguments);
        Assert.True(run.ExitCode is 0 or 1 || run.Error.Contains("(config.no_such_job)", StringComparison.Ordinal), run.Said);
    }

    public void Dispose() => _folder.Dispose();

    [GeneratedRegex(@"'(?<quoted>[^']*)'|\S+", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Words();

    // The front page, and that of each system.
    private static IEnumerable<string> Pages =>
        Directory.EnumerateFiles(Path.Combine(Repository.Root, "src", "EsPipeline.Connectors"), "README.md", SearchOption.AllDirectories)
            .Select(f => Path.GetRelativePath(Repository.Root, f)).Prepend("README.md");

    private static IEnumerable<string> Blocks(string page) => Repository.Read(page).Split("```").Where((_, i) => i % 2 == 1);

    private void CopySources()
    {
        foreach (var file in Directory.EnumerateFiles(Repository.Root).Where(f => Path.GetExtension(f) is ".props" or ".json" or ".txt" or ".editorconfig")) Copy(file);
        foreach (var folder in new[] { "src", "samples" })
        {
            foreach (var file in Directory.EnumerateFiles(Path.Combine(Repository.Root, folder), "*", SearchOption.AllDirectories)) Copy(file);
        }

        void Copy(string file)
        {
            var name = Path.GetRelativePath(Repository.Root, file);
            if (name.Split(Path.DirectorySeparatorChar).Intersect(NotCopied).Any()) return;
            Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(name))!);
            File.Copy(file, _folder.File(name));
        }
    }
}
