using System.Text.Json;

namespace EsPipeline.Cli.Tests;

/// <summary>The commands that work with what a job has left behind.</summary>
public sealed class JobCommandTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    [Fact]
    public async Task Options_that_name_another_job_than_the_one_that_has_state_change_nothing()
    {
        CsvCopy.Write(_folder, 3);
        CsvCopy.Write(_folder, 3, "other.csv");
        (await _folder.RunAsync(CsvCopy.Arguments())).Ended(0);
        var job = Path.GetFileName(Assert.Single(Directory.GetDirectories(_folder.File(".espipe"))));
        string[][] commands = [["checkpoint", "reset"], ["checkpoint", "show"], ["dead-letters", "drop"], ["dead-letters", "replay"], ["status"]];
        foreach (var command in commands)
        {
            var refused = (await _folder.RunAsync([.. command, "--source", "csv", "--csv-file", "other.csv", "--sink", "jsonl", "--output-file", "out.jsonl"])).Ended(2);
            Assert.Contains(job, refused.Error, StringComparison.Ordinal);
            Assert.Contains("--job", refused.Error, StringComparison.Ordinal);
        }

        // Its own options name it, and where nothing names a job it is the only one.
        Assert.Contains("records", (await _folder.RunAsync(["checkpoint", "show", .. CsvCopy.Arguments()])).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("records", (await _folder.RunAsync("checkpoint", "show")).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_name_that_nothing_reads_may_have_meant_another_state_and_nothing_is_changed()
    {
        CsvCopy.Write(_folder, 3);
        (await _folder.RunAsync(CsvCopy.Arguments("--job", "orders"))).Ended(0);
        _folder.Environment["ESPIPE_STAET"] = "elsewhere";
        string[][] commands = [["checkpoint", "reset"], ["checkpoint", "set", "--partition", "in.csv", "--position", "f1:0"], ["dead-letters", "drop"], ["status"]];
        foreach (var command in commands)
        {
            var refused = (await _folder.RunAsync([.. command, "--job", "orders"])).Ended(2);
            Assert.Contains("ESPIPE_STAET: there is no such environment name; did you mean ESPIPE_STATE?", refused.Error, StringComparison.Ordinal);
        }

        _folder.Environment.Remove("ESPIPE_STAET");
        Assert.Contains("3 records", (await _folder.RunAsync("checkpoint", "show", "--job", "orders")).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_check_of_the_configuration_changes_nothing_whatever_the_command()
    {
        _folder.Write("in.csv", "id,name\n1,one\n,no key\n");
        string[] ends = ["--source", "csv", "--csv-file", "in.csv", "--sink", "jsonl", "--output-file", "out.jsonl", "--job", "orders"];
        (await _folder.RunAsync(ends)).Ended(3);
        var before = Files();
        string[][] commands =
        [
            [], ["plan"], ["verify"], ["monitor"], ["status"], ["checkpoint", "list"], ["checkpoint", "show"], ["checkpoint", "reset"],
            ["checkpoint", "set", "--partition", "in.csv", "--position", "f1:0"], ["dead-letters", "list"], ["dead-letters", "drop"], ["dead-letters", "replay"],
        ];
        foreach (var command in commands)
        {
            Assert.Contains("The configuration is valid.", (await _folder.RunAsync([.. command, .. ends, "--config-check"])).Ended(0).Output, StringComparison.Ordinal);
            Assert.Equal(before, Files());
        }

        string Files() => string.Join('\n', Directory.EnumerateFiles(_folder.Path, "*", SearchOption.AllDirectories).Order().Select(f => $"{f} {Convert.ToHexString(File.ReadAllBytes(f))}"));
    }

    [Fact]
    public async Task Names_of_services_that_a_container_finds_beside_it_are_nobodys_mistake()
    {
        CsvCopy.Write(_folder, 3);
        foreach (var (name, value) in new[]
        {
            ("ESPIPE_SERVICE_HOST", "10.0.0.1"), ("ESPIPE_SERVICE_PORT", "80"), ("ESPIPE_PORT", "tcp://10.0.0.1:80"), ("ESPIPE_PORT_80_TCP", "tcp://10.0.0.1:80"),
            ("ESPIPE_ORDERS_SERVICE_PORT_HTTP", "80"), ("ELASTICSEARCH_PORT", "tcp://10.0.0.2:9200"), ("DB_PORT", "tcp://10.0.0.3:3306"),
        }) _folder.Environment[name] = value;
        (await _folder.RunAsync(CsvCopy.Arguments())).Ended(0);
        (await _folder.RunAsync("--es-index", "i", "--sink", "mysql", "--db-user", "u", "--db-name", "d", "--db-table", "t", "--config-check")).Ended(0);
    }

    [Fact]
    public async Task Jobs_may_share_a_file_of_dead_letters_and_each_has_its_own()
    {
        _folder.Write("in.csv", "id,name\n1,one\n,no key\n");
        foreach (var job in (string[])["a", "b"])
        {
            (await _folder.RunAsync("--source", "csv", "--sink", "jsonl", "--csv-file", "in.csv", "--output-file", $"{job}.jsonl", "--job", job, "--dead-letters", "all.jsonl")).Ended(3);
        }


        Assert.Contains("1 dead letters", (await _folder.RunAsync("dead-letters", "list", "--job", "a", "--dead-letters", "all.jsonl")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("2 dead letters", (await _folder.RunAsync("dead-letters", "list", "--dead-letters", "all.jsonl")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("dropped 1", (await _folder.RunAsync("dead-letters", "drop", "--job", "a", "--dead-letters", "all.jsonl")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("1 dead letters", (await _folder.RunAsync("dead-letters", "list", "--job", "b", "--dead-letters", "all.jsonl")).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task The_command_that_a_run_prints_for_its_letters_is_one_that_works()
    {
        _folder.Write("in file.csv", "id,n\n1,a\n2\n");
        var run = (await _folder.RunAsync("--source", "csv", "--csv-file", "in file.csv", "--sink", "jsonl", "--output-file", "out.jsonl", "--simple-errors")).Ended(3);
        const string quoted = "'in file.csv'";
        var line = run.Error.Split('\n').Select(l => l.Trim()).Single(l => l.StartsWith("espipe dead-letters replay", StringComparison.Ordinal));
        Assert.Contains(quoted, line, StringComparison.Ordinal);
        var words = line.Replace(quoted, "?", StringComparison.Ordinal).Split(' ')[1..].Select(w => w == "?" ? "in file.csv" : w);
        Assert.StartsWith("replayed 0, refused again 0, malformed 1", (await _folder.RunAsync(words)).Ended(3).Output, StringComparison.Ordinal);
        var bare = (await _folder.RunAsync("dead-letters", "replay")).Ended(2);
        Assert.Contains("Give the options that the job runs with", Assert.Single(bare.Complaints), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("health-check")]
    [InlineData("single")]
    [InlineData("full-sync")]
    [InlineData("continuous")]
    public async Task A_mode_that_is_set_for_the_job_is_no_hindrance_to_its_other_commands(string mode)
    {
        CsvCopy.Write(_folder, 3);
        (await _folder.RunAsync(CsvCopy.Arguments("--job", "j", "--mode", "full-sync"))).Ended(0);
        _folder.Environment["ESPIPE_MODE"] = mode;
        string[][] commands = [["plan"], ["verify"], ["status"], ["checkpoint", "show"], ["dead-letters", "show"], ["dead-letters", "replay"], ["dead-letters", "drop"]];
        foreach (var command in commands) (await _folder.RunAsync([.. command, .. CsvCopy.Arguments("--job", "j")])).Ended(0);
    }

    [Fact]
    public async Task The_log_file_says_how_a_run_ended_and_the_screen_says_it_once()
    {
        CsvCopy.Write(_folder, 3);
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--job", "j"))).Ended(0);
        Assert.EndsWith("Job j: done; read 3 = written 3 + unchanged 0 + filtered 0 + dead_lettered 0 (balances), retries 0", File.ReadAllLines(_folder.File("pipeline.log"))[^1], StringComparison.Ordinal);
        Assert.DoesNotContain("balances", run.Error, StringComparison.Ordinal);
        var json = (await _folder.RunAsync(CsvCopy.Arguments("--job", "j", "--log-format", "json"))).Ended(0);
        var last = JsonDocument.Parse(json.Error.TrimEnd().Split('\n')[^1]).RootElement;
        Assert.Equal(("j", "done"), (last.GetProperty("job").GetString(), last.GetProperty("outcome").GetString()));
    }

    [Fact]
    public async Task A_letter_whose_document_had_line_breaks_is_dropped_and_counted_once()
    {
        _folder.Write("in.csv", "id,content\n1,\"{\n\"\"v\"\": \"\"\\ud800\"\"}\"\n");
        (await _folder.RunAsync("--source", "csv", "--csv-file", "in.csv", "--sink", "csv", "--output-file", "out.csv", "--job", "letters")).Ended(3);
        Assert.Contains("dropped 1 dead letters;", (await _folder.RunAsync("dead-letters", "drop", "--job", "letters")).Ended(0).Output, StringComparison.Ordinal);
        Assert.Contains("No dead letters", (await _folder.RunAsync("dead-letters", "list", "--job", "letters")).Ended(0).Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_json_result_is_json_whatever_characters_a_document_holds()
    {
        _folder.Write("in.csv", "id,name\n1,one\n,no key \u007f \u0085 \u009f\n");
        (await _folder.RunAsync(CsvCopy.Arguments("--job", "letters"))).Ended(3);
        var listed = (await _folder.RunAsync("dead-letters", "list", "--job", "letters", "--format", "json")).Ended(0);
        Assert.DoesNotContain(listed.Output, c => char.IsControl(c) && c != '\n');
        using var letter = JsonDocument.Parse(listed.Output);
        Assert.Contains("no key \u007f \u0085 \u009f", letter.RootElement.GetProperty("raw").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Where_both_ends_are_one_system_what_the_sink_refused_is_told_in_the_names_of_its_options()
    {
        const string letter = """{"id":"1","job":"j","partition":"p","position":"x","place":"row 1","key":"k","operation":"upsert","document":{},"code":"postgres.key_differs","reason":"It differs.","attempts":1,"time":"2024-01-01T00:00:00Z"}""";
        _folder.Write("letters.jsonl", letter + "\n");
        string[] show = ["dead-letters", "show", "--source", "postgres", "--sink", "postgres", "--sink-pg-table", "there", "--dead-letters", "letters.jsonl"];
        var shown = (await _folder.RunAsync(show)).Ended(0);
        Assert.Contains("--sink-pg-key", shown.Output, StringComparison.Ordinal);
        Assert.Contains("'\\d there'", shown.Output, StringComparison.Ordinal);

        _folder.Write("letters.jsonl", letter.Replace("\"document\":{}", "\"raw\":\"x\"", StringComparison.Ordinal) + "\n");
        Assert.DoesNotContain("--sink-pg-key", (await _folder.RunAsync(show)).Ended(0).Output, StringComparison.Ordinal);
    }

    public void Dispose() => _folder.Dispose();
}
