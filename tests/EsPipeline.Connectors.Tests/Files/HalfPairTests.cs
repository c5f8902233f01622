using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>An escape that is half of a surrogate pair: valid JSON, though no text.</summary>
public sealed class HalfPairTests : IDisposable
{
    private static readonly Document[] Documents =
    [
        new("plain", """{"v":"ok"}"""),
        new("in a text", """{"v":"\ud800"}"""),
        new("in a name", """{"\ud800":1,"id":"in a name"}"""),
        new("further down", """{"v":{"\udc00":"\ud800"}}"""),
        new("a whole pair", """{"v":"\ud83d\ude00"}"""),
    ];

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Output => _folder.File("output");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Json_lines_keep_it_as_it_is()
    {
        await using (var sink = new JsonLinesSink(new OutputFileOptions { File = Output }, TimeProvider.System, NullLogger<JsonLinesSink>.Instance))
        {
            Assert.Equal(5, (await CopyAsync(sink)).Written);
        }

        string[] lines =
        [
            """{"id":"plain","v":"ok"}""", """{"id":"in a text","v":"\ud800"}""", """{"\ud800":1,"id":"in a name"}""",
            """{"id":"further down","v":{"\udc00":"\ud800"}}""", """{"id":"a whole pair","v":"\ud83d\ude00"}""",
        ];
        Assert.Equal(lines, await File.ReadAllLinesAsync(Output, Ct));
        Assert.Equal(lines, (await ReadAsync(new JsonLinesOptions { Files = [Output] })).Select(d => d.Json));
    }

    [Fact]
    public async Task An_envelope_keeps_it_as_it_is()
    {
        await using (var sink = new EnvelopeSink(new OutputFileOptions { File = Output }, TimeProvider.System, NullLogger<EnvelopeSink>.Instance))
        {
            Assert.Equal(5, (await CopyAsync(sink)).Written);
        }

        Assert.Equal(Documents, await ReadAsync(new JsonLinesOptions { Files = [Output], ContentField = "content" }));
    }

    [Fact]
    public async Task A_line_that_has_it_beside_its_content_is_read()
    {
        await File.WriteAllTextAsync(Output, """{"\ud800":1,"id":"a","content":{"v":1}}""" + "\n", Ct);
        Assert.Equal([new Document("a", """{"v":1}""")], await ReadAsync(new JsonLinesOptions { Files = [Output], ContentField = "content" }));
    }

    [Theory]
    [InlineData(null)]
    [InlineData("v")]
    public async Task A_cell_can_not_hold_it_and_only_its_record_fails(string? field)
    {
        CsvSink Open() => new(new CsvOutputOptions { File = Output }, new RunOptions { Fields = field is null ? [] : [field] }, TimeProvider.System, NullLogger<CsvSink>.Instance);
        await using (var sink = Open())
        {
            var result = await CopyAsync(sink);
            Assert.Equal([1, 2], result.Failures.Select(f => f.Index));
            Assert.All(result.Failures, f => Assert.Equal("csv.no_text", f.Error.Code));
        }

        Assert.Equal("id,v\nplain,ok\nfurther down,\"{\"\"\\udc00\"\":\"\"\\ud800\"\"}\"\na whole pair,😀\n", await File.ReadAllTextAsync(Output, Ct));

        // A plan finds the same.
        await using var rehearsing = Open();
        await rehearsing.PrepareRehearsalAsync(SourceSchema.Unknown, reachable: true, Ct);
        using var batch = Slices.Of(Documents);
        Assert.Equal([1, 2], (await rehearsing.RehearseAsync(batch.Slice(), Ct)).Failures.Select(f => f.Index));

        // So does a comparison.
        await using var comparing = Open();
        await comparing.PrepareReadBackAsync(SourceSchema.Unknown, Ct);
        using var readBack = new RecordBatchBuilder();
        Assert.Equal([1, 2], (await comparing.ReadBackAsync(batch.Slice(), readBack, Ct)).Select(f => f.Index));
    }

    private static async Task<WriteResult> CopyAsync(FileOutputSink sink)
    {
        Assert.True(await sink.RestoreAsync(null, Ct));
        await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: false, Ct);
        using var batch = Slices.Of(Documents);
        var result = await sink.WriteAsync(batch.Slice(), Ct);
        await sink.CompleteAsync(Ct);
        return result;
    }

    private static async Task<List<Document>> ReadAsync(JsonLinesOptions options)
    {
        await using var source = new JsonLinesSource(options, TimeProvider.System);
        var partition = (await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Ct)).Single();
        var documents = new List<Document>();
        await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
        {
            using (batch)
            {
                Assert.Empty(batch.Malformed);
                foreach (var record in batch.Records.ToArray()) documents.Add(new Document(Encoding.UTF8.GetString(record.Key.Span), Encoding.UTF8.GetString(record.Json.Span)));
            }
        }

        return documents;
    }
}
