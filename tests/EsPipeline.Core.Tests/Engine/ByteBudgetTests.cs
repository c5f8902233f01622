using EsPipeline.Core.Engine;

namespace EsPipeline.Core.Tests.Engine;

public sealed class ByteBudgetTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_does_not_fit_waits_until_there_is_room()
    {
        var budget = new ByteBudget(100);
        await budget.TakeAsync(60, Ct);
        await budget.TakeAsync(40, Ct);
        var waiting = budget.TakeAsync(30, Ct).AsTask();
        Assert.False(waiting.IsCompleted);
        budget.Give(10);
        Assert.False(waiting.IsCompleted);
        budget.Give(50);
        await waiting;
        Assert.Equal(70, budget.Used);
    }

    [Fact]
    public async Task A_batch_larger_than_the_whole_budget_passes_alone()
    {
        var budget = new ByteBudget(100);
        await budget.TakeAsync(1000, Ct);
        var waiting = budget.TakeAsync(1, Ct).AsTask();
        Assert.False(waiting.IsCompleted);
        budget.Give(1000);
        await waiting;
    }

    [Fact]
    public async Task A_small_one_does_not_overtake_a_large_one_that_waits()
    {
        var budget = new ByteBudget(100);
        await budget.TakeAsync(80, Ct);
        var large = budget.TakeAsync(90, Ct).AsTask();
        var small = budget.TakeAsync(10, Ct).AsTask();
        Assert.False(small.IsCompleted);
        budget.Give(80);
        await large;
        await small;
    }

    [Fact]
    public async Task One_that_gives_up_waiting_lets_the_next_one_pass()
    {
        var budget = new ByteBudget(100);
        await budget.TakeAsync(80, Ct);
        using var cancel = new CancellationTokenSource();
        var gone = budget.TakeAsync(90, cancel.Token).AsTask();
        var next = budget.TakeAsync(50, Ct).AsTask();
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => gone);
        budget.Give(80);
        await next;
        Assert.Equal(50, budget.Used);
    }

    [Fact]
    public async Task Many_takers_never_exceed_it()
    {
        var budget = new ByteBudget(1000);
        long most = 0;
        await Task.WhenAll(Enumerable.Range(0, 50).Select(async seed =>
        {
            var random = new Random(seed);
            for (var i = 0; i < 200; i++)
            {
                var bytes = random.Next(1, 400);
                await budget.TakeAsync(bytes, Ct);
                InterlockedMax(ref most, budget.Used);
                await Task.Yield();
                budget.Give(bytes);
            }
        }));
        Assert.InRange(most, 400, 1000);
        Assert.Equal(0, budget.Used);
    }

    private static void InterlockedMax(ref long target, long value)
    {
        for (var now = Interlocked.Read(ref target); value > now; now = Interlocked.Read(ref target))
        {
            if (Interlocked.CompareExchange(ref target, value, now) == now) return;
        }
    }
}
