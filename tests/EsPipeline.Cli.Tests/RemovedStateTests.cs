namespace EsPipeline.Cli.Tests;

/// <summary>What somebody takes away from a job's folder while the job runs.</summary>
public sealed class RemovedStateTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    private string Letters => _folder.File(".espipe/j/dead-letters.jsonl");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("rm {0}")]
    [InlineData("mv {0} {0}.old")]
    [InlineData(": > {0}")]
    public async Task Letters_that_come_after_their_file_was_taken_away_are_in_the_one_that_has_its_name(string way)
    {
        using var espipe = Follow();
        await espipe.UntilAsync(() => HasLetter("first, which is no JSON"), "the first letter");
        await TakeAway(way, Letters);
        await File.AppendAllTextAsync(_folder.File("in.jsonl"), "second, which is no JSON\n", TestContext.Current.CancellationToken);
        await espipe.UntilAsync(() => HasLetter("second, which is no JSON"), "the second letter");
        await File.AppendAllTextAsync(_folder.File("in.jsonl"), "third, which is no JSON\n", TestContext.Current.CancellationToken);
        await espipe.UntilAsync(() => HasLetter("third, which is no JSON"), "the third letter");
        espipe.Signal(PosixSignalNumber.Terminate);
        var run = (await espipe.EndAsync()).Ended(143);
        Assert.Contains("dead_lettered 3 (balances)", run.Output, StringComparison.Ordinal);
        Assert.Equal(2, (await File.ReadAllLinesAsync(Letters, TestContext.Current.CancellationToken)).Length);
        Assert.DoesNotContain('\0', await File.ReadAllTextAsync(Letters, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_run_whose_folder_is_removed_ends_and_says_so_and_the_next_one_begins_anew()
    {
        using var espipe = Follow();
        await espipe.UntilAsync(() => File.Exists(_folder.File(".espipe/j/checkpoint.json")) && HasLetter("first"), "a position was saved");
        await TakeAway("mv {0} {0}.gone && rm -rf {0}.gone", _folder.File(".espipe/j"));
        var run = (await espipe.EndAsync()).Ended(1);
        Assert.Contains(".espipe/j, was removed or replaced while it ran", run.Error, StringComparison.Ordinal);
        Assert.False(Path.Exists(_folder.File(".espipe/j")), "It has made the folder anew.");
    }

    private EspipeProcess Follow()
    {
        _folder.Write("in.jsonl", "{\"id\":\"a\"}\nfirst, which is no JSON\n");
        return _folder.Start(
            new EspipeStart { Interruptible = true },
            "--source", "jsonl", "--sink", "file", "--jsonl-file", "in.jsonl", "--output-file", "out.jsonl", "--mode", "continuous", "--interval", "50ms", "--job", "j");
    }

    private bool HasLetter(string text) => File.Exists(Letters) && File.ReadAllText(Letters).Contains(text, StringComparison.Ordinal);

    private static async Task TakeAway(string way, string path)
    {
        using var shell = System.Diagnostics.Process.Start("sh", ["-c", string.Format(System.Globalization.CultureInfo.InvariantCulture, way, path)]);
        await shell.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.Equal(0, shell.ExitCode);
    }
}
