using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>Folders of jobs that others write to, and CSV files in them.</summary>
public sealed class JobFolderTests : IDisposable
{
    private static readonly ReadPlan Plan = new(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>());

    private readonly TemporaryFolder _folder = new();
    private readonly Elasticsearch.ListLog<HadoopSource> _log = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_file_that_is_being_copied_is_read_once_it_has_its_name(bool requireSuccess)
    {
        Write("done/_SUCCESS", "");
        Write("done/part-00000", "done\t1\n");
        Write("job/_SUCCESS", "");
        Write("job/part-00000", "first\t1\n");
        Write("job/part-00001._COPYING_", "half a li");
        await using var source = Source(new HadoopOptions { RequireSuccess = requireSuccess });
        string[] before = requireSuccess ? ["done"] : ["done", "first"];
        Assert.Equal(before, await KeysAsync(source));
        Assert.Contains(_log.Lines, l => l.Contains("being copied (._COPYING_)", StringComparison.Ordinal) && l.Contains(": 1, such as job/", StringComparison.Ordinal));
        File.Delete(_folder.File("job/part-00001._COPYING_"));
        Write("job/part-00001", "half a line\t1\n");
        Assert.Equal(["done", "first", "half a line"], await KeysAsync(source));
    }

    [Fact]
    public async Task A_folder_of_a_column_is_read_whatever_the_column_begins_with()
    {
        Write("job/_SUCCESS", "");
        Write("job/_dt=2024-01-01/part-00000", "column\t1\n");
        Write("job/.dt=2024-01-01/part-00000", "dotted\t1\n");
        await using var source = Source(new HadoopOptions());
        Assert.Equal(["column"], await KeysAsync(source));
        Assert.StartsWith("Folders such as job/_dt=2024-01-01 hold a column", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_hidden_folder_is_not_looked_into()
    {
        Write("job/_SUCCESS", "");
        Write("job/part-00000", "key\t1\n");
        Write("job/_temporary/0/part-00001", "no\t1\n");
        Directory.CreateSymbolicLink(_folder.File("job/_temporary/link"), _folder.Path);
        Directory.CreateSymbolicLink(_folder.File("job/day=1"), _folder.Path);
        await using var source = Source(new HadoopOptions());
        Assert.Contains("day=1 is a link to a folder", Assert.Single((await source.CheckAsync(Ct)).Warnings), StringComparison.Ordinal);
        Assert.Equal(["key"], await KeysAsync(source));
    }

    [Fact]
    public async Task What_goes_while_the_folder_is_listed_is_passed_over()
    {
        Write("job/_SUCCESS", "");
        Write("job/part-00000", "key\t1\n");
        using var store = new FolderStore(_folder.Path);
        using var listed = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        var changing = Task.Run(
            () =>
            {
                while (!listed.IsCancellationRequested)
                {
                    for (var i = 0; i < 50; i++) Write($"job/_work/{i}/passing", "x");
                    for (var i = 0; i < 50; i++) Write($"job/passing-{i}", "x");
                    for (var i = 0; i < 50; i++) File.Delete(_folder.File($"job/passing-{i}"));
                    Directory.Delete(_folder.File("job/_work"), recursive: true);
                }
            },
            Ct);
        try
        {
            for (var look = 0; look < 300; look++) Assert.Contains(await store.ListAsync(Ct), f => f.Path == "job/part-00000");
        }
        finally
        {
            await listed.CancelAsync();
            await changing;
        }
    }

    [Fact]
    public async Task A_part_file_without_the_header_that_the_first_one_has_is_refused_where_keys_are_those_of_lines()
    {
        Write("job/_SUCCESS", "");
        Write("job/part-00000", "a,b\n1,2\n");
        Write("job/part-00001", "3,4\n5,6\n");
        var options = new HadoopOptions { Format = HadoopFormat.Csv, IdField = "@line" };
        await using (var source = Source(options))
        {
            var refused = await Assert.ThrowsAsync<PipelineException>(() => KeysAsync(source));
            Assert.Equal(FilesErrors.OtherHeader, refused.Error);
            Assert.Contains("--hadoop-csv-no-header", refused.Remedy, StringComparison.Ordinal);
        }

        await using var rows = Source(options with { CsvNoHeader = true });
        Assert.Equal(4, (await KeysAsync(rows)).Count);
    }

    [Fact]
    public async Task Jobs_of_other_columns_are_read_and_a_first_line_that_may_be_a_row_is_told()
    {
        Write("dt=1/_SUCCESS", "");
        Write("dt=1/part-00000", "a,b\n1,2\n");
        Write("dt=2/_SUCCESS", "");
        Write("dt=2/part-00000", "x,y\n3,4\n");
        await using var source = Source(new HadoopOptions { Format = HadoopFormat.Csv, IdField = "@line" });
        Assert.Equal(2, (await KeysAsync(source)).Count);
        Assert.Single(_log.Lines, l => l.Contains("it may be a row, of a file without a header, and that row is not copied", StringComparison.Ordinal));
    }

    [Fact]
    public async Task The_column_with_documents_is_the_one_that_is_named_and_so_is_the_option()
    {
        Write("job/_SUCCESS", "");
        Write("job/part-00000", "id,content,other\n1,\"{\"\"v\"\":1}\",x\n");
        await using (var source = Source(new HadoopOptions { Format = HadoopFormat.Csv }))
        {
            Assert.Equal(["""{"v":1}"""], (await ReadAsync(source)).Select(r => r.Json));
            Assert.Contains("--hadoop-csv-content-column with another name", Assert.Single(_log.Lines), StringComparison.Ordinal);
        }

        await using (var row = Source(new HadoopOptions { Format = HadoopFormat.Csv, CsvContentColumn = "none" }))
        {
            Assert.Equal(["""{"id":"1","content":"{\"v\":1}","other":"x"}"""], (await ReadAsync(row)).Select(r => r.Json));
        }

        await using var keyless = Source(new HadoopOptions { Format = HadoopFormat.Csv, IdField = "key" });
        var refused = await Assert.ThrowsAsync<PipelineException>(() => ReadAsync(keyless));
        Assert.Equal(FilesErrors.NoColumn, refused.Error);
        Assert.Contains("--hadoop-id-field", refused.Remedy, StringComparison.Ordinal);
    }

    private void Write(string path, string text)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(_folder.File(path))!);
        File.WriteAllText(_folder.File(path), text);
    }

    private HadoopSource Source(HadoopOptions options) =>
        new(options with { Path = _folder.Path, Format = options.Format == HadoopFormat.ObjectCounts ? HadoopFormat.KeyValue : options.Format }, TimeProvider.System, _log);

    private static async Task<List<string>> KeysAsync(HadoopSource source) => [.. (await ReadAsync(source)).Select(r => r.Key)];

    private static async Task<IEnumerable<ReadRecord>> ReadAsync(HadoopSource source) => (await SourceReader.ReadAsync(source, Plan, Ct)).Records;
}
