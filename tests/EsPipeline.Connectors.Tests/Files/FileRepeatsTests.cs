using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>Records that come again as they were in a run after the one that wrote them, as from a source that is followed by time.</summary>
public sealed class FileRepeatsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Output => _folder.File("out");

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("file", "")]
    [InlineData("file", ".gz")]
    [InlineData("jsonl", "")]
    [InlineData("csv", "")]
    public async Task What_comes_again_as_it_was_is_written_once_and_what_has_changed_is_written_again(string kind, string packing)
    {
        Document[] first = [.. Enumerable.Range(0, 100).Select(i => new Document($"k{i}", $$"""{"n":{{i}},"t":"a\"é"}"""))];
        var token = await RunAsync(kind, packing, null, ReadKind.Snapshot, first);
        var written = await File.ReadAllBytesAsync(Output + packing, Ct);

        token = await RunAsync(kind, packing, token, ReadKind.Changes, [.. first.Skip(50)], unchanged: 50);
        Assert.Equal(written, await File.ReadAllBytesAsync(Output + packing, Ct));

        // There and back again: each is a change.
        Document there = new("k60", """{"n":0,"t":"b"}"""), back = first[60];
        token = await RunAsync(kind, packing, token, ReadKind.Changes, [there, there, back], unchanged: 1);
        token = await RunAsync(kind, packing, token, ReadKind.Changes, [back, .. first.Skip(99), there], unchanged: 2);
        await RunAsync(kind, packing, token, ReadKind.Changes, [there], unchanged: 1);
    }

    [Fact]
    public async Task What_was_not_written_whole_is_no_repeat()
    {
        var token = await RunAsync("file", "", null, ReadKind.Snapshot, [new("a", "{}")]);
        await File.AppendAllTextAsync(Output, "{\"id\":\"b\",\"content\":{}}\n", Ct);
        await RunAsync("file", "", token, ReadKind.Changes, [new("a", "{}"), new("b", "{}")], unchanged: 1);
        Assert.Equal("{\"id\":\"a\",\"content\":{}}\n{\"id\":\"b\",\"content\":{}}\n", await File.ReadAllTextAsync(Output, Ct));
    }

    [Fact]
    public async Task A_stop_ends_the_reading_of_the_file()
    {
        var token = await RunAsync("jsonl", "", null, ReadKind.Snapshot, [new("a", "{}"), new("b", "{}")]);
        await using var sink = Sink("jsonl", new CsvOutputOptions { File = Output });
        Assert.True(await sink.RestoreAsync(token, Ct));
        await sink.BeginPassAsync(ReadKind.Changes, uniqueKeys: false, Ct);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await sink.ExpectRepeatsAsync(stop.Token);
        await stop.CancelAsync();
        using var batch = Slices.Of(new Document("a", "{}"));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sink.WriteAsync(batch.Slice(), Ct));

        // A pass that is not stopped reads it.
        await sink.ExpectRepeatsAsync(Ct);
        Assert.Equal(1, (await sink.WriteAsync(batch.Slice(), Ct)).Unchanged);
    }

    [Fact]
    public async Task The_file_is_read_only_for_a_record_to_compare()
    {
        Document[] first = [.. Enumerable.Range(0, 3000).Select(i => new Document($"k{i}", $$"""{"n":{{i * 7919}}}"""))];
        var token = await RunAsync("file", ".gz", null, ReadKind.Snapshot, first);
        var bytes = await File.ReadAllBytesAsync(Output + ".gz", Ct);
        bytes.AsSpan(0, 100).Clear();
        await File.WriteAllBytesAsync(Output + ".gz", bytes, Ct);
        await using var sink = Sink("file", new CsvOutputOptions { File = Output + ".gz" });
        Assert.True(await sink.RestoreAsync(token, Ct));
        await sink.BeginPassAsync(ReadKind.Changes, uniqueKeys: false, Ct);
        await sink.ExpectRepeatsAsync(Ct);
        Assert.NotNull(await sink.FlushAsync(Ct));
        using var batch = Slices.Of(first[..1]);
        Assert.Equal(FilesErrors.Damaged, (await Assert.ThrowsAsync<Core.Errors.PipelineException>(() => sink.WriteAsync(batch.Slice(), Ct))).Error);
    }

    // A process of its own each time: nothing is remembered but the file and the token.
    private async Task<string?> RunAsync(string kind, string packing, string? token, ReadKind pass, Document[] documents, int unchanged = 0)
    {
        await using var sink = Sink(kind, new CsvOutputOptions { File = Output + packing });
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        Assert.True(await sink.RestoreAsync(token, Ct));
        await sink.BeginPassAsync(pass, uniqueKeys: pass == ReadKind.Snapshot, Ct);
        if (pass == ReadKind.Changes) await sink.ExpectRepeatsAsync(Ct);
        using var builder = new RecordBatchBuilder();
        foreach (var document in documents) builder.Add(Encoding.UTF8.GetBytes(document.Key), Encoding.UTF8.GetBytes(document.Json), RecordOperation.Upsert, 0, 0);
        using var batch = builder.Build(default, 0, "record");
        var result = await sink.WriteAsync(new RecordSlice(batch.Records), Ct);
        Assert.Empty(result.Failures);
        Assert.Equal((documents.Length - unchanged, unchanged), (result.Written, result.Unchanged));
        await sink.CompleteAsync(Ct);
        return await sink.FlushAsync(Ct);
    }

    private static FileOutputSink Sink(string kind, CsvOutputOptions options) => kind switch
    {
        "csv" => new CsvSink(options, new RunOptions(), TimeProvider.System, NullLogger<CsvSink>.Instance),
        "jsonl" => new JsonLinesSink(options, TimeProvider.System, NullLogger<JsonLinesSink>.Instance),
        _ => new EnvelopeSink(options, TimeProvider.System, NullLogger<EnvelopeSink>.Instance),
    };
}
