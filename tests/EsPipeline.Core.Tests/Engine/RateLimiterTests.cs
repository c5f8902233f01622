using EsPipeline.Core.Engine;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Tests.Engine;

public sealed class RateLimiterTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_keeps_the_rate_within_five_per_cent_whatever_the_size_of_the_writes()
    {
        foreach (var (rate, size) in new[] { (100.0, 1), (100.0, 7), (1000.0, 500), (0.5, 1), (50_000.0, 1000), (10.0, 100) })
        {
            var time = new FakeTime();
            var limiter = new RateLimiter(rate, null, time);
            var writes = (int)Math.Max(20, 60 * rate / size);
            await time.RaceAsync(TakeAsync(limiter, writes, size));
            var actual = writes * size / time.Elapsed.TotalSeconds;
            Assert.InRange(actual, rate * 0.95, rate * 1.05);
        }
    }

    [Fact]
    public async Task Many_writers_share_it()
    {
        var time = new FakeTime();
        var limiter = new RateLimiter(200, null, time);
        await time.RaceAsync(Task.WhenAll(Enumerable.Range(0, 8).Select(_ => TakeAsync(limiter, 100, 15))));
        Assert.InRange(8 * 100 * 15 / time.Elapsed.TotalSeconds, 190, 210);
    }

    [Fact]
    public async Task After_a_rest_it_makes_up_for_a_tenth_of_a_second_only()
    {
        var time = new FakeTime();
        var limiter = new RateLimiter(100, null, time);
        time.Advance(TimeSpan.FromHours(1));
        var before = time.Elapsed;
        await time.RaceAsync(TakeAsync(limiter, 100, 1));
        Assert.InRange((time.Elapsed - before).TotalSeconds, 0.85, 1.0);
    }

    [Fact]
    public async Task A_ramp_grows_by_its_factor_each_period_up_to_its_maximum()
    {
        var time = new FakeTime();
        var limiter = new RateLimiter(null, new RateRamp(500, 1.5, TimeSpan.FromMinutes(5), 10_000), time);
        Assert.Equal(500, limiter.Rate);
        time.Advance(TimeSpan.FromMinutes(5) - TimeSpan.FromTicks(1));
        Assert.Equal(500, limiter.Rate);
        time.Advance(TimeSpan.FromTicks(1));
        Assert.Equal(750, limiter.Rate);
        time.Advance(TimeSpan.FromMinutes(5));
        Assert.Equal(1125, limiter.Rate);
        time.Advance(TimeSpan.FromDays(30));
        Assert.Equal(10_000, limiter.Rate);
        var before = time.Elapsed;
        await time.RaceAsync(TakeAsync(limiter, 200, 500));
        Assert.InRange(200 * 500 / (time.Elapsed - before).TotalSeconds, 9_500, 10_500);
    }

    [Fact]
    public void The_lower_of_the_persons_limit_and_the_ramp_counts()
    {
        var ramp = new RateRamp(500, 2, TimeSpan.FromMinutes(1), 10_000);
        var time = new FakeTime();
        var limiter = new RateLimiter(600, ramp, time);
        Assert.Equal(500, limiter.Rate);
        time.Advance(TimeSpan.FromMinutes(1));
        Assert.Equal(600, limiter.Rate);
    }

    [Fact]
    public async Task Without_a_limit_nobody_waits()
    {
        var limiter = new RateLimiter(null, null, new FakeTime());
        Assert.Null(limiter.Rate);
        await TakeAsync(limiter, 1000, 1_000_000);
    }

    [Fact]
    public async Task A_wait_can_be_cancelled()
    {
        var limiter = new RateLimiter(1, null, new FakeTime());
        using var cancel = new CancellationTokenSource();
        var waiting = limiter.TakeAsync(1000, cancel.Token).AsTask();
        Assert.False(waiting.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
    }

    private static async Task TakeAsync(RateLimiter limiter, int writes, int size)
    {
        for (var i = 0; i < writes; i++) await limiter.TakeAsync(size, Ct);
    }
}
