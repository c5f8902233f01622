using EsPipeline.Conformance;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>What holds for the output of jobs, wherever it lies.</summary>
public abstract class HadoopSourceConformance : SourceConformance
{
    protected override IReadOnlyList<string> RecordedPositions { get; } =
    [
        "hadoop1:start",
        "hadoop1:done:0123456789abcdef",
        "hadoop1:at:0123456789abcdef:4096:2048:33:9b2cf535f27731c974343645a3985328:out/job-0000/part-00001",
    ];

    internal static async Task<HadoopDataSet> SeededAsync(HadoopDataSet set, IReadOnlyList<Document> documents, int jobs, CancellationToken ct)
    {
        await set.SeedAsync(documents, jobs, ct);
        return set;
    }

    [Fact(DisplayName = "Deletes: the output of a job can't say that a document was deleted; a job that is run again is read again, and what it no longer holds stays")]
    public override async Task Changes_show_deletes()
    {
        await using var set = (HadoopDataSet)await SeedAsync([.. Corpus.Plain(30)], 1, Ct);
        var first = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.WriteAsync("out/job-0000/part-00000", "{\"id\":\"doc-0000000\",\"n\":-1}\n", Ct);
        var second = await SourceReader.ReadChangesAsync(set, first.Saved, Ct);
        Assert.NotNull(Assert.Single(second.Partitions).StartsOverBecause);
        Assert.Equal("{\"id\":\"doc-0000000\",\"n\":-1}", second.Apply(first.Apply())["doc-0000000"]);
        Assert.Equal(30, second.Apply(first.Apply()).Count);
    }
}

/// <summary>The source <c>hadoop</c> on S3.</summary>
[Collection(S3CollectionDefinition.Name)]
public sealed class S3SourceConformance(S3Server server) : HadoopSourceConformance
{
    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await SeededAsync(new S3DataSet(await server.NewBucketAsync(ct)), documents, partitions, ct);
}

/// <summary>The source <c>hadoop</c> on a folder.</summary>
public sealed class FolderSourceConformance : HadoopSourceConformance
{
    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct) =>
        await SeededAsync(new FolderDataSet(), documents, partitions, ct);

    [Fact(DisplayName = "Cancelled while it waits: a local file is never waited for, so only the time between batches can be cancelled")]
    public override Task Cancelled_while_it_waits_for_the_server_it_returns_at_once() =>
        Cancelled_between_batches_it_returns_at_once_and_the_last_position_is_good();

    [Fact(DisplayName = "A connection cut: a folder has no connection; a job that goes while it is read is waited for until it is there again")]
    public override async Task A_connection_cut_mid_stream_is_read_on_without_gap_or_repeat()
    {
        Document[] documents = [.. Corpus.Plain(300)];
        await using var set = (HadoopDataSet)await SeedAsync(documents, 1, Ct);
        var first = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 20 }, 1, Ct, hooks: new ReadHooks
        {
            OnBatch = async batch =>
            {
                if (batch == 2) await set.RemoveAsync("out/job-0000/_SUCCESS", Ct);
                if (batch == 2) await set.RemoveAsync("out/job-0000/part-00002", Ct);
            },
        });
        Assert.True(first.Records.Count() < 300);
        var during = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct, first.Saved);
        Assert.Empty(during.Records);
        await set.WriteAsync("out/job-0000/part-00002", Rest(set, documents), Ct);
        await set.WriteAsync("out/job-0000/_SUCCESS", "", Ct);
        var after = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct, during.Saved);
        ContentAssert.Unique(first.Records.Concat(after.Records));
        ContentAssert.Same(documents.Select(set.Expected), after.Apply(first.Apply()));
    }

    [Fact(DisplayName = "A server error: a folder has no server; one that is not there is for a person to mend")]
    public override async Task A_server_error_that_passes_is_read_on_without_gap_or_repeat()
    {
        await using var set = (FolderDataSet)await SeedAsync([.. Corpus.Plain(3)], 1, Ct);
        Directory.Delete(set.Root, recursive: true);
        var missing = await Assert.ThrowsAsync<PipelineException>(() => SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct));
        Assert.Equal((FailureKind.Environment, "hadoop.no_folder"), (missing.Kind, missing.Code));
        Directory.CreateDirectory(set.Root);
    }

    [Fact(DisplayName = "A silent server: a folder has no server; a file that is replaced between two runs is noticed and its job read anew")]
    public override Task A_server_that_falls_silent_is_given_up_as_transient_and_read_on() => Changes_show_deletes();

    [Fact(DisplayName = "A server down: a folder has no server; a job that is finished between two runs is read in the second")]
    public override Task A_server_that_goes_down_and_comes_back_is_read_on_without_gap_or_repeat() => A_record_that_is_committed_late_is_not_missed();

    [Fact(DisplayName = "A check: a folder has no server; one that is missing is told instead of thrown")]
    public override async Task A_check_tells_problems_within_five_seconds_instead_of_throwing()
    {
        await using var set = (FolderDataSet)await SeedAsync([.. Corpus.Plain(3)], 1, Ct);
        await using var source = set.Open(new SourceKnobs());
        Assert.Null((await source.CheckAsync(Ct)).Problem);
        Directory.Delete(set.Root, recursive: true);
        Assert.Equal("hadoop.no_folder", (await source.CheckAsync(Ct)).Problem?.Code);
        Directory.CreateDirectory(set.Root);
    }

    // The third part file, as it was.
    private static string Rest(HadoopDataSet set, Document[] documents) =>
        string.Concat(documents.Skip(202).Select(d => set.Expected(d).Json + "\n"));
}
