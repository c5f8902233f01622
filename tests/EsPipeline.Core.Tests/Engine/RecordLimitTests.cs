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
