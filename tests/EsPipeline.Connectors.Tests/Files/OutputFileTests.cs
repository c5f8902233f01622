using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>What a file sink does with the file, and what it tells.</summary>
public sealed class OutputFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly Elasticsearch.ListLog<CsvSink> _csvLog = new();
    private readonly Elasticsearch.ListLog<JsonLinesSink> _log = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Output => _folder.File("out");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Two_jobs_do_not_write_one_file_at_once()
    {
        await using (var one = await BeginAsync(Lines()))
        {
            await using var other = Lines();
            var error = await Assert.ThrowsAsync<PipelineException>(() => other.RestoreAsync(null, Ct));
            Assert.Equal((FilesErrors.BeingWritten, true), (error.Error, error.Error.EndsRun));
            await WriteAsync(one, new Document("a", "{}"));
            await one.CompleteAsync(Ct);
        }

        Assert.Equal(["out"], Directory.GetFiles(_folder.Path).Select(Path.GetFileName));
        await using var later = await BeginAsync(Lines());
        await WriteAsync(later, new Document("b", "{}"));
    }

    [Fact]
    public async Task What_stands_behind_the_end_of_a_finished_file_is_told_before_it_is_cut_off()
    {
        string? token;
        await using (var sink = await BeginAsync(Lines()))
        {
            await WriteAsync(sink, new Document("a", "{}"));
            await sink.CompleteAsync(Ct);
            token = await sink.FlushAsync(Ct);
        }

        await using (var same = Lines()) Assert.True(await same.RestoreAsync(token, Ct));
        Assert.Empty(_log.Lines);
        await File.AppendAllTextAsync(Output, "foreign\n", Ct);
        await using var again = Lines();
        Assert.True(await again.RestoreAsync(token, Ct));
        Assert.Contains("has 8 bytes behind", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_file_that_is_replaced_keeps_who_may_read_it()
    {
        Assert.SkipWhen(OperatingSystem.IsWindows(), "Windows has no modes of files.");
        if (OperatingSystem.IsWindows()) return;
        const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite;
        await File.WriteAllTextAsync(Output, "", Ct);
        File.SetUnixFileMode(Output, Private);
        await using var sink = await BeginAsync(Lines());
        Assert.Equal(Private, File.GetUnixFileMode(Output + ".part"));
        await WriteAsync(sink, new Document("a", "{}"));
        await sink.CompleteAsync(Ct);
        Assert.Equal(Private, File.GetUnixFileMode(Output));
    }

    [Fact]
    public async Task Documents_whose_own_id_is_not_their_key_are_counted_once_and_told()
    {
        await using (var sink = await BeginAsync(Lines()))
        {
            await WriteAsync(
                sink,
                new Document("a", """{"id":"a","v":1}"""),
                new Document("7", """{"id":7}"""),
                new Document("a\"b", """{"v":1,"id":"a\"b"}"""),
                new Document("c", """{"v":1}"""),
                new Document("d", """{"id":"other"}"""),
                new Document("e", """{"id":null}"""),
                new Document("f", """{"id":{"a":1}}"""),
                new Document("g", """{"id":"gg"}"""),
                new Document("true", """{"id":true}"""));
            await sink.CompleteAsync(Ct);
        }

        Assert.StartsWith("5 documents have an id of their own that is not their key", Assert.Single(_log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_row_holds_the_key_where_the_documents_own_id_could_be_none()
    {
        await using (var sink = await BeginAsync(Csv()))
        {
            await WriteAsync(
                sink,
                new Document("a", """{"id":null,"v":1}"""),
                new Document("b", """{"id":{"x":1},"v":2}"""),
                new Document("c", """{"id":true,"v":3}"""),
                new Document("d", """{"id":"","v":4}"""),
                new Document("e", """{"id":"other","v":5}"""),
                new Document("6", """{"id":6,"v":6}"""));
            await sink.CompleteAsync(Ct);
        }

        Assert.Equal("id,v\na,1\nb,2\nc,3\nd,4\nother,5\n6,6\n", await File.ReadAllTextAsync(Output, Ct));
        Assert.StartsWith("4 documents have an id of their own", Assert.Single(_csvLog.Lines), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("id,a,b")]
    public async Task A_document_with_two_fields_of_one_name_is_no_row(string named)
    {
        await using var sink = await BeginAsync(Csv(named));
        var result = await WriteAsync(
            sink, new Document("1", """{"id":"1","a":1,"b":2}"""), new Document("2", """{"a":1,"b":2,"a":3}"""), new Document("3", """{"a":1,"\u0061":3}"""), new Document("4", """{"id":"4","b":null}"""));
        Assert.Equal(2, result.Written);
        Assert.Equal([(1, FilesErrors.NamedTwice), (2, FilesErrors.NamedTwice)], result.Failures.Select(f => (f.Index, f.Error)));
        await sink.CompleteAsync(Ct);
        Assert.Equal("id,a,b\n1,1,2\n4,,\n", await File.ReadAllTextAsync(Output, Ct));
    }

    private JsonLinesSink Lines() => new(new OutputFileOptions { File = Output }, TimeProvider.System, _log);

    private CsvSink Csv(string fields = "") =>
        new(new CsvOutputOptions { File = Output }, new RunOptions { Fields = fields.Length == 0 ? [] : fields.Split(',') }, TimeProvider.System, _csvLog);

    private static async Task<FileOutputSink> BeginAsync(FileOutputSink sink)
    {
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        Assert.True(await sink.RestoreAsync(null, Ct));
        await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: true, Ct);
        return sink;
    }

    private static async Task<Core.Sinks.WriteResult> WriteAsync(FileOutputSink sink, params Document[] documents)
    {
        using var batch = Slices.Of(documents);
        return await sink.WriteAsync(batch.Slice(), Ct);
    }
}
