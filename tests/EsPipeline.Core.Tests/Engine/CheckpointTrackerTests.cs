using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.Tests.Engine;

public sealed class CheckpointTrackerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Only_the_lowest_unbroken_run_of_batches_is_safe()
    {
        using var tracker = new CheckpointTracker(new PartitionProgress(new Position("start"), 5));
        Assert.Equal(new PartitionProgress(new Position("start"), 5), tracker.Safe);
        var tickets = await TrackAsync(tracker, 4);
        tickets[2].Resolve();
        tickets[1].Resolve();
        Assert.Equal(new PartitionProgress(new Position("start"), 5), tracker.Safe);
        tickets[0].Resolve();
        Assert.Equal(new PartitionProgress(new Position("2"), 5 + 30), tracker.Safe);
        Assert.Equal(1, tracker.Outstanding);
        tickets[3].Resolve();
        Assert.Equal(new PartitionProgress(new Position("3"), 45), tracker.Safe);
        Assert.Equal(0, tracker.Outstanding);
    }

    [Fact]
    public async Task Any_order_of_resolving_ends_at_the_last_batch()
    {
        foreach (var seed in Enumerable.Range(0, 50))
        {
            using var tracker = new CheckpointTracker(new PartitionProgress(new Position("start"), 0));
            var tickets = await TrackAsync(tracker, 20);
            var resolved = new HashSet<int>();
            foreach (var i in Shuffled(20, seed))
            {
                tickets[i].Resolve();
                resolved.Add(i);
                var prefix = Enumerable.Range(0, 20).TakeWhile(resolved.Contains).Count();
                Assert.Equal(prefix == 0 ? "start" : (prefix - 1).ToString(), tracker.Safe.Position.Value);
                Assert.Equal(10 * prefix, tracker.Safe.Records);
            }
        }
    }

    [Fact]
    public async Task A_batch_without_a_position_counts_its_records_and_leaves_the_position()
    {
        using var tracker = new CheckpointTracker(new PartitionProgress(new Position("start"), 0));
        (await tracker.TrackAsync(new Position("one"), 3, Ct)).Resolve();
        (await tracker.TrackAsync(null, 2, Ct)).Resolve();
        Assert.Equal(new PartitionProgress(new Position("one"), 5), tracker.Safe);
    }

    [Fact]
    public async Task At_its_cap_it_waits_instead_of_growing()
    {
        using var tracker = new CheckpointTracker(new PartitionProgress(new Position("start"), 0), capacity: 3);
        var tickets = await TrackAsync(tracker, 3);
        var fourth = tracker.TrackAsync(new Position("3"), 10, Ct).AsTask();
        tickets[1].Resolve();
        Assert.False(fourth.IsCompleted);
        tickets[0].Resolve();
        await fourth;
        Assert.Equal(2, tracker.Outstanding);
    }

    private static int[] Shuffled(int count, int seed)
    {
        var numbers = Enumerable.Range(0, count).ToArray();
        new Random(seed).Shuffle(numbers);
        return numbers;
    }

    private static async Task<CheckpointTracker.Ticket[]> TrackAsync(CheckpointTracker tracker, int count)
    {
        var tickets = new CheckpointTracker.Ticket[count];
        for (var i = 0; i < count; i++) tickets[i] = await tracker.TrackAsync(new Position(i.ToString()), 10, Ct);
        return tickets;
    }
}
