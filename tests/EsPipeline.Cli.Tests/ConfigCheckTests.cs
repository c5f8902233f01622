namespace EsPipeline.Cli.Tests;

public sealed class ConfigCheckTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    // Names that earlier releases have given: what is saved under them is found again.
    [Theory]
    [InlineData("postgres-jsonl-f4b66715", "--source postgres --pg-table t --pg-follow changes --pg-slot s --pg-updated-column u --sink jsonl --output-file o.jsonl")]
    [InlineData("postgres-postgres-e96f642b", "--source postgres --pg-table t --pg-follow changes --pg-slot s --pg-updated-column u --sink postgres --sink-pg-table c")]
    [InlineData("csv-postgres-5d3e754c", "--source csv --csv-file in.csv --sink postgres --pg-table c --pg-shape columns")]
    public async Task A_job_keeps_the_name_that_it_always_had(string job, string arguments)
    {
        var run = (await _folder.RunAsync([.. arguments.Split(' '), "--config-check"])).Ended(0);
        Assert.Contains($" job {job}\n", run.Output, StringComparison.Ordinal);
    }

    // What a job begins with says nothing of what it goes on with.
    [Fact]
    public async Task A_first_look_back_and_the_looks_after_it_are_one_job()
    {
        string[] ends = ["--source", "elasticsearch", "--es-index", "i", "--sink", "jsonl", "--output-file", "o", "--mode", "single", "--config-check"];
        var plain = JobOf(await _folder.RunAsync(ends));
        Assert.Equal(plain, JobOf(await _folder.RunAsync([.. ends, "--since", "30d"])));

        static string JobOf(EsPipeline.Conformance.EspipeResult run) => run.Ended(0).Output.Split('\n')[0].Split(' ')[^1];
    }

    [Fact]
    public async Task It_shows_every_value_with_its_origin_does_nothing_and_ends_with_0()
    {
        CsvCopy.Write(_folder, 3);
        _folder.Environment["BATCH_SIZE"] = "77";
        _folder.Write(".env", "ESPIPE_THREADS=3\n");
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--config-check", "--limit", "5"))).Ended(0);
        Assert.Matches(@"(?m)^--batch-size +77 +environment BATCH_SIZE$", run.Output);
        Assert.Matches(@"(?m)^--threads +3 +\.env file ESPIPE_THREADS$", run.Output);
        Assert.Matches(@"(?m)^--limit +5 +command line$", run.Output);
        Assert.Matches(@"(?m)^--interval +30s +default$", run.Output);
        foreach (var option in OptionCatalog.Run) Assert.Matches($"(?m)^{option.DisplayName} ", run.Output);
        Assert.Contains("The configuration is valid.", run.Output, StringComparison.Ordinal);
        Assert.Equal([".env", "in.csv"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(p => Path.GetFileName(p)).Order());
    }

    [Fact]
    public async Task It_shows_every_mistake_and_ends_with_2()
    {
        _folder.Environment["ESPIPE_THREADS"] = "none";
        _folder.Write(".env", "RATE_LIMIT=fast\nESPIPE_MOED=single\n");
        var run = (await _folder.RunAsync("--source", "csv", "--sink", "jsonl", "--config-check", "--shard", "4/4", "--set", "no-value")).Ended(2);
        foreach (var name in new[] { "ESPIPE_THREADS", "RATE_LIMIT", "ESPIPE_MOED", "--shard", "--csv-file", "--output-file", "--set" })
        {
            Assert.Contains(run.Complaints, c => c.StartsWith($"espipe: {name}:", StringComparison.Ordinal));
        }
    }

    [Theory]
    [InlineData("--interval")]
    [InlineData("--retry-delay")]
    [InlineData("--checkpoint-interval")]
    [InlineData("--max-runtime")]
    [InlineData("--shutdown-timeout")]
    public async Task A_duration_that_no_timer_can_wait_is_a_mistake(string option)
    {
        CsvCopy.Write(_folder, 3);
        var run = (await _folder.RunAsync(CsvCopy.Arguments(option, "50d"))).Ended(2);
        Assert.StartsWith($"espipe: {option}: ", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Contains("of at most 49d", run.Error, StringComparison.Ordinal);
        (await _folder.RunAsync(CsvCopy.Arguments(option, "49d"))).Ended(0);
    }

    [Fact]
    public async Task Parts_without_the_number_of_this_one_are_a_mistake()
    {
        CsvCopy.Write(_folder, 3);
        _folder.Environment["ESPIPE_SHARDS"] = "4";
        var run = (await _folder.RunAsync(CsvCopy.Arguments())).Ended(2);
        var complaint = Assert.Single(run.Complaints, c => c.StartsWith("espipe: ESPIPE_SHARDS:", StringComparison.Ordinal));
        Assert.Contains("JOB_COMPLETION_INDEX", complaint, StringComparison.Ordinal);
        (await _folder.RunAsync(CsvCopy.Arguments("--config-check", "--shard", "2/3"))).Ended(0);
    }

    [Fact]
    public async Task Credentials_are_stars()
    {
        _folder.Environment["ELASTICSEARCH_PASSWORD"] = "open-sesame";
        var run = await _folder.RunAsync("--source", "elasticsearch", "--sink", "jsonl", "--config-check");
        Assert.Matches(@"(?m)^--es-pass +\*\*\* +environment ELASTICSEARCH_PASSWORD$", run.Output);
    }

    public void Dispose() => _folder.Dispose();
}
