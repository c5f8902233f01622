using EsPipeline.Core.Engine;

namespace EsPipeline.Core.Tests.Engine;

public sealed class RecordLimitTests
{
    [Fact]
    public void Exactly_so_many_pass_however_many_threads_take()
    {
        var limit = new RecordLimit(10_007);
        long passed = 0;
        Parallel.For(0, 64, i =>
        {
            var random = new Random(i);
            while (!limit.Reached) Interlocked.Add(ref passed, limit.Take(random.Next(1, 50)));
        });
        Assert.Equal(10_007, passed);
        Assert.Equal(0, limit.Take(1));
    }

    [Fact]
    public void What_comes_again_counts_once_and_is_kept_for_whoever_reads_it_again()
    {
        var limit = new RecordLimit(100);
        var (share, other) = (new LimitShare(limit), new LimitShare(limit));
        Assert.Equal((40, 10), (share.Take(40), share.Take(10)));
        share.BeginAgain();
        Assert.Equal(50, other.Take(70));
        Assert.Equal((false, true), (share.Reached, other.Reached));
        Assert.Equal(30, share.Take(30));
        share.BeginAgain();
        Assert.Equal((20, 30, 0), (share.Take(20), share.Take(40), share.Take(1)));
        Assert.Equal((true, 50L, 0L), (share.Reached, share.Settle(), share.Settle()));
    }

    [Fact]
    public void What_does_not_come_again_is_left_to_the_others()
    {
        var limit = new RecordLimit(100);
        var share = new LimitShare(limit);
        Assert.Equal(100, share.Take(100));
        share.BeginAgain();
        Assert.Equal(70, share.Take(70));
        Assert.Equal((70L, false), (share.Settle(), share.Reached));
        Assert.Equal(30, new LimitShare(limit).Take(50));
    }

    [Fact]
    public void Without_a_limit_all_pass()
    {
        var limit = new RecordLimit(null);
        Assert.Equal(int.MaxValue, limit.Take(int.MaxValue));
        Assert.False(limit.Reached);
    }

    [Fact]
    public void A_limit_that_was_reached_before_lets_nothing_pass()
    {
        Assert.True(new RecordLimit(0).Reached);
        Assert.Equal(0, new RecordLimit(-5).Take(3));
    }
}
