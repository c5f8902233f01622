using System.Text;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>Which files are read, and which are refused.</summary>
public sealed class FileChoiceTests : IDisposable
{
    private readonly Conformance.TemporaryFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("*", "a.csv", "a_1", "b.log")]
    [InlineData("*.*", "a.csv", "b.log")]
    [InlineData("a?1", "a_1")]
    [InlineData("a??1")]
    [InlineData("?.csv", "a.csv")]
    [InlineData("a*.csv", "a.csv")]
    [InlineData(".*", ".hidden.csv")]
    [InlineData(".h*.csv", ".hidden.csv")]
    [InlineData("[ab].*", "a.csv", "b.log")]
    [InlineData("[!a]*", "b.log")]
    [InlineData("[^b]*[0-9]", "a_1")]
    [InlineData("[a-]_[]1]", "a_1")]
    [InlineData("[a-c")]
    [InlineData("[.]hidden*")]
    [InlineData("a[_")]
    [InlineData("*a*[!s]*v*", "a.csv")]
    public void A_glob_means_what_a_shell_means_by_it(string glob, params string[] expected)
    {
        foreach (var name in (string[])["a.csv", "a_1", "b.log", ".hidden.csv"]) File.WriteAllText(_folder.File(name), "");
        var path = _folder.File(glob);
        if (expected.Length == 0) Assert.Equal(FilesErrors.NotFound, Assert.Throws<PipelineException>(() => InputFile.Expand([path])).Error);
        else Assert.Equal(expected, InputFile.Expand([path]).Select(f => f.Name));
    }

    [Fact]
    public void A_file_with_brackets_in_its_name_is_read_by_that_name()
    {
        foreach (var name in (string[])["a[1].csv", "a1.csv", "b[1.csv"]) Write(name, "");
        Assert.Equal(["a[1].csv"], InputFile.Expand([_folder.File("a[1].csv")]).Select(f => f.Name));
        Assert.Equal(["b[1.csv"], InputFile.Expand([_folder.File("?[1.csv")]).Select(f => f.Name));
        Assert.Equal(["a[1].csv"], InputFile.Expand([_folder.File(@"a\[*")]).Select(f => f.Name));
    }

    [Theory]
    [InlineData("in.jsonl", "in.jsonl")]
    [InlineData("in.jsonl", "link")]
    [InlineData("in.jsonl", "folder/in.jsonl")]
    [InlineData("*.jsonl", "out.jsonl")]
    [InlineData("folder/*.jsonl", "out.jsonl")]
    [InlineData("*", "out.jsonl")]
    [InlineData("out.jsonl.part", "out.jsonl")]
    public async Task What_a_run_writes_is_not_among_what_it_reads(string input, string output)
    {
        Write("in.jsonl", "{\"id\":1}\n");
        Write("out.jsonl.part", "{\"id\":1}\n");
        File.CreateSymbolicLink(_folder.File("link"), _folder.File("in.jsonl"));
        Directory.CreateSymbolicLink(_folder.File("folder"), _folder.Path);
        await using var source = Source([_folder.File(input)], output);
        Assert.Equal(FilesErrors.OwnOutput, (await source.CheckAsync(Ct)).Problem?.Error);
        Assert.Equal(FilesErrors.OwnOutput, (await Assert.ThrowsAsync<PipelineException>(() => PlanAsync(source))).Error);
    }

    [Theory]
    [InlineData("*.jsonl", "out.jsonl.gz")]
    [InlineData("*.jsonl", "other/out.jsonl")]
    [InlineData("in.jsonl", "out.jsonl")]
    [InlineData("in.jsonl", "-")]
    public async Task What_a_run_writes_elsewhere_is_no_matter(string input, string output)
    {
        Write("in.jsonl", "{\"id\":1}\n");
        Directory.CreateDirectory(_folder.File("other"));
        await using var source = Source([_folder.File(input)], output);
        Assert.Null((await source.CheckAsync(Ct)).Problem);
    }

    [Fact]
    public async Task Keys_of_lines_are_refused_where_two_files_have_one_name()
    {
        Directory.CreateDirectory(_folder.File("a"));
        Directory.CreateDirectory(_folder.File("b"));
        Write("a/x", "{\"v\":1}\n");
        Write("b/x", "{\"v\":2}\n");
        string[] files = [_folder.File("a/x"), _folder.File("b/x")];
        await using (var source = Source(files, "out", "@line"))
        {
            var problem = (await source.CheckAsync(Ct)).Problem;
            Assert.Equal(FilesErrors.SameName, problem?.Error);
            Assert.Contains($"{files[0]} and {files[1]}", problem!.Message, StringComparison.Ordinal);
        }

        await using var byField = Source(files, "out", "v");
        Assert.Null((await byField.CheckAsync(Ct)).Problem);
    }

    [Fact]
    public async Task Keys_of_lines_of_standard_input_are_the_same_in_every_run_and_a_sink_by_key_is_told()
    {
        var lines = new JsonLinesOptions { Files = ["-"], IdField = "@line" };
        await using var keyed = new JsonLinesSource(lines, TimeProvider.System, ends: new ConnectorOptions(lines, new EsPipeline.Connectors.MySql.MySqlSinkOptions()));
        Assert.Contains("replaces what the one before has copied", Assert.Single((await keyed.CheckAsync(Ct)).Warnings), StringComparison.Ordinal);
        await using var file = Source(["-"], "out", "@line");
        Assert.Empty((await file.CheckAsync(Ct)).Warnings);
    }

    [Fact]
    public async Task Rotated_files_whose_names_sort_the_wrong_way_round_are_told()
    {
        Write("app.log", "{\"id\":1}\n");
        Write("app.log.1", "{\"id\":1}\n");
        await using var source = Source([_folder.File("app.log*")], "out");
        File.SetLastWriteTimeUtc(_folder.File("app.log"), new DateTime(2024, 1, 2));
        File.SetLastWriteTimeUtc(_folder.File("app.log.1"), new DateTime(2024, 1, 1));
        Assert.Contains("was written before it", Assert.Single((await source.CheckAsync(Ct)).Warnings), StringComparison.Ordinal);
        File.SetLastWriteTimeUtc(_folder.File("app.log.1"), new DateTime(2024, 1, 3));
        Assert.Empty((await source.CheckAsync(Ct)).Warnings);
    }

    [Fact]
    public async Task A_file_without_the_header_that_the_first_one_has_is_refused_where_keys_are_those_of_lines()
    {
        Write("1.csv", "a,b\n1,2\n");
        Write("2.csv", "3,4\n5,6\n");
        Write("3.csv", "b,c\n7,8\n");
        await using (var source = Csv("2.csv"))
        {
            var problem = (await source.CheckAsync(Ct)).Problem;
            Assert.Equal(FilesErrors.OtherHeader, problem?.Error);
        }

        // Columns that come and go are nothing unusual.
        await using var other = Csv("3.csv");
        Assert.Null((await other.CheckAsync(Ct)).Problem);
    }

    [Fact]
    public async Task A_named_pipe_is_read_once_whatever_its_name_is_and_a_check_takes_nothing_from_it()
    {
        var pipe = _folder.File("in.jsonl");
        using (var made = System.Diagnostics.Process.Start("mkfifo", pipe)) await made.WaitForExitAsync(Ct);
        await using var source = Source([pipe], "out");
        Assert.Null((await source.CheckAsync(Ct)).Problem);
        var partition = Assert.Single(await PlanAsync(source));
        Assert.False(partition.Resumable);
        var writing = Task.Run(() => File.WriteAllText(pipe, "{\"id\":1}\n{\"id\":2}"), Ct);
        Assert.Equal(["1", "2"], await ReadAsync(source, partition));
        await writing;
        Assert.Empty(await ReadAsync(source, partition));
    }

    [Fact]
    public async Task A_row_of_an_empty_text_is_a_row_and_an_empty_line_is_none()
    {
        var reading = await FileReading.OfCsvAsync("id\n\n\"\"\na\n\r\n");
        Assert.Equal(("csv.no_key", 3L, ""), Assert.Single(reading.Malformed));
        Assert.Equal("a", Assert.Single(reading.Documents).Key);
        Assert.Equal(["in.csv:2"], (await FileReading.OfCsvAsync("v\n\"\"\n", new CsvOptions { IdColumn = "@line" })).Documents.Select(d => d.Key));
    }

    [Fact]
    public async Task Values_beside_a_document_in_a_row_are_counted_and_told()
    {
        Write("in.csv", "id,content,note\na,\"{\"\"v\"\":1}\",x\nb,\"{\"\"v\"\":2}\",\nc,\"{\"\"v\"\":3}\",y\nd,plain,z\n");
        var log = new Elasticsearch.ListLog<CsvSource>();
        await using var source = new CsvSource(new CsvOptions { Files = [_folder.File("in.csv")] }, TimeProvider.System, log);
        Assert.Equal(["a", "b", "c", "d"], await ReadAsync(source, Assert.Single(await PlanAsync(source))));
        Assert.StartsWith("2 rows of in.csv have values beside 'content'", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    private void Write(string name, string text) => File.WriteAllText(_folder.File(name), text);

    private JsonLinesSource Source(IReadOnlyList<string> files, string output, string id = "id")
    {
        var options = new JsonLinesOptions { Files = files, IdField = id };
        return new JsonLinesSource(options, TimeProvider.System, ends: new ConnectorOptions(options, new OutputFileOptions { File = output == "-" ? output : _folder.File(output) }));
    }

    private CsvSource Csv(string second) =>
        new(new CsvOptions { Files = [_folder.File("1.csv"), _folder.File(second)], IdColumn = "@line" }, TimeProvider.System, NullLogger<CsvSource>.Instance);

    private static Task<IReadOnlyList<Partition>> PlanAsync(FileSource source) =>
        source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct);

    private static async Task<List<string>> ReadAsync(FileSource source, Partition partition)
    {
        var keys = new List<string>();
        await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
        {
            using (batch) keys.AddRange(batch.Records.ToArray().Select(r => Encoding.UTF8.GetString(r.Key.Span)));
        }

        return keys;
    }
}
