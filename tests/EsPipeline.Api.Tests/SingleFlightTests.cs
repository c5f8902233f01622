using EsPipeline.Api.Analytics;
using EsPipeline.Api.Search;

namespace EsPipeline.Api.Tests;

/// <summary>What several ask for at once is found out once, never before one of them asked, and is nobody's to end for the others.</summary>
public sealed class SingleFlightTests
{
    private readonly Clock _clock = new();
    private readonly List<Begun> _begun = [];
    private readonly SingleFlight<Found> _flights;

    public SingleFlightTests() => _flights = new SingleFlight<Found>(TimeSpan.FromSeconds(1), _clock);

    [Fact]
    public async Task Those_who_come_while_it_is_found_out_wait_together_for_the_next_time()
    {
        var (first, other) = (AskAsync("a"), AskAsync("b"));
        var (second, third) = (AskAsync("a"), AskAsync("a"));
        Assert.Equal(2, _begun.Count);
        _begun[0].Answer.SetResult(new Found("one"));
        Assert.Equal("one", await first);
        await BegunAsync(3);
        var fourth = AskAsync("a");
        Assert.False(second.IsCompleted);
        _begun[2].Answer.SetResult(new Found("two"));
        Assert.Equal(("two", "two"), (await second, await third));
        await BegunAsync(4);
        _begun[3].Answer.SetResult(new Found("three"));
        Assert.Equal("three", await fourth);
        _begun[1].Answer.SetResult(new Found("other"));
        Assert.Equal("other", await other);
        Assert.Equal("new", await AnsweredAsync(AskAsync("a"), 4, "new"));
    }

    [Fact]
    public async Task A_slow_one_is_waited_for_only_so_long()
    {
        var slow = AskAsync("a");
        var next = AskAsync("a");
        Assert.Single(_begun);
        _clock.Fire();
        Assert.Equal("next", await AnsweredAsync(next, 1, "next"));
        Assert.Equal("slow", await AnsweredAsync(slow, 0, "slow"));
    }

    [Fact]
    public async Task Who_gives_up_ends_it_only_where_nobody_else_waits()
    {
        using var leaver = new CancellationTokenSource();
        using var last = new CancellationTokenSource();
        var first = AskAsync("a");
        var (left, stays) = (AskUntilAsync("a", leaver.Token), AskUntilAsync("a", last.Token));
        Assert.Equal("first", await AnsweredAsync(first, 0, "first"));
        await BegunAsync(2);
        await leaver.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.False(_begun[1].Deserted.IsCancellationRequested);
        await last.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stays);
        Assert.True(_begun[1].Deserted.IsCancellationRequested);

        // What nobody waits for is not waited for by those who come later, and is disposed of where it comes all the same.
        var anew = AskAsync("a");
        Assert.Equal("new", await AnsweredAsync(anew, 2, "new"));
        var late = new Found("late");
        _begun[1].Answer.SetResult(late);
        await late.Disposed.Task.WaitAsync(SearchServer.Ct);
    }

    [Fact]
    public async Task What_waits_for_its_turn_never_begins_where_nobody_waits_for_it()
    {
        using var leaver = new CancellationTokenSource();
        var first = AskAsync("a");
        var left = AskUntilAsync("a", leaver.Token);
        await leaver.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.Equal("first", await AnsweredAsync(first, 0, "first"));
        Assert.Equal("next", await AnsweredAsync(AskAsync("a"), 1, "next"));
        Assert.Equal(2, _begun.Count);
    }

    [Fact]
    public async Task It_is_disposed_of_when_the_last_has_done_with_it()
    {
        var first = AskAsync("a");
        var (used, gate) = (new TaskCompletionSource(), new TaskCompletionSource());
        var slow = _flights.JoinAsync("a", Find, async _ =>
        {
            used.SetResult();
            await gate.Task;
        }, SearchServer.Ct);
        var quick = AskAsync("a");
        Assert.Equal("first", await AnsweredAsync(first, 0, "first"));
        var found = new Found("shared");
        await BegunAsync(2);
        _begun[1].Answer.SetResult(found);
        Assert.Equal("shared", await quick);
        await used.Task.WaitAsync(SearchServer.Ct);
        Assert.False(found.Disposed.Task.IsCompleted);
        gate.SetResult();
        await slow;
        Assert.True(found.Disposed.Task.IsCompleted);
    }

    [Fact]
    public async Task An_error_is_everyones_and_is_not_kept()
    {
        var (before, first, second) = (AskAsync("a"), AskAsync("a"), AskAsync("a"));
        Assert.Equal("before", await AnsweredAsync(before, 0, "before"));
        await BegunAsync(2);
        _begun[1].Answer.SetException(ApiErrors.Busy.Error("Too many."));
        Assert.Equal("Too many.", (await Assert.ThrowsAsync<Core.Errors.PipelineException>(() => first)).Message);
        Assert.Equal("Too many.", (await Assert.ThrowsAsync<Core.Errors.PipelineException>(() => second)).Message);
        Assert.Equal("new", await AnsweredAsync(AskAsync("a"), 2, "new"));
    }

    [Fact]
    public void Labels_whose_points_differ_are_put_at_the_same_times()
    {
        var answer = """{"_shards":{"total":1,"successful":1,"failed":0},"hits":{"hits":[]},"aggregations":{"labels":{"buckets":[{"doc_count":1,"points":{"buckets":[{"key":0,"sum":{"value":1}},{"key":60000,"sum":{"value":2}}]}},{"points":{"buckets":[{"key":60000,"sum":{"value":3}},{"key":120000,"sum":{"value":4}}]}}]}}}"""u8;
        var timeline = new TimelineBuilder(["a", "b"], new TimeRange(null, null, TimeZoneInfo.Utc), OutsideCounts.None, new Interval("1m", "fixed_interval", TimeSpan.FromMinutes(1)), false);
        SearchAnswer.Read(answer.ToArray(), timeline.Read);
        var made = timeline.Build();
        Assert.Equal(["1970-01-01T00:00:00+00:00", "1970-01-01T00:01:00+00:00", "1970-01-01T00:02:00+00:00"], made.Points);
        Assert.Equal([1, 2, 0], made.Series[0].Counts);
        Assert.Equal([0, 3, 4], made.Series[1].Counts);
        Assert.Equal((3, 7), (made.Series[0].Total, made.Series[1].Total));
    }

    private async Task<string> AnsweredAsync(Task<string> asked, int number, string answer)
    {
        await BegunAsync(number + 1);
        _begun[number].Answer.SetResult(new Found(answer));
        return await asked;
    }

    private async Task BegunAsync(int count)
    {
        while (true)
        {
            lock (_begun)
            {
                if (_begun.Count >= count) return;
            }

            SearchServer.Ct.ThrowIfCancellationRequested();
            await Task.Yield();
        }
    }

    private Task<string> AskAsync(string key) => AskUntilAsync(key, SearchServer.Ct);

    private async Task<string> AskUntilAsync(string key, CancellationToken ct)
    {
        var text = "";
        await _flights.JoinAsync(key, Find, found =>
        {
            text = found.Text;
            return Task.CompletedTask;
        }, ct);
        return text;
    }

    private Task<Found> Find(CancellationToken deserted)
    {
        var begun = new Begun(new TaskCompletionSource<Found>(), deserted);
        lock (_begun) _begun.Add(begun);
        return begun.Answer.Task;
    }

    private sealed record Begun(TaskCompletionSource<Found> Answer, CancellationToken Deserted);

    private sealed record Found(string Text) : IDisposable
    {
        public TaskCompletionSource Disposed { get; } = new();

        public void Dispose() => Disposed.SetResult();
    }

    private sealed class Clock : TimeProvider
    {
        private readonly List<Action> _timers = [];

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
        {
            _timers.Add(() => callback(state));
            return TimeProvider.System.CreateTimer(static _ => { }, null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
        }

        public void Fire() => _timers.ForEach(t => t());
    }
}
