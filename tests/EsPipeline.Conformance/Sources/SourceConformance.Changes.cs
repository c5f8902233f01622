using EsPipeline.Core.Sources;
using Xunit;

namespace EsPipeline.Conformance;

// What a source does about bad records, changing data and large data.
public abstract partial class SourceConformance
{
    /// <summary>How many records the larger of the two memory checks reads. A million where the system takes them in reasonable time.</summary>
    protected virtual int ManyRecords => 1_000_000;

    // 7
    [Fact]
    public virtual async Task Memory_does_not_grow_with_the_number_of_records()
    {
        var few = await PeakWhileReadingAsync([.. Corpus.Plain(10_000)]);
        var many = await PeakWhileReadingAsync([.. Corpus.Plain(ManyRecords)]);
        Assert.True(many <= few + (32 << 20), $"{few >> 20} MiB for 10,000 records, {many >> 20} MiB for {ManyRecords}.");
    }

    [Fact]
    public virtual async Task One_document_of_20_MiB_costs_no_more_than_itself_a_few_times()
    {
        const int size = 20 << 20;
        var small = await PeakWhileReadingAsync([.. Corpus.Plain(100)]);
        var large = await PeakWhileReadingAsync([.. Corpus.Plain(50), Corpus.OfBytes("large", size), .. Corpus.Plain(100).Skip(50)]);
        Assert.True(large <= small + (6L * size), $"{small >> 20} MiB without it, {large >> 20} MiB with it.");
    }

    // 10
    [Fact]
    public virtual async Task A_malformed_record_is_told_with_its_place_and_the_rest_is_read()
    {
        Document[] documents = [.. Corpus.Plain(50)];
        await using var set = await SeedAsync(documents, 1, Ct);
        var place = await set.PutMalformedAsync(Ct);
        await set.PutAsync([.. Corpus.Plain(60).Skip(50)], Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 20 }, 1, Ct);
        var malformed = Assert.Single(reading.Malformed);
        Assert.Equal(place, malformed.Place);
        Assert.NotEmpty(malformed.Found.Reason);
        ContentAssert.Same(Corpus.Plain(60).Select(set.Expected), reading.Apply());
    }

    // 11
    [Fact]
    public virtual async Task Changes_show_inserts_and_updates()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(100)], 2, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 2, Ct);
        Document[] changed = [.. Corpus.Plain(130, seed: 2).Skip(80)];
        await set.PutAsync(changed, Ct);
        var changes = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        ContentAssert.Same(Corpus.Plain(80).Concat(changed).Select(set.Expected), changes.Apply(snapshot.Apply()));

        var none = await SourceReader.ReadChangesAsync(set, changes.Saved, Ct);
        Assert.Equal(changes.Apply(snapshot.Apply()), none.Apply(changes.Apply(snapshot.Apply())));
    }

    [Fact]
    public virtual async Task Changes_show_deletes()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(100)], 2, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 2, Ct);
        await set.DeleteAsync([.. Enumerable.Range(0, 30).Select(Corpus.PlainKey)], Ct);
        await set.PutAsync([.. Corpus.Plain(10, seed: 2)], Ct);
        var changes = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        ContentAssert.Same(
            Corpus.Plain(10, seed: 2).Concat(Corpus.Plain(100).Skip(30)).Select(set.Expected), changes.Apply(snapshot.Apply()));
    }

    [Fact]
    public virtual async Task A_record_that_is_committed_late_is_not_missed()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(50)], 1, Ct);
        var commit = await set.BeginPutAsync([.. Corpus.Plain(60).Skip(50)], Ct);
        await set.PutAsync([.. Corpus.Plain(70).Skip(60)], Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.PutAsync([.. Corpus.Plain(80).Skip(70)], Ct);
        var during = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        await commit();
        var after = await SourceReader.ReadChangesAsync(set, during.Saved, Ct);
        ContentAssert.Same(Corpus.Plain(80).Select(set.Expected), after.Apply(during.Apply(snapshot.Apply())));
    }

    [Fact]
    public virtual async Task What_changes_during_the_snapshot_is_not_lost()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(200)], 2, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs { PageSize = 20 }, 2, Ct, hooks: new ReadHooks
        {
            OnBatch = async batch =>
            {
                if (batch == 3) await set.PutAsync([.. Corpus.Plain(250, seed: 2).Skip(150)], Ct);
            },
        });
        var changes = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        ContentAssert.Same(
            Corpus.Plain(150).Concat(Corpus.Plain(250, seed: 2).Skip(150)).Select(set.Expected), changes.Apply(snapshot.Apply()));
    }

    // The most live memory at some twenty moments of a read, above what there was before it.
    private async Task<long> PeakWhileReadingAsync(IReadOnlyList<Document> documents)
    {
        await using var set = await SeedAsync(documents, 1, Ct);
        var count = documents.Count;
        documents = [];
        await using var source = set.Open(new SourceKnobs { PageSize = 1000 });
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var (peak, read, next) = (0L, 0, 0);
        foreach (var partition in await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct))
        {
            await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
            {
                using (batch)
                {
                    read += batch.Count;
                    if (read < next) continue;
                    peak = Math.Max(peak, GC.GetTotalMemory(forceFullCollection: true) - before);
                    next += count / 20;
                }
            }
        }

        Assert.Equal(count, read);
        return peak;
    }
}
