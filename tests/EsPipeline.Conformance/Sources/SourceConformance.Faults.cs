using System.Net;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Xunit;

namespace EsPipeline.Conformance;

// What a source does when the network, the server or the person who waits gives up.
public abstract partial class SourceConformance
{
    private static readonly TimeSpan LongestCheck = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan ShortTimeout = TimeSpan.FromSeconds(4);

    // 8
    [Fact]
    public virtual async Task Cancelled_between_batches_it_returns_at_once_and_the_last_position_is_good()
    {
        Document[] documents = [.. Corpus.Plain(300)];
        await using var set = await SeedAsync(documents, 1, Ct);
        foreach (var batches in (int[])[0, 1, 3])
        {
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            if (batches == 0) await cancel.CancelAsync();
            var (partition, read) = (await FirstPartitionAsync(set), new List<ReadRecord>());
            var (last, count) = (partition.Start, 0);
            await using (var source = set.Open(new SourceKnobs { PageSize = 20 }))
            {
                // A source reads the partitions of its own plan.
                await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
                await Cancellation.EndsInTimeAsync(
                    async ct =>
                    {
                        ct.ThrowIfCancellationRequested();
                        await foreach (var batch in source.ReadAsync(partition, partition.Start, ct))
                        {
                            foreach (ref readonly var record in batch.Records.Span) read.Add(ReadRecord.Of(record));
                            last = batch.End;
                            batch.Dispose();
                            if (++count == batches) await cancel.CancelAsync();
                        }
                    },
                    cancel);
            }

            Assert.Equal(batches, count);
            await TheRestIsThereAsync(set, documents, partition, last, read);
        }
    }

    [Fact]
    public virtual async Task Cancelled_while_it_waits_for_the_server_it_returns_at_once()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(300)], 1, Ct);
        await using var proxy = new TcpProxy(ServerOf(set));
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        await using var source = set.Open(new SourceKnobs { PageSize = 20, Through = proxy.EndPoint });
        await Cancellation.EndsInTimeAsync(
            async ct => await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1), ct, new ReadHooks
            {
                OnBatch = _ =>
                {
                    // The server falls silent, and a moment later somebody loses patience.
                    proxy.Stall();
                    cancel.CancelAfter(TimeSpan.FromMilliseconds(300));
                    return Task.CompletedTask;
                },
            }),
            cancel);
    }

    // 9
    [Fact]
    public virtual async Task A_connection_cut_mid_stream_is_read_on_without_gap_or_repeat()
    {
        foreach (var bytes in (long[])[0, 1, 150, 5000])
        {
            await SurvivesAsync((_, proxy, batch) =>
            {
                if (batch is 2 or 4) proxy.CutAfter(Direction.ToClient, bytes);
                if (batch == 6)
                {
                    // Where none is open just now, the next one is cut.
                    proxy.CutAll();
                    proxy.CutAfter(Direction.ToClient, 0);
                }

                return Task.CompletedTask;
            });
        }
    }

    [Fact]
    public virtual async Task A_server_error_that_passes_is_read_on_without_gap_or_repeat()
    {
        await SurvivesAsync((set, proxy, batch) =>
        {
            if (batch is 1 or 3 or 5) set.OrderServerError(proxy);
            return Task.CompletedTask;
        });
    }

    [Fact]
    public virtual async Task A_server_that_falls_silent_is_given_up_as_transient_and_read_on()
    {
        PipelineException? first = null;
        await SurvivesAsync(
            (_, proxy, batch) =>
            {
                if (batch == 2) proxy.Stall();
                return Task.CompletedTask;
            },
            (proxy, failure) =>
            {
                first ??= failure;
                proxy.CutAll();
                proxy.Resume();
                return Task.CompletedTask;
            });
        Assert.NotNull(first);
    }

    [Fact]
    public virtual async Task A_server_that_goes_down_and_comes_back_is_read_on_without_gap_or_repeat()
    {
        await SurvivesAsync(
            async (_, proxy, batch) =>
            {
                if (batch == 2) await proxy.DownAsync();
            },
            (proxy, _) =>
            {
                proxy.Up();
                return Task.CompletedTask;
            });
    }

    [Fact]
    public virtual async Task A_check_tells_problems_within_five_seconds_instead_of_throwing()
    {
        await using var set = await SeedAsync([.. Corpus.Plain(10)], 1, Ct);
        await using var proxy = new TcpProxy(ServerOf(set));
        await using (var well = set.Open(new SourceKnobs { Through = proxy.EndPoint }))
        {
            await Health.IsWellAsync(well);
        }

        proxy.Stall();
        await CheckFailsInTimeAsync(set, proxy);
        proxy.Resume();
        await proxy.DownAsync();
        await CheckFailsInTimeAsync(set, proxy);
    }

    // Reads 300 documents in pages of 20 through a proxy that the test torments, and checks that each came exactly once.
    private async Task SurvivesAsync(Func<SourceDataSet, TcpProxy, int, Task> onBatch, Func<TcpProxy, PipelineException, Task>? onFailure = null)
    {
        Document[] documents = [.. Corpus.Plain(300)];
        await using var set = await SeedAsync(documents, 1, Ct);
        await using var proxy = new TcpProxy(ServerOf(set));
        var knobs = new SourceKnobs { PageSize = 20, Through = proxy.EndPoint, Timeout = ShortTimeout };
        var failures = 0;
        var reading = await SourceReader.ReadSnapshotAsync(set, knobs, 1, Ct, hooks: new ReadHooks
        {
            OnBatch = batch => onBatch(set, proxy, batch),
            OnFailure = failure =>
            {
                failures++;
                return onFailure?.Invoke(proxy, failure) ?? Task.CompletedTask;
            },
        });
        ContentAssert.Unique(reading.Records);
        ContentAssert.Same(documents.Select(set.Expected), reading.Apply());

        // A server that closes each connection behind its answer may have none that can be cut: its next client is refused.
        Assert.True(proxy.Cuts + failures > 0, "Nothing was cut or refused: the fault came too late to be met.");
    }

    private static async Task CheckFailsInTimeAsync(SourceDataSet set, TcpProxy proxy)
    {
        await using var source = set.Open(new SourceKnobs { Through = proxy.EndPoint });
        var time = AwakeTime.Start();
        var health = await source.CheckAsync(Ct);
        Assert.NotNull(health.Problem);
        Assert.True(time.Elapsed <= LongestCheck + TimeSpan.FromSeconds(5), "The check took longer than five seconds.");
    }

    private static IPEndPoint ServerOf(SourceDataSet set) =>
        set.Server ?? throw new NotSupportedException("This source has no server: override the check with the reason in its name.");

    private static async Task<Partition> FirstPartitionAsync(SourceDataSet set)
    {
        await using var source = set.Open(new SourceKnobs());
        return Assert.Single(await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct));
    }

    private static async Task TheRestIsThereAsync(
        SourceDataSet set, Document[] documents, Partition partition, Position last, IReadOnlyList<ReadRecord> before)
    {
        var saved = new Dictionary<PartitionId, Position> { [partition.Id] = last };
        var rest = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct, saved);
        ContentAssert.Unique(before.Concat(rest.Records));
        ContentAssert.Same(documents.Select(set.Expected), rest.Apply(before.ToDictionary(r => r.Key, r => r.Json)));
    }
}
