using EsPipeline.Conformance;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>What holds for files in place of the checks that need a server.</summary>
public abstract class FileSourceConformance : SourceConformance
{
    protected override IReadOnlyList<string> RecordedPositions { get; } =
    [
        "file1:0:1:0:0-0:0-0",
        "file1:2048:33:638712345678901234:4096-1f3a55de01c2b3a4:2048-8899aabbccddeeff",
    ];

    [Fact(DisplayName = "Cancelled while it waits: a local file is never waited for, so only the time between batches can be cancelled")]
    public override Task Cancelled_while_it_waits_for_the_server_it_returns_at_once() =>
        Cancelled_between_batches_it_returns_at_once_and_the_last_position_is_good();

    [Fact(DisplayName = "A connection cut: a file has no connection; one that is deleted while it is read is read to its end")]
    public override async Task A_connection_cut_mid_stream_is_read_on_without_gap_or_repeat()
    {
        Document[] documents = [.. Corpus.Plain(300)];
        await using var set = (FileDataSet)await SeedAsync(documents, 1, Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 20 }, 1, Ct, hooks: new ReadHooks
        {
            OnBatch = _ =>
            {
                File.Delete(set.LastFile);
                return Task.CompletedTask;
            },
        });
        ContentAssert.Same(documents, reading.Apply());
    }

    [Fact(DisplayName = "A server error: a file has no server; one that can't be opened is for a person to mend")]
    public override async Task A_server_error_that_passes_is_read_on_without_gap_or_repeat()
    {
        await using var set = (FileDataSet)await SeedAsync([.. Corpus.Plain(3)], 1, Ct);
        await using var source = set.Open(new SourceKnobs());
        var partition = (await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct))[0];
        File.Delete(set.LastFile);
        var missing = await Assert.ThrowsAsync<PipelineException>(async () => await source.ReadAsync(partition, partition.Start, Ct).GetAsyncEnumerator(Ct).MoveNextAsync());
        Assert.Equal((FailureKind.Environment, "file.not_found"), (missing.Kind, missing.Code));
    }

    [Fact(DisplayName = "A silent server: a file has no server; one that is replaced between two runs is read from its start")]
    public override async Task A_server_that_falls_silent_is_given_up_as_transient_and_read_on()
    {
        await using var set = (FileDataSet)await SeedAsync([.. Corpus.Plain(100)], 1, Ct);
        var first = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.SeedAsync([.. Corpus.Plain(100, seed: 2)], Ct);
        var second = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct, first.Saved);
        Assert.NotNull(second.Partitions[0].StartsOverBecause);
        ContentAssert.Same(Corpus.Plain(100, seed: 2), second.Apply());
    }

    [Fact(DisplayName = "A server down: a file has no server; one that grows between two runs is read on")]
    public override async Task A_server_that_goes_down_and_comes_back_is_read_on_without_gap_or_repeat()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(100)], 1, Ct);
        var first = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.PutAsync([.. Corpus.Plain(150).Skip(100)], Ct);
        var second = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct, first.Saved);
        Assert.Equal(50, second.Records.Count());
        ContentAssert.Same(Corpus.Plain(150), second.Apply(first.Apply()));
    }

    [Fact(DisplayName = "A check: a file has no server; one that is missing is told instead of thrown")]
    public override async Task A_check_tells_problems_within_five_seconds_instead_of_throwing()
    {
        await using var set = (FileDataSet)await SeedAsync([.. Corpus.Plain(3)], 1, Ct);
        await using var source = set.Open(new SourceKnobs());
        Assert.Null((await source.CheckAsync(Ct)).Problem);
        File.Delete(set.LastFile);
        Assert.Equal("file.not_found", (await source.CheckAsync(Ct)).Problem?.Code);
    }

    [Fact(DisplayName = "A record committed late: a file has one order, its own; a last line that is still being written is read whole later")]
    public override async Task A_record_that_is_committed_late_is_not_missed()
    {
        await using var set = (FileDataSet)await SeedAsync([.. Corpus.Plain(50)], 1, Ct);
        var whole = await File.ReadAllBytesAsync(set.LastFile, Ct);
        foreach (var cut in (int[])[1, 2, 20])
        {
            await File.WriteAllBytesAsync(set.LastFile, whole[..^cut], Ct);
            var torn = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
            await File.WriteAllBytesAsync(set.LastFile, whole, Ct);
            var rest = await SourceReader.ReadChangesAsync(set, torn.Saved, Ct);
            ContentAssert.Same(Corpus.Plain(50), rest.Apply(torn.Apply()));
        }
    }
}

/// <summary>The source <c>csv</c>.</summary>
public sealed class CsvSourceConformance : FileSourceConformance
{
    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct)
    {
        var set = new CsvDataSet(partitions);
        await set.SeedAsync(documents, ct);
        return set;
    }

    [Fact(DisplayName = "Deletes: a row of a CSV file can't say that a document was deleted; a row that was taken away is noticed and the file read anew")]
    public override async Task Changes_show_deletes()
    {
        await using var set = (FileDataSet)await SeedAsync([.. Corpus.Plain(100)], 1, Ct);
        var first = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.SeedAsync([.. Corpus.Plain(99)], Ct);
        var second = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct, first.Saved);
        Assert.NotNull(second.Partitions[0].StartsOverBecause);
        Assert.Equal(99, second.Records.Count());
    }
}

/// <summary>The source <c>jsonl</c>.</summary>
public sealed class JsonLinesSourceConformance : FileSourceConformance
{
    protected override async Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct)
    {
        var set = new JsonLinesDataSet(partitions);
        await set.SeedAsync(documents, ct);
        return set;
    }
}
