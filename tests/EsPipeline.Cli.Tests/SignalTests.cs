namespace EsPipeline.Cli.Tests;

public sealed class SignalTests : IDisposable
{
    // A minute's worth at the rate of the run that is to be ended: however late it is signalled, it is at work.
    private const int Rows = 60_000;

    private static readonly EspipeStart Interruptible = new() { Interruptible = true };

    private readonly EspipeFolder _folder = new();

    [Theory]
    [InlineData(PosixSignalNumber.Interrupt, 130)]
    [InlineData(PosixSignalNumber.Terminate, 143)]
    public async Task A_signal_ends_a_run_in_good_order_and_the_next_run_goes_on_from_there(PosixSignalNumber signal, int code)
    {
        CsvCopy.Write(_folder, Rows);
        using var slow = _folder.Start(Interruptible, CsvCopy.Arguments("--rate-limit", "1000", "--batch-size", "50", "--checkpoint-interval", "50ms", "--job", "j"));
        await slow.UntilAsync(() => File.Exists(_folder.File(".espipe/j/checkpoint.json")), "a position was saved");
        slow.Signal(signal);
        var stopped = (await slow.EndAsync()).Ended(code);
        Assert.Contains("stopped; the same command goes on from here", stopped.Output, StringComparison.Ordinal);
        Assert.Contains("(balances)", stopped.Output, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out.jsonl")), "An output that is not complete has the name of one that is.");

        (await _folder.RunAsync(CsvCopy.Arguments("--job", "j"))).Ended(0);
        using var unbroken = new EspipeFolder();
        CsvCopy.Write(unbroken, Rows);
        (await unbroken.RunAsync(CsvCopy.Arguments())).Ended(0);
        Assert.Equal(CsvCopy.Lines(unbroken), CsvCopy.Lines(_folder));
    }

    [Fact]
    public async Task A_second_signal_ends_it_at_once()
    {
        CsvCopy.Write(_folder, 200_000);
        string[] arguments = ["--source", "csv", "--sink", "jsonl", "--csv-file", "in.csv", "--output-file", "-", "--shutdown-timeout", "1h"];
        using var stuck = _folder.Start(Interruptible with { ReadsOutput = false }, arguments);
        await stuck.UntilErrorAsync("Job ");
        // Nobody reads its output, so that it can't finish what is in flight. What comes within a second of the first counts as the same.
        var ended = stuck.UntilAsync(
            () =>
            {
                stuck.Signal(PosixSignalNumber.Interrupt);
                return stuck.HasEnded;
            },
            "a second signal").WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken);
        await Task.WhenAny(ended);
        Assert.True(stuck.HasEnded, "The second signal did not end it.");
        (await stuck.EndAsync()).Ended(130);
    }

    [Fact]
    public async Task The_longest_time_for_a_run_ends_it_like_a_signal_but_as_failed()
    {
        const int rows = 3000;
        CsvCopy.Write(_folder, rows);
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--rate-limit", "500", "--batch-size", "50", "--max-runtime", "1s", "--job", "j"))).Ended(1);
        Assert.Contains("Stopped after 1s", run.Error, StringComparison.Ordinal);
        (await _folder.RunAsync(CsvCopy.Arguments("--job", "j"))).Ended(0);
        Assert.Equal(rows, CsvCopy.Lines(_folder).Length);
    }

    public void Dispose() => _folder.Dispose();
}
