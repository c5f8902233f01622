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

    [Fact]
    public async Task A_reader_that_goes_away_is_told_in_one_sentence()
    {
        CsvCopy.Write(_folder, 100_000);
        using var espipe = _folder.Start(new EspipeStart { ReadsOutput = false }, ["--source", "csv", "--sink", "jsonl", "--csv-file", "in.csv", "--output-file", "-"]);
        await espipe.UntilErrorAsync("Job ");
        espipe.CloseOutput();
        var run = (await espipe.EndAsync()).Ended(1);
        Assert.DoesNotContain("   at ", run.Error, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
