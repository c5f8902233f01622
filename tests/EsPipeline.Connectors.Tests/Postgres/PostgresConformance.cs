using EsPipeline.Conformance;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>What every source promises of a snapshot, promised by PostgreSQL of changes, too.</summary>
public abstract class PostgresConformance : SourceConformance
{
    [Fact]
    public async Task Ties_of_changes_lose_and_repeat_nothing()
    {
        await using var set = await SeedAsync([.. Corpus.Ties(500)], 1, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.PutAsync([.. Changed(Corpus.Ties(500))], Ct);
        foreach (var size in (int[])[10, 25, 50])
        {
            var changes = await ReadChangesAsync(set, new SourceKnobs { PageSize = size }, snapshot.Saved);
            ContentAssert.Unique(changes.Records);
            ContentAssert.Same(Changed(Corpus.Ties(500)).Select(set.Expected), changes.Apply());
        }
    }

    [Fact]
    public async Task Resuming_changes_at_every_boundary_misses_nothing()
    {
        // Times that are all the same, times that differ, and keys that come again.
        await using var set = await SeedAsync([.. Corpus.Plain(100)], 1, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.PutAsync([.. Corpus.Plain(100, seed: 2)], Ct);
        for (var i = 0; i < 10; i++) await set.PutAsync([.. Corpus.Plain(150, seed: 3 + i).Skip(i * 13).Take(20)], Ct);
        await ResumesAsync(set, snapshot, new SourceKnobs { PageSize = 20 }, fewest: 6);
    }

    [Fact]
    public async Task One_transaction_of_5000_rows_resumed_at_every_batch_is_read_whole()
    {
        await using var set = await SeedAsync([], 1, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.PutAsync([.. Corpus.Plain(5000)], Ct);
        await ResumesAsync(set, snapshot, new SourceKnobs { PageSize = 1000 }, fewest: 5);
    }

    [Fact]
    public async Task A_connection_cut_while_changes_are_read_costs_none_of_them()
    {
        foreach (var bytes in (long[])[0, 1, 150, 5000])
        {
            await using var set = await SeedAsync([.. Corpus.Plain(300)], 1, Ct);
            var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
            await set.PutAsync([.. Corpus.Plain(300, seed: 2)], Ct);
            await using var proxy = new TcpProxy(set.Server!);
            var changes = await ReadChangesAsync(set, new SourceKnobs { PageSize = 20, Through = proxy.EndPoint }, snapshot.Saved, new ReadHooks
            {
                OnBatch = batch =>
                {
                    if (batch is 2 or 4) proxy.CutAfter(Direction.ToClient, bytes);
                    if (batch == 6) proxy.CutAll();
                    return Task.CompletedTask;
                },
            });
            Assert.True(proxy.Cuts > 0 && changes.Retries > 0, "Nothing was cut.");
            ContentAssert.Same(Corpus.Plain(300, seed: 2).Select(set.Expected), changes.Apply(snapshot.Apply()));
        }
    }

    [Fact]
    public async Task Cancelled_while_changes_are_read_the_last_position_is_good()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(300)], 1, Ct);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await set.PutAsync([.. Corpus.Plain(300, seed: 2)], Ct);
        foreach (var batches in (int[])[1, 3])
        {
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            var (saved, held) = (snapshot.Saved.ToDictionary(), snapshot.Apply());
            await using (var source = set.Open(new SourceKnobs { PageSize = 20 }))
            {
                var count = 0;
                await Cancellation.EndsInTimeAsync(
                    async ct =>
                    {
                        foreach (var partition in await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Changes, 1, saved), ct))
                        {
                            await foreach (var batch in source.ReadAsync(partition, saved.GetValueOrDefault(partition.Id, partition.Start), ct))
                            {
                                foreach (ref readonly var record in batch.Records.Span) held[Text(record.Key)] = Text(record.Json);
                                saved[partition.Id] = batch.End;
                                batch.Dispose();
                                if (++count == batches) await cancel.CancelAsync();
                            }
                        }
                    },
                    cancel);
            }

            var rest = await ReadChangesAsync(set, new SourceKnobs(), saved);
            ContentAssert.Same(Corpus.Plain(300, seed: 2).Select(set.Expected), rest.Apply(held));
        }
    }

    private protected static async Task<SourceDataSet> SeedAsync(PostgresDataSet set, IReadOnlyList<Document> documents, CancellationToken ct)
    {
        await set.SeedAsync(documents, ct);
        return set;
    }

    /// <summary>Rows that are unlike the others are documents, too.</summary>
    protected async Task OddRowsAreReadAsync()
    {
        Document[] documents = [.. Corpus.Plain(10), new("", """{"v":""}"""), new(" ", "{}"), new(",", """{"v":null}"""), new("%2C", """{"v":1e400}""")];
        await using var set = await SeedAsync(documents, 1, Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        Assert.Empty(reading.Malformed);
        ContentAssert.Same(documents.Select(set.Expected), reading.Apply());
    }

    private static IEnumerable<Document> Changed(IEnumerable<Document> documents) => documents.Select(d => d with { Json = d.Json.Replace("\"n\":", "\"changed\":true,\"n\":", StringComparison.Ordinal) });

    private static string Text(ReadOnlyMemory<byte> utf8) => System.Text.Encoding.UTF8.GetString(utf8.Span);

    private static async Task<SourceReading> ReadChangesAsync(
        SourceDataSet set, SourceKnobs knobs, IReadOnlyDictionary<PartitionId, Position> saved, ReadHooks? hooks = null)
    {
        await using var source = set.Open(knobs);
        return await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Changes, 1, saved), Ct, hooks);
    }

    // Reads what has changed; and, from every boundary of that, the rest, each time by a new source.
    private static async Task ResumesAsync(SourceDataSet set, SourceReading snapshot, SourceKnobs knobs, int fewest)
    {
        var whole = await ReadChangesAsync(set, knobs, snapshot.Saved);
        var held = whole.Apply(snapshot.Apply());
        var boundaries = 0;
        for (var batches = 0; batches <= whole.Batches.Count; batches++)
        {
            if (batches > 0 && whole.Batches[batches - 1].Records.Count == 0) continue;
            SourceReading before = whole with { Batches = [.. whole.Batches.Take(batches)] };
            var saved = snapshot.Saved.ToDictionary();
            foreach (var partition in whole.Partitions) saved[partition.Id] = partition.Start;
            foreach (var batch in before.Batches) saved[batch.Partition] = batch.End;
            var rest = await ReadChangesAsync(set, knobs, saved);
            Assert.Equal(held, rest.Apply(before.Apply(snapshot.Apply())));
            boundaries++;
        }

        Assert.True(boundaries > fewest, $"Only {boundaries} boundaries: the page size of {knobs.PageSize} has no effect.");
    }
}
