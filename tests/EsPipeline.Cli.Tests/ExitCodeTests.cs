using System.Text.Json;

namespace EsPipeline.Cli.Tests;

public sealed class ExitCodeTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    [Fact]
    public async Task A_run_that_is_done_ends_with_0_and_an_account_that_balances()
    {
        CsvCopy.Write(_folder, 250);
        var run = (await _folder.RunAsync(CsvCopy.Arguments())).Ended(0);
        Assert.Contains("read 250 = written 250 + unchanged 0 + filtered 0 + dead_lettered 0 (balances)", run.Output, StringComparison.Ordinal);
        Assert.Equal(250, CsvCopy.Lines(_folder).Length);
    }

    [Fact]
    public async Task A_run_that_finds_nothing_to_do_says_so_and_ends_with_0()
    {
        CsvCopy.Write(_folder, 10);
        (await _folder.RunAsync(CsvCopy.Arguments())).Ended(0);
        var written = await File.ReadAllTextAsync(_folder.File("out.jsonl"), TestContext.Current.CancellationToken);
        var again = (await _folder.RunAsync(CsvCopy.Arguments())).Ended(0);
        Assert.Contains("nothing to do", again.Output, StringComparison.Ordinal);
        Assert.Equal(written, await File.ReadAllTextAsync(_folder.File("out.jsonl"), TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_run_that_fails_ends_with_1_and_one_sentence()
    {
        var run = (await _folder.RunAsync(CsvCopy.Arguments())).Ended(1);
        Assert.Contains("in.csv", run.Error, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", run.Said, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out.jsonl")));
    }

    [Fact]
    public async Task Wrong_usage_ends_with_2_and_every_mistake()
    {
        var run = (await _folder.RunAsync("--source", "csv", "--sink", "jsonl", "--threads", "none")).Ended(2);
        Assert.Contains(run.Complaints, c => c.StartsWith("espipe: --threads: 'none'", StringComparison.Ordinal));
        Assert.Contains(run.Complaints, c => c.StartsWith("espipe: --csv-file:", StringComparison.Ordinal));
        Assert.Contains(run.Complaints, c => c.StartsWith("espipe: --output-file:", StringComparison.Ordinal));
        Assert.Empty(run.Output);
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder.Path));
    }

    [Fact]
    public async Task Records_in_the_dead_letters_end_a_run_with_3_and_are_shown()
    {
        _folder.Write("in.csv", "id,name\n1,one\n,without a key\n3,three\n");
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--job", "letters"))).Ended(3);
        Assert.Contains("read 3 = written 2 + unchanged 0 + filtered 0 + dead_lettered 1 (balances)", run.Output, StringComparison.Ordinal);
        Assert.Equal(2, CsvCopy.Lines(_folder).Length);

        var listed = (await _folder.RunAsync("dead-letters", "list", "--job", "letters", "--format", "json")).Ended(0);
        using var letter = JsonDocument.Parse(listed.Output);
        Assert.Equal("letters", letter.RootElement.GetProperty("job").GetString());
        var shown = (await _folder.RunAsync("dead-letters", "show", "--job", "letters")).Ended(0);
        Assert.Contains("without a key", shown.Output, StringComparison.Ordinal);

        var again = (await _folder.RunAsync(CsvCopy.Arguments("--job", "letters"))).Ended(3);
        Assert.Contains("nothing to do, everything but what is in the dead letters was copied by ", again.Output, StringComparison.Ordinal);
        Assert.Contains("dead letters: 1 of earlier runs are still open in ", again.Output, StringComparison.Ordinal);
        (await _folder.RunAsync("dead-letters", "drop", "--job", "letters")).Ended(0);
        Assert.Contains("nothing to do, everything was copied by ", (await _folder.RunAsync(CsvCopy.Arguments("--job", "letters"))).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_single_run_ends_with_what_it_has_copied_itself_and_names_the_letters_of_earlier_ones()
    {
        _folder.Write("in.csv", "id,name\n1,one\n,without a key\n3,three\n");
        string[] arguments = CsvCopy.Arguments("--mode", "single", "--log-level", "error");
        (await _folder.RunAsync(arguments)).Ended(3);
        await File.AppendAllTextAsync(_folder.File("in.csv"), "4,four\n", TestContext.Current.CancellationToken);
        var later = (await _folder.RunAsync(arguments)).Ended(0);
        Assert.Contains("read 1 = written 1 ", later.Output, StringComparison.Ordinal);
        Assert.Contains("dead letters: 1 of earlier runs are still open in ", later.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Too_many_dead_letters_stop_a_run_with_1()
    {
        _folder.Write("in.csv", "id,name\n" + string.Concat(Enumerable.Repeat(",no key\n", 20)));
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--max-dead-letters", "5"))).Ended(1);
        Assert.Contains("--max-dead-letters", run.Said, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_second_copy_of_a_job_ends_with_1_and_names_the_first()
    {
        string[] arguments = ["--source", "jsonl", "--sink", "file", "--jsonl-file", "-", "--output-file", "out.jsonl", "--job", "twice"];
        using var first = _folder.Start(arguments);
        await first.UntilErrorAsync("Job twice");
        await first.UntilAsync(() => File.Exists(_folder.File(".espipe/twice/lock.holder")), "it held its lock");
        var second = (await _folder.RunAsync(arguments)).Ended(1);
        Assert.Contains($"process {first.Id} ", second.Error, StringComparison.Ordinal);

        await first.Input.WriteAsync("{\"id\":\"a\"}\n");
        first.Input.Close();
        (await first.EndAsync()).Ended(0);
        Assert.Single(CsvCopy.Lines(_folder));
    }

    public void Dispose() => _folder.Dispose();
}
