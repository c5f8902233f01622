namespace EsPipeline.Cli.Tests;

public sealed class TypoTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    [Theory]
    [InlineData("--sorce", "--source")]
    [InlineData("--csv-fiel", "--csv-file")]
    [InlineData("--csv_delimeter", "--csv-delimiter")]
    [InlineData("--es-indx", "--es-index")]
    [InlineData("--sink-firestore-colection", "--sink-firestore-collection")]
    public async Task A_mistyped_option_is_answered_with_the_nearest_one_and_its_value_is_not_repeated(string typed, string meant)
    {
        var run = (await _folder.RunAsync(CsvCopy.Arguments(typed, "s3cret-value"))).Ended(2);
        Assert.Equal($"espipe: {typed}: there is no such option; did you mean {meant}?", Assert.Single(run.Complaints));
        Assert.DoesNotContain("s3cret-value", run.Said, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("plan --format csv", "--format: 'csv' is none of table, json, junit.")]
    [InlineData("status --runs abc", "--runs: 'abc' is not a whole number of at least 1.")]
    [InlineData("status --runs 0", "--runs: '0' is not a whole number of at least 1.")]
    [InlineData("verify --examples 51", "--examples: '51' is not a whole number from 0 to 50.")]
    [InlineData("dead-letters", "dead-letters: give one of list, show, replay, drop.")]
    [InlineData("dead-letters lst", "lst: there is no such command; did you mean list?")]
    [InlineData("dead-letters show --cdoe x", "--cdoe: there is no such option; did you mean --code?")]
    [InlineData("verify --repare", "--repare: there is no such option; did you mean --repair?")]
    [InlineData("health-check", "health-check: there is no such command; did you mean --mode health-check?")]
    [InlineData("completion tcsh", "completion: 'tcsh' is none of bash, zsh, fish.")]
    [InlineData("--sink-es-follow time", "--sink-es-follow: there is no such option of a sink; --es-follow is the source's.")]
    [InlineData("--source csv --csv-file in.csv --sink elasticsearch --es-index i --sink-es-url http://x", "--sink-es-url: the source is csv, so for the sink it is --es-url.")]
    [InlineData("--source csv --csv-file in.csv --sink jsonl --output-file o --job a/b", "--job: 'a/b' can't be a job's name: that is up to 100 letters, digits, '.', '_' and '-', and begins with no dot.")]
    public async Task What_is_wrong_with_a_command_is_one_sentence(string line, string complaint) =>
        Assert.Equal("espipe: " + complaint, Assert.Single((await _folder.RunAsync(line.Split(' '))).Ended(2).Complaints));

    [Fact]
    public async Task A_mistyped_command_is_answered_with_the_nearest_one() =>
        Assert.Equal(
            "espipe: chekpoint: there is no such command; did you mean checkpoint?",
            Assert.Single((await _folder.RunAsync("chekpoint")).Ended(2).Complaints));

    [Theory]
    [InlineData("--source", "elasticsaerch", "elasticsearch")]
    [InlineData("--sink", "firstore", "firestore")]
    public async Task A_mistyped_system_is_answered_with_the_nearest_one(string option, string typed, string meant)
    {
        var run = (await _folder.RunAsync([.. CsvCopy.Arguments(), option, typed])).Ended(2);
        Assert.Contains(run.Complaints, c => c.StartsWith($"espipe: {option}: there is no {option[2..]} '{typed}'; did you mean {meant}?", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_mistyped_environment_name_is_answered_with_the_nearest_one_wherever_it_stands()
    {
        CsvCopy.Write(_folder, 3);
        _folder.Environment["ESPIPE_SORCE"] = "csv";
        _folder.Write(".env", "ESPIPE_STAET=elsewhere\n");
        var run = (await _folder.RunAsync(CsvCopy.Arguments())).Ended(2);
        Assert.Contains("espipe: ESPIPE_SORCE: there is no such environment name; did you mean ESPIPE_SOURCE?", run.Complaints);
        Assert.Contains("espipe: ESPIPE_STAET: there is no such environment name; did you mean ESPIPE_STATE?", run.Complaints);
        Assert.False(File.Exists(_folder.File("out.jsonl")));
    }

    [Fact]
    public async Task An_option_of_a_system_that_is_not_used_is_a_mistake()
    {
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--es-index", "orders"))).Ended(2);
        Assert.Contains("neither the source csv nor the sink jsonl uses it", Assert.Single(run.Complaints), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--pg-follow", "changes")]
    [InlineData("--pg-slot", "mine")]
    [InlineData("--pg-publication", "mine")]
    [InlineData("--pg-updated-column", "updated")]
    [InlineData("--pg-documents", "documents.yaml")]
    [InlineData("--pg-truncate", "keep")]
    [InlineData("--pg-max-slot-bytes", "1000")]
    public async Task An_option_of_reading_is_a_mistake_where_the_system_is_only_written(string option, string value)
    {
        _folder.Write("documents.yaml", "root: t\ndocument: SELECT 1 WHERE id = ANY(@keys)\n");
        var run = (await _folder.RunAsync("--source", "csv", "--csv-file", "in.csv", "--sink", "postgres", "--config-check", option, value)).Ended(2);
        Assert.Contains(run.Complaints, c => c.StartsWith($"espipe: {option}: neither the source csv nor the sink postgres uses it; it belongs to source postgres", StringComparison.Ordinal));
        Assert.Contains("espipe: --pg-table: give the table.", run.Complaints);
    }

    [Theory]
    [InlineData("--source mysql --db-table t --sink jsonl --output-file o.jsonl", "--db-write", "upsert", "neither the source mysql nor the sink jsonl uses it; it belongs to sink mysql")]
    [InlineData("--source csv --csv-file in.csv --sink mysql --db-table t", "--db-updated-column", "u", "neither the source csv nor the sink mysql uses it; it belongs to source mysql")]
    [InlineData("--source firestore --firestore-project p --firestore-collection c --sink jsonl --output-file o.jsonl", "--firestore-rate", "100", "neither the source firestore nor the sink jsonl uses it; it belongs to sink firestore")]
    [InlineData("--source firestore --firestore-project p --firestore-collection c --sink jsonl --output-file o.jsonl", "--firestore-max-rate", "100", "neither the source firestore nor the sink jsonl uses it; it belongs to sink firestore")]
    public async Task An_option_of_one_end_is_a_mistake_where_the_system_is_the_other(string ends, string option, string value, string complaint)
    {
        var run = (await _folder.RunAsync([.. ends.Split(' '), "--config-check", option, value])).Ended(2);
        Assert.Contains(run.Complaints, c => c.StartsWith($"espipe: {option}: {complaint}", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("", true)]
    [InlineData("--sink-firestore-values json", true)]
    [InlineData("--firestore-values typed --sink-firestore-values json", false)]
    public async Task Both_ends_of_a_copy_from_Firestore_to_Firestore_have_the_same_values(string options, bool agree)
    {
        const string Ends = "--source firestore --firestore-project p --firestore-collection a --sink firestore --sink-firestore-project p --sink-firestore-collection b";
        var run = (await _folder.RunAsync([.. Ends.Split(' '), "--config-check", .. options.Split(' ', StringSplitOptions.RemoveEmptyEntries)])).Ended(agree ? 0 : 2);
        Assert.Equal(!agree, run.Complaints.Any(c => c.Contains("--firestore-values and --sink-firestore-values: both ends need the same", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task An_option_without_its_value_does_not_take_the_next_option_for_it()
    {
        var run = (await _folder.RunAsync("--source", "csv", "--csv-file", "--sink", "jsonl", "--output-file", "out.jsonl")).Ended(2);
        Assert.Contains("espipe: --csv-file: it needs a value before --sink.", run.Complaints);
    }

    [Theory]
    [InlineData("NOT A LINE")]
    [InlineData("NAME=\"no end")]
    public async Task A_bad_env_file_is_named_with_its_line_and_nothing_is_done(string line)
    {
        CsvCopy.Write(_folder, 3);
        _folder.Write(".env", $"# fine\n{line}\n");
        var run = (await _folder.RunAsync(CsvCopy.Arguments())).Ended(2);
        Assert.Contains(".env", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Contains("2", run.Complaints[0], StringComparison.Ordinal);
        Assert.Equal([".env", "in.csv"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(p => Path.GetFileName(p)).Order());
    }

    [Fact]
    public async Task An_env_file_that_is_asked_for_has_to_be_there() =>
        Assert.Contains("elsewhere.env", Assert.Single((await _folder.RunAsync(CsvCopy.Arguments("--env-file", "elsewhere.env"))).Ended(2).Complaints), StringComparison.Ordinal);

    public void Dispose() => _folder.Dispose();
}
