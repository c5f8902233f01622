using EsPipeline.Core.Engine;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Tests.Engine;

public sealed class AdaptiveSizeTests
{
    private static readonly SinkLimits Limits = new() { MaxRecords = 1000, StartRecords = 100, Concurrency = 8, StartConcurrency = 2 };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Calm_writes_raise_the_size_by_a_step_up_to_the_sinks_limit()
    {
        var size = new AdaptiveSize(Limits);
        Assert.Equal((100, 2), (size.Records, size.Concurrency));
        await WriteAsync(size);
        Assert.Equal(125, size.Records);
        for (var i = 0; i < 200; i++) await WriteAsync(size);
        Assert.Equal((1000, 8), (size.Records, size.Concurrency));
    }

    [Fact]
    public async Task Pressure_halves_both_and_never_goes_below_the_least()
    {
        var size = new AdaptiveSize(Limits, minRecords: 30);
        await PressAsync(size);
        Assert.Equal((50, 1), (size.Records, size.Concurrency));
        for (var i = 0; i < 5; i++) await PressAsync(size);
        Assert.Equal((30, 1), (size.Records, size.Concurrency));
    }

    [Fact]
    public async Task Writes_that_began_before_a_cut_do_not_cut_again()
    {
        var size = new AdaptiveSize(Limits with { StartConcurrency = 4 });
        var epochs = new long[4];
        for (var i = 0; i < epochs.Length; i++) epochs[i] = await size.EnterAsync(Ct);
        foreach (var epoch in epochs) size.Pressed(epoch);
        Assert.Equal((50, 2), (size.Records, size.Concurrency));
    }

    [Fact]
    public async Task A_time_per_record_beyond_twice_the_best_halves_them()
    {
        var size = new AdaptiveSize(Limits);
        for (var i = 0; i < 10; i++) await WriteAsync(size, milliseconds: 10);
        var before = size.Records;

        // The average follows slowly: one slow write is not yet a reason.
        await WriteAsync(size, milliseconds: 30);
        Assert.True(size.Records >= before);
        for (var i = 0; i < 3 && size.Records >= before; i++) await WriteAsync(size, milliseconds: 60);
        Assert.True(size.Records < before, $"{size.Records} after {before}");
    }

    [Fact]
    public async Task A_small_write_says_nothing_about_the_time_per_record()
    {
        var size = new AdaptiveSize(Limits);
        for (var i = 0; i < 10; i++) await WriteAsync(size, milliseconds: 10);
        var before = size.Records;
        for (var i = 0; i < 50; i++) await WriteAsync(size, milliseconds: 10, records: 1);
        Assert.Equal(before, size.Records);
    }

    [Fact]
    public void What_a_person_asks_for_is_kept_within_the_sinks_limits()
    {
        Assert.Equal(1000, new AdaptiveSize(Limits, startRecords: 5000).Records);
        Assert.Equal(40, new AdaptiveSize(Limits, startRecords: 100, maxRecords: 40).Records);
        Assert.Equal(200, new AdaptiveSize(Limits, startRecords: 1, minRecords: 200).Records);
        Assert.Equal(1000, new AdaptiveSize(Limits, minRecords: 100_000).Records);
    }

    [Fact]
    public async Task No_more_writes_are_under_way_than_allowed_and_those_that_wait_come_in_order()
    {
        var size = new AdaptiveSize(Limits);
        await size.EnterAsync(Ct);
        await size.EnterAsync(Ct);
        var (third, fourth) = (size.EnterAsync(Ct).AsTask(), size.EnterAsync(Ct).AsTask());
        Assert.False(third.IsCompleted);
        size.Leave();
        await third;
        Assert.False(fourth.IsCompleted);
        size.Leave();
        await fourth;
    }

    [Fact]
    public async Task One_that_gives_up_waiting_takes_no_place()
    {
        var size = new AdaptiveSize(Limits with { StartConcurrency = 1 });
        await size.EnterAsync(Ct);
        using var cancel = new CancellationTokenSource();
        var waiting = size.EnterAsync(cancel.Token).AsTask();
        var next = size.EnterAsync(Ct).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
        size.Leave();
        await next;
    }

    [Fact]
    public async Task Additive_increase_and_multiplicative_decrease_settle_around_what_the_system_bears()
    {
        var size = new AdaptiveSize(Limits with { Concurrency = 1, StartConcurrency = 1 });
        var seen = new List<int>();
        for (var i = 0; i < 500; i++)
        {
            if (size.Records > 600) await PressAsync(size);
            else await WriteAsync(size);
            if (i > 50) seen.Add(size.Records);
        }

        Assert.InRange(seen.Min(), 250, 350);
        Assert.InRange(seen.Max(), 600, 650);
        Assert.InRange(seen.Average(), 400, 550);
    }

    private static async Task WriteAsync(AdaptiveSize size, int milliseconds = 10, int? records = null)
    {
        var epoch = await size.EnterAsync(Ct);
        var count = records ?? size.Records;
        size.Calm(epoch, count, TimeSpan.FromMilliseconds(milliseconds * (double)count / 100));
        size.Leave();
    }

    private static async Task PressAsync(AdaptiveSize size)
    {
        var epoch = await size.EnterAsync(Ct);
        size.Pressed(epoch);
        size.Leave();
    }
}
