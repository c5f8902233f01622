using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Xunit;

namespace EsPipeline.Conformance;

/// <summary>
/// What every source promises. A connector subclasses it once for each real server, and seeds data there. A check that a system can't
/// meet is overridden, never left out: the override's <c>[Fact(DisplayName = "…")]</c> says why, and its body checks what holds instead.
/// </summary>
public abstract partial class SourceConformance
{
    /// <summary>Ends the test when the runner wants it to end.</summary>
    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>
    /// Positions that earlier releases have saved, as text, oldest first. A line is never changed or removed: a new format gets a new line.
    /// </summary>
    protected abstract IReadOnlyList<string> RecordedPositions { get; }

    /// <summary>Puts documents into a place of their own, divided so that so many readers have work at once.</summary>
    /// <param name="documents">In the order in which they are put.</param>
    /// <param name="partitions">For example shards; a system that divides by itself may ignore it.</param>
    /// <param name="ct">Ends seeding.</param>
    protected abstract Task<SourceDataSet> SeedAsync(IReadOnlyList<Document> documents, int partitions, CancellationToken ct);

    /// <summary>False for a document that the system itself can't hold, such as a key that is too long for it.</summary>
    protected virtual bool CanHold(Document document) => true;

    /// <summary>What of the corpus the system can hold.</summary>
    protected IReadOnlyList<Document> Holdable(IEnumerable<Document> documents) => [.. documents.Where(CanHold)];

    // 1
    [Fact]
    public virtual async Task An_empty_source_ends_cleanly()
    {
        await using var set = await SeedAsync([], 1, Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 2, Ct);
        Assert.Empty(reading.Records);
        Assert.Empty(reading.Malformed);
        foreach (var position in reading.Saved.Values) SourceReader.CheckPosition(position);

        using var state = new TemporaryFolder();
        await using var source = set.Open(new SourceKnobs());
        var result = await EngineRun.CopyAsync(source, new MemorySink(), state.Path, Ct);
        Assert.Equal((RunOutcome.Done, 0L), (result.Outcome, result.Account.Read));
    }

    // 2
    [Fact]
    public virtual async Task The_union_of_all_partitions_is_exactly_the_data()
    {
        foreach (var partitions in (int[])[1, 2, 7])
        {
            Document[] documents = [.. Corpus.Plain(1000)];
            await using var set = await SeedAsync(documents, partitions, Ct);
            var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), partitions, Ct);
            ContentAssert.Unique(reading.Records);
            ContentAssert.Same(documents.Select(set.Expected), reading.Apply());
        }
    }

    // 3
    [Fact]
    public virtual async Task Resuming_at_every_boundary_misses_nothing()
    {
        Document[] documents = [.. Corpus.Plain(300)];
        await using var set = await SeedAsync(documents, 2, Ct);
        var knobs = new SourceKnobs { PageSize = 20 };
        var whole = await SourceReader.ReadSnapshotAsync(set, knobs, 2, Ct);
        ContentAssert.Same(documents.Select(set.Expected), whole.Apply());
        var boundaries = 0;
        foreach (var (saved, before) in Boundaries(whole))
        {
            var rest = await SourceReader.ReadSnapshotAsync(set, knobs, 2, Ct, saved);
            ContentAssert.Unique(before.Concat(rest.Records));
            ContentAssert.Same(documents.Select(set.Expected), rest.Apply(before.ToDictionary(r => r.Key, r => r.Json)));
            boundaries++;
        }

        Assert.True(boundaries >= 10, $"Only {boundaries} boundaries: the page size of {knobs.PageSize} has no effect.");
    }

    // 4
    [Fact]
    public virtual async Task A_position_survives_the_checkpoint_file_and_a_new_process()
    {
        Document[] documents = [.. Corpus.Plain(200)];
        await using var set = await SeedAsync(documents, 1, Ct);
        using var folder = new TemporaryFolder();
        var identity = new JobIdentity([KeyValuePair.Create("source", "test")]);
        var first = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 20 }, 1, Ct);
        var (saved, before) = Boundaries(first).Skip(3).First();
        await using (var state = await new FileStateStore(folder.Path, TimeProvider.System).OpenAsync("job", Ct))
        {
            var partitions = saved.ToDictionary(p => p.Key, p => new PartitionProgress(p.Value, 1));
            await state.SaveAsync(new Checkpoint { Identity = identity, Phase = ReadKind.Snapshot, Partitions = partitions }, Ct);
        }

        var loaded = (await new FileStateStore(folder.Path, TimeProvider.System).ReadCheckpointAsync("job", Ct))!.Positions();
        var rest = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 50 }, 1, Ct, loaded);
        ContentAssert.Unique(before.Concat(rest.Records));
        Assert.Equal(documents.Length, before.Count + rest.Records.Count());
    }

    [Fact]
    public virtual async Task Positions_of_every_earlier_release_still_read()
    {
        Assert.NotEmpty(RecordedPositions);
        await using var set = await SeedAsync([.. Corpus.Plain(10)], 1, Ct);
        await using var source = set.Open(new SourceKnobs());
        var partition = (await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct))[0];
        foreach (var recorded in RecordedPositions)
        {
            // They speak of other data: the source says that it starts over, or goes on from them. It does not refuse them.
            var saved = new Dictionary<PartitionId, Position> { [partition.Id] = new(recorded) };
            Assert.NotEmpty(await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1, saved), Ct));
        }
    }

    [Fact]
    public virtual async Task A_position_that_it_never_wrote_is_refused()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(10)], 1, Ct);
        await using var source = set.Open(new SourceKnobs());
        var partition = (await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct))[0];
        foreach (var text in (string[])["nonsense", "zz9:1:2:3", RecordedPositions[^1] + ":more"])
        {
            var saved = new Dictionary<PartitionId, Position> { [partition.Id] = new(text) };
            var refused = await Assert.ThrowsAsync<PipelineException>(async () =>
            {
                var again = await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1, saved), Ct);
                Assert.Null(again[0].StartsOverBecause);
                await foreach (var batch in source.ReadAsync(again[0], new Position(text), Ct)) batch.Dispose();
            });
            Assert.Equal(CheckpointErrors.BadPosition.Code, refused.Code);
        }
    }

    // 5
    [Fact]
    public virtual async Task Every_document_of_the_corpus_comes_through_unchanged()
    {
        var documents = Holdable(Corpus.All);
        await using var set = await SeedAsync(documents, 1, Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        Assert.Empty(reading.Malformed.Select(m => m.Found.Reason));
        ContentAssert.Unique(reading.Records);
        ContentAssert.Same(documents.Select(set.Expected), reading.Apply());
    }

    [Fact]
    public virtual async Task A_second_read_yields_the_same_bytes()
    {
        await using var set = await SeedAsync(Holdable(Corpus.All), 2, Ct);
        var first = (await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 2, Ct)).Apply();
        var second = (await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 7 }, 2, Ct)).Apply();
        Assert.Equal(first.Count, second.Count);
        foreach (var (key, json) in first) Assert.Equal(json, second[key]);
    }

    // 6
    [Fact]
    public virtual async Task Ties_on_the_ordering_field_lose_and_repeat_nothing()
    {
        Document[] documents = [.. Corpus.Ties(500)];
        await using var set = await SeedAsync(documents, 1, Ct);
        foreach (var size in (int[])[10, 25, 50])
        {
            var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = size }, 1, Ct);
            ContentAssert.Unique(reading.Records);
            ContentAssert.Same(documents.Select(set.Expected), reading.Apply());
        }
    }

    /// <summary>
    /// Every batch boundary of a reading, partition by partition: the positions as they stand there when the partitions before it are read
    /// whole and those after it not at all, and the records read by then.
    /// </summary>
    protected static IEnumerable<(IReadOnlyDictionary<PartitionId, Position> Saved, IReadOnlyList<ReadRecord> Before)> Boundaries(SourceReading whole)
    {
        var before = new List<ReadRecord>();
        var saved = whole.Partitions.ToDictionary(p => p.Id, p => p.Start);
        yield return (new Dictionary<PartitionId, Position>(saved), []);
        foreach (var partition in whole.Partitions)
        {
            foreach (var batch in whole.Batches.Where(b => b.Partition == partition.Id))
            {
                before.AddRange(batch.Records);
                saved[partition.Id] = batch.End;
                yield return (new Dictionary<PartitionId, Position>(saved), [.. before]);
            }
        }
    }
}
