using System.Text.Json;

namespace EsPipeline.Cli.Tests.Verify;

/// <summary><c>espipe verify</c> between files.</summary>
public sealed class VerifyTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("csv", "jsonl")]
    [InlineData("csv", "csv")]
    [InlineData("csv", "file")]
    [InlineData("jsonl", "jsonl")]
    [InlineData("jsonl", "csv")]
    [InlineData("jsonl", "file")]
    public async Task After_a_copy_both_ends_are_the_same_and_what_is_changed_lost_or_added_is_found(string source, string sink)
    {
        var arguments = Write(source, sink);
        (await _folder.RunAsync(arguments)).Ended(0);
        var before = Snapshot();
        var clean = (await _folder.RunAsync(["verify", .. arguments])).Ended(0);
        Assert.Equal(before, Snapshot());
        Assert.Contains("Both ends are the same.", clean.Output, StringComparison.Ordinal);
        Assert.Contains("equal       300", clean.Output, StringComparison.Ordinal);

        // The second line of documents goes, the fourth changes, and one comes that nobody knows.
        var lines = CsvCopy.Lines(_folder, "out").ToList();
        lines.Add(lines[^1].Replace("k0000299", "nobody's", StringComparison.Ordinal));
        var first = sink == "csv" ? 1 : 0;
        lines[first + 3] = lines[first + 3].Replace("item", "thing", StringComparison.Ordinal);
        lines.RemoveAt(first + 1);
        _folder.Write("out", string.Join('\n', lines) + "\n");
        var result = await ReportAsync(arguments, 3);
        Assert.Equal(["k0000001"], Keys(result, "missing"));
        Assert.Equal(["k0000003"], Keys(result, "different"));
        Assert.Equal(["nobody's"], Keys(result, "extra"));
        Assert.Equal(298, result.GetProperty("equal").GetInt64());
        Assert.StartsWith("name: ", result.GetProperty("different").GetProperty("first")[0].GetProperty("differences")[0].GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_that_come_again_and_rows_that_can_not_be_read_are_no_difference_but_the_latter_are_told()
    {
        _folder.Write("in", "id,name\na,1\nb,2\na,3\nonly-one-value\nc,4\nb,2\n");
        string[] arguments = ["--source", "csv", "--sink", "jsonl", "--csv-file", "in", "--output-file", "out"];
        (await _folder.RunAsync(arguments)).Ended(3);
        var result = await ReportAsync(arguments, 3);
        Assert.Equal((0, 0, 0), (Keys(result, "missing").Length, Keys(result, "different").Length, Keys(result, "extra").Length));
        Assert.Equal(3, result.GetProperty("equal").GetInt64());
        var problem = Assert.Single(result.GetProperty("not_taken").EnumerateArray());
        Assert.Equal(("csv.field_count", 1), (problem.GetProperty("code").GetString(), problem.GetProperty("count").GetInt32()));
        Assert.Equal("in line 5", problem.GetProperty("worst")[0].GetProperty("place").GetString());
    }

    [Fact]
    public async Task The_rules_of_the_run_apply_before_anything_is_compared()
    {
        string[] arguments = [.. Write("csv", "jsonl"), "--rename", "name=title", "--exclude-fields", "price", "--set", "kind=x"];
        (await _folder.RunAsync(arguments)).Ended(0);
        (await _folder.RunAsync(["verify", .. arguments])).Ended(0);
        (await _folder.RunAsync(["verify", .. arguments[..^1], "kind=y"])).Ended(3);
    }

    [Fact]
    public async Task A_document_whose_line_has_no_usable_id_is_told_and_not_passed_over()
    {
        _folder.Write("in", """{"key":"a","id":1}""" + "\n" + """{"key":"b","id":null}""" + "\n" + """{"key":"c"}""" + "\n");
        string[] arguments = ["--source", "jsonl", "--sink", "jsonl", "--jsonl-id-field", "key", "--jsonl-file", "in", "--output-file", "out"];
        (await _folder.RunAsync(arguments)).Ended(0);
        var result = await ReportAsync(arguments, 3);
        Assert.Equal((2, 1), (result.GetProperty("equal").GetInt32(), result.GetProperty("unreadable_in_sink").GetInt32()));
        Assert.Equal("verify.unreadable_there", Assert.Single(result.GetProperty("not_taken").EnumerateArray()).GetProperty("code").GetString());
    }

    [Fact]
    public async Task What_can_not_be_asked_for_is_told_before_anything_is_read()
    {
        var arguments = Write("csv", "jsonl");
        foreach (var (more, named) in new (string[], string)[]
        {
            (["--prune"], "--max-deletes"), (["--max-deletes", "3"], "--prune"), (["--limit", "5"], "--limit"), (["--prune", "--max-deletes", "-1"], "at least 0"),
        })
        {
            var refused = (await _folder.RunAsync(["verify", .. arguments, .. more])).Ended(2);
            Assert.Contains(named, refused.Error, StringComparison.Ordinal);
        }

        var append = (await _folder.RunAsync(["verify", .. arguments, "--repair"])).Ended(1);
        Assert.Contains("verify.cannot_repair", append.Error, StringComparison.Ordinal);
        Assert.Contains("file.not_found", (await _folder.RunAsync(["verify", .. arguments])).Ended(1).Error, StringComparison.Ordinal);
        Assert.Equal(["in"], Directory.EnumerateFileSystemEntries(_folder.Path).Select(Path.GetFileName));
    }

    [Fact]
    public async Task Standard_output_can_not_be_read_back()
    {
        _ = Write("csv", "jsonl");
        var refused = (await _folder.RunAsync("verify", "--source", "csv", "--sink", "jsonl", "--csv-file", "in", "--output-file", "-")).Ended(1);
        Assert.Contains("verify.not_comparable", refused.Error, StringComparison.Ordinal);
    }

    private string[] Write(string source, string sink)
    {
        if (source == "csv") CsvCopy.Write(_folder, 300, "in");
        else _folder.Write("in", string.Concat(Enumerable.Range(0, 300).Select(i => $$$"""{"id":"k{{{i:0000000}}}","name":"item","n":{{{i}}},"deep":{"a":[1.50,null,"ü"]}}""" + "\n")));
        return ["--source", source, "--sink", sink, $"--{source}-file", "in", "--output-file", "out"];
    }

    private async Task<JsonElement> ReportAsync(string[] arguments, int code)
    {
        var ended = (await _folder.RunAsync(["verify", "--format", "json", .. arguments])).Ended(code);
        using var json = JsonDocument.Parse(ended.Output);
        return json.RootElement.Clone();
    }

    private static string[] Keys(JsonElement result, string kind) =>
        [.. result.GetProperty(kind).GetProperty("first").EnumerateArray().Select(e => e.GetProperty("key").GetString()!)];

    private string[] Snapshot() => [.. _folder.AllFiles().Select(f => $"{f.Path}: {f.Text}").Order(StringComparer.Ordinal)];
}
