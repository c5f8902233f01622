using System.Text.Json;
using System.Xml.Linq;

namespace EsPipeline.Cli.Tests.Plan;

public sealed class PlanTests : IDisposable
{
    private const string Broken = "B-1,too,few";
    private readonly EspipeFolder _folder = new();

    public PlanTests()
    {
        // Nobody listens on port 1: what Firestore refuses is known without it.
        _folder.Environment["FIRESTORE_EMULATOR_HOST"] = "127.0.0.1:1";
        _folder.Environment["FIREBASE_PROJECT_ID"] = "plan";
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_broken_row_an_oversized_row_and_a_key_that_comes_again_are_told_with_their_lines_and_nothing_is_written()
    {
        var last = WriteQuickstart();
        var before = Snapshot();
        var plan = (await PlanAsync()).Ended(3);
        Assert.Equal(before, Snapshot());
        Assert.Contains($"orders.csv line {last + 1}, ", plan.Output, StringComparison.Ordinal);
        Assert.Contains("csv.field_count", plan.Output, StringComparison.Ordinal);
        Assert.Contains($"orders.csv line {last + 2}, key B-2: ", plan.Output, StringComparison.Ordinal);
        Assert.Contains("firestore.value_too_large", plan.Output, StringComparison.Ordinal);
        Assert.Contains($"orders.csv line {last + 3}, key A-10001: first at orders.csv line 2", plan.Output, StringComparison.Ordinal);
        Assert.Contains("billed writes", plan.Output, StringComparison.Ordinal);
        Assert.Contains("The sink was not reached", plan.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task As_JSON_it_is_one_document_with_the_same_figures()
    {
        var last = WriteQuickstart();
        var plan = (await PlanAsync("--format", "json")).Ended(3);
        using var json = JsonDocument.Parse(plan.Output);
        var root = json.RootElement;
        Assert.Equal(2, root.GetProperty("would_fail").GetInt64());
        Assert.Equal(root.GetProperty("read").GetInt64(), root.GetProperty("to_write").GetInt64() + 2);
        Assert.Equal(root.GetProperty("to_write").GetInt64(), root.GetProperty("billed_writes").GetInt64());
        var places = root.GetProperty("problems").EnumerateArray().ToDictionary(
            p => p.GetProperty("code").GetString()!, p => p.GetProperty("worst")[0].GetProperty("place").GetString());
        Assert.Equal($"orders.csv line {last + 1}", places["csv.field_count"]);
        Assert.Equal($"orders.csv line {last + 2}", places["firestore.value_too_large"]);
        var duplicate = root.GetProperty("duplicates").GetProperty("first")[0];
        Assert.Equal(("orders.csv line 2", $"orders.csv line {last + 3}"), (duplicate.GetProperty("first_place").GetString(), duplicate.GetProperty("place").GetString()));
        Assert.Equal("firestore.connection", root.GetProperty("sink_problem").GetProperty("code").GetString());
    }

    [Fact]
    public async Task As_JUnit_it_is_a_report_whose_counts_agree_with_its_cases()
    {
        var last = WriteQuickstart();
        var plan = (await PlanAsync("--format", "junit")).Ended(3);
        var suites = XDocument.Parse(plan.Output).Root!;
        Assert.Equal("testsuites", suites.Name);
        var suite = Assert.Single(suites.Elements());
        Assert.Equal("testsuite", suite.Name);
        var cases = suite.Elements("testcase").ToArray();
        Assert.Equal((int)suite.Attribute("tests")!, cases.Length);
        Assert.Equal((int)suite.Attribute("failures")!, cases.Count(c => c.Element("failure") is not null));
        Assert.Equal((int)suite.Attribute("skipped")!, cases.Count(c => c.Element("skipped") is not null));
        Assert.All(cases, c => Assert.False(string.IsNullOrEmpty((string?)c.Attribute("name")) || string.IsNullOrEmpty((string?)c.Attribute("classname"))));
        var failures = cases.Elements("failure").ToDictionary(f => (string)f.Attribute("type")!, f => f.Value);
        Assert.Equal(["csv.field_count", "firestore.value_too_large"], failures.Keys.Order());
        Assert.Contains($"orders.csv line {last + 1}", failures["csv.field_count"], StringComparison.Ordinal);
        Assert.Contains($"orders.csv line {last + 3}, key A-10001", suite.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Text_that_XML_can_not_hold_is_shown_by_its_numbers()
    {
        _folder.Write("in.csv", "id,name\n\"a\u0001<&>\",x\n\"a\u0001<&>\",y\n");
        var plan = (await _folder.RunAsync(["plan", "--format", "junit", .. CsvCopy.Arguments()])).Ended(0);
        Assert.Contains(@"key a\x01<&>: first at in.csv line 2", XDocument.Parse(plan.Output).Root!.Value, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_plan_in_which_nothing_fails_ends_with_0_and_the_run_does_what_it_said()
    {
        CsvCopy.Write(_folder, 300);
        var plan = (await _folder.RunAsync(["plan", "--format", "json", .. CsvCopy.Arguments()])).Ended(0);
        Assert.Equal(["in.csv"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
        using var json = JsonDocument.Parse(plan.Output);
        Assert.Equal(300, json.RootElement.GetProperty("to_write").GetInt64());
        (await _folder.RunAsync(CsvCopy.Arguments())).Ended(0);
        Assert.Equal(300, CsvCopy.Lines(_folder).Length);
    }

    [Fact]
    public async Task A_field_that_the_CSV_output_has_no_column_for_is_found_by_the_sink_s_own_code()
    {
        _folder.Write("in.jsonl", """
            {"id":"1","name":"one"}
            {"id":"2","name":"two","other":1}
            """);
        string[] ends = ["--source", "jsonl", "--jsonl-file", "in.jsonl", "--sink", "csv", "--output-file", "out.csv"];
        (await _folder.RunAsync(["plan", .. ends])).Ended(0);
        File.WriteAllText(_folder.File("in.jsonl"), string.Concat(Enumerable.Range(0, 10_000).Select(i => $$"""{"id":"{{i}}","name":"x"}""" + "\n"))
            + """{"id":"late","name":"two","other":1}""" + "\n");
        var plan = (await _folder.RunAsync(["plan", .. ends, "--batch-size", "1000"])).Ended(3);
        Assert.Contains("in.jsonl line 10001, key late: It has the field 'other'", plan.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_sink_that_a_run_would_end_with_at_once_ends_the_plan_with_1()
    {
        CsvCopy.Write(_folder, 3);
        Directory.CreateDirectory(_folder.File("out.jsonl"));
        var plan = (await _folder.RunAsync(["plan", .. CsvCopy.Arguments()])).Ended(1);
        Assert.Contains("A run would end at once: ", plan.Output, StringComparison.Ordinal);
    }

    private static string Quickstart()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "EsPipeline.sln"))) folder = Path.GetDirectoryName(folder)!;
        return File.ReadAllText(Path.Combine(folder, "samples", "quickstart", "orders.csv"));
    }

    // Returns the number of the quickstart's last line; a broken, an oversized and a repeated row follow it.
    private int WriteQuickstart()
    {
        var text = Quickstart();
        Assert.EndsWith("\n", text, StringComparison.Ordinal);
        var oversized = $"B-2,Ana,Oslo,Lamp,1,2.50,2024-01-01T00:00:00Z,{new string('x', 1_100_000)}";
        _folder.Write("orders.csv", $"{text}{Broken}\n{oversized}\n{text.Split('\n')[1]}\n");
        return text.Count(c => c == '\n');
    }

    private Task<EspipeResult> PlanAsync(params string[] more) =>
        _folder.RunAsync(["plan", "--source", "csv", "--csv-file", "orders.csv", "--sink", "firestore", "--firestore-collection", "orders", .. more]);

    private string[] Snapshot() =>
        [.. Directory.EnumerateFileSystemEntries(_folder.Path, "*", SearchOption.AllDirectories).Order().Select(f => $"{f} {File.GetLastWriteTimeUtc(f):O}")];
}
