namespace EsPipeline.Cli.Tests;

public sealed class StandardStreamTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    [Fact]
    public async Task From_standard_input_to_standard_output_only_records_are_written_there()
    {
        using var espipe = _folder.Start("--source", "csv", "--sink", "jsonl", "--csv-file", "-", "--output-file", "-");
        await espipe.Input.WriteAsync("id,name\n1,one\n2,two\n");
        espipe.Input.Close();
        var run = (await espipe.EndAsync()).Ended(0);
        Assert.Equal("{\"id\":\"1\",\"name\":\"one\"}\n{\"id\":\"2\",\"name\":\"two\"}\n", run.Output);
        Assert.Contains("read 2 = written 2", run.Error, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("full-sync")]
    [InlineData("continuous")]
    public async Task A_reader_that_goes_away_is_told_in_one_sentence_and_not_waited_for(string mode)
    {
        CsvCopy.Write(_folder, 100_000);
        using var espipe = _folder.Start(new EspipeStart { ReadsOutput = false }, ["--source", "csv", "--sink", "jsonl", "--csv-file", "in.csv", "--output-file", "-", "--mode", mode]);
        await espipe.UntilErrorAsync("Job ");
        espipe.CloseOutput();
        var run = (await espipe.EndAsync()).Ended(1);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
        Assert.Contains("file.broken_off", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_key_that_comes_again_is_written_once_and_nothing_is_left_beside_a_standard_output()
    {
        const int Rows = 150_000;
        CsvCopy.Write(_folder, Rows);
        await File.AppendAllTextAsync(_folder.File("in.csv"), (await File.ReadAllLinesAsync(_folder.File("in.csv"), TestContext.Current.CancellationToken))[1] + "\n", TestContext.Current.CancellationToken);
        var run = (await _folder.RunAsync("--source", "csv", "--sink", "jsonl", "--csv-file", "in.csv", "--output-file", "-", "--log-file", "none", "--quiet")).Ended(0);
        Assert.Equal(Rows, run.Output.Count(c => c == '\n'));
        Assert.Contains("unchanged 1 ", run.Error, StringComparison.Ordinal);
        Assert.Equal([".espipe", "in.csv"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Theory]
    [InlineData("-")]
    [InlineData("/dev/stdin")]
    public async Task The_systems_names_of_the_standard_streams_mean_them(string input)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "Only Linux is known to have these names.");
        using var espipe = _folder.Start("--source", "csv", "--sink", "jsonl", "--csv-file", input, "--output-file", "/dev/stdout");
        await espipe.Input.WriteAsync("id,name\n1,one\n2,two");
        espipe.Input.Close();
        var run = (await espipe.EndAsync()).Ended(0);
        Assert.Equal("{\"id\":\"1\",\"name\":\"one\"}\n{\"id\":\"2\",\"name\":\"two\"}\n", run.Output);
        Assert.Contains("read 2 = written 2", run.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Changes_of_a_file_that_was_empty_are_in_the_output_when_they_are_counted_as_written()
    {
        string[] arguments = ["--source", "jsonl", "--sink", "csv", "--jsonl-file", "in.jsonl", "--output-file", "out.csv"];
        _folder.Write("in.jsonl", "");
        (await _folder.RunAsync(arguments)).Ended(0);
        _folder.Write("in.jsonl", "{\"id\":\"1\",\"a\":2}\n");
        Assert.Contains("written 1 ", (await _folder.RunAsync(arguments)).Ended(0).Said, StringComparison.Ordinal);
        Assert.Equal("id,a\n1,2\n", await File.ReadAllTextAsync(_folder.File("out.csv"), TestContext.Current.CancellationToken));
        Assert.Equal([".espipe", "in.jsonl", "out.csv", "pipeline.log"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName).Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_run_that_would_read_its_own_output_is_refused_before_anything_is_written()
    {
        _folder.Write("in.jsonl", "{\"id\":\"1\"}\n");
        var run = (await _folder.RunAsync("--source", "jsonl", "--sink", "jsonl", "--jsonl-file", "*.jsonl", "--output-file", "out.jsonl")).Ended(1);
        Assert.Contains("file.own_output", run.Said, StringComparison.Ordinal);
        Assert.False(File.Exists(_folder.File("out.jsonl")));
    }

    public void Dispose() => _folder.Dispose();
}
