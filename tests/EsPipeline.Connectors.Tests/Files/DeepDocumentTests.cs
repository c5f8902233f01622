using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>A document that is nested deeper than anything is read here, from a source that passes it on as it is.</summary>
public sealed class DeepDocumentTests : IDisposable
{
    private static readonly Document[] Documents =
    [
        new("before", """{"v":"1"}"""), new("deep", $$"""{"v":{{new string('[', 1001)}}{{new string(']', 1001)}}}"""), new("behind", """{"v":"2"}"""),
    ];

    private readonly TemporaryFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(null)]
    [InlineData("v")]
    public async Task A_row_can_not_hold_it_and_only_its_record_fails(string? field)
    {
        using var batch = Slices.Of(Documents);
        await using (var sink = Open(field))
        {
            Assert.True(await sink.RestoreAsync(null, Ct));
            await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: true, Ct);
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal((FilesErrors.NotJson, 1), (Assert.Single(result.Failures).Error, result.Failures[0].Index));
            await sink.CompleteAsync(Ct);
        }

        Assert.Equal("id,v\nbefore,1\nbehind,2\n", await File.ReadAllTextAsync(_folder.File("out.csv"), Ct));

        // A plan and a comparison find the same.
        await using var rehearsing = Open(field);
        await rehearsing.PrepareRehearsalAsync(SourceSchema.Unknown, reachable: true, Ct);
        Assert.Equal(1, Assert.Single((await rehearsing.RehearseAsync(batch.Slice(), Ct)).Failures).Index);
        await using var comparing = Open(field);
        await comparing.PrepareReadBackAsync(SourceSchema.Unknown, Ct);
        using var readBack = new Core.Records.RecordBatchBuilder();
        Assert.Equal(1, Assert.Single(await comparing.ReadBackAsync(batch.Slice(), readBack, Ct)).Index);
    }

    private CsvSink Open(string? field) => new(
        new CsvOutputOptions { File = _folder.File("out.csv") }, new RunOptions { Fields = field is null ? [] : [field] }, TimeProvider.System, NullLogger<CsvSink>.Instance);
}
