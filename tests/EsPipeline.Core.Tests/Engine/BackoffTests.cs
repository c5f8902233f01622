using EsPipeline.Core.Engine;

namespace EsPipeline.Core.Tests.Engine;

public sealed class BackoffTests
{
    [Fact]
    public void Pauses_double_up_to_a_minute_with_thirty_per_cent_of_jitter()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), new Random(1));
        var pauses = Enumerable.Range(1, 12).Select(n => Enumerable.Range(0, 200).Select(_ => backoff.Pause(n, null).TotalSeconds).ToArray()).ToArray();
        for (var n = 0; n < 6; n++)
        {
            Assert.InRange(pauses[n].Min(), 0.7 * Math.Pow(2, n), 0.8 * Math.Pow(2, n));
            Assert.InRange(pauses[n].Max(), Math.Min(60, 1.2 * Math.Pow(2, n)), Math.Min(60, 1.3 * Math.Pow(2, n)));
        }

        Assert.Equal(60, pauses[^1].Max());
        Assert.InRange(backoff.Pause(int.MaxValue, null).TotalSeconds, 42, 60);
    }

    [Fact]
    public void The_systems_own_wish_is_kept_where_it_is_longer()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(4), new Random(1));
        Assert.Equal(TimeSpan.FromMinutes(5), backoff.Pause(1, TimeSpan.FromMinutes(5)));
        Assert.InRange(backoff.Pause(1, TimeSpan.FromMilliseconds(1)).TotalSeconds, 2.8, 5.2);
    }

    [Fact]
    public void An_absurd_wish_is_cut_to_an_hour()
    {
        var backoff = new Backoff(TimeSpan.FromSeconds(1), new Random(1));
        Assert.Equal(TimeSpan.FromHours(1), backoff.Pause(1, TimeSpan.FromDays(10_000)));
    }

    [Fact]
    public void A_seed_repeats_the_pauses()
    {
        var (one, two) = (new Backoff(TimeSpan.FromSeconds(1), new Random(7)), new Backoff(TimeSpan.FromSeconds(1), new Random(7)));
        for (var n = 1; n < 20; n++) Assert.Equal(one.Pause(n, null), two.Pause(n, null));
    }
}
