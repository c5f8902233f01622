using EsPipeline.Api.Analytics;
using EsPipeline.Api.Search;

namespace EsPipeline.Api.Tests;

/// <summary>What several ask for at the same moment is found out once, is never older than a second, and is nobody's to end for the others.</summary>
public sealed class SingleFlightTests
{
    private readonly Clock _clock = new();
    private readonly List<(TaskCompletionSource<string> Answer, CancellationToken Deserted)> _begun = [];
    private readonly SingleFlight<string> _flights;

    public SingleFlightTests() => _flights = new SingleFlight<string>(TimeSpan.FromSeconds(1), _clock);

    [Fact]
    public async Task Those_who_ask_the_same_at_once_are_given_the_same_and_later_ones_what_is_new()
    {
        var (first, second, other) = (AskAsync("a"), AskAsync("a"), AskAsync("b"));
        Assert.Equal(2, _begun.Count);
        _begun[0].Answer.SetResult("one");
        Assert.Equal(("one", "one"), (await first, await second));
        var third = AskAsync("a");
        _begun[2].Answer.SetResult("new");
        Assert.Equal("new", await third);
        _begun[1].Answer.SetResult("other");
        Assert.Equal("other", await other);
    }

    [Fact]
    public async Task What_was_begun_a_second_ago_is_not_joined_any_more()
    {
        var old = AskAsync("a");
        _clock.Now += TimeSpan.FromMilliseconds(999);
        var joined = AskAsync("a");
        _clock.Now += TimeSpan.FromMilliseconds(1);
        var anew = AskAsync("a");
        Assert.Equal(2, _begun.Count);
        _begun[0].Answer.SetResult("old");
        Assert.Equal(("old", "old"), (await old, await joined));

        // The end of the old one is not that of the new one, which can still be joined.
        var more = AskAsync("a");
        Assert.Equal(2, _begun.Count);
        _begun[1].Answer.SetResult("new");
        Assert.Equal(("new", "new"), (await anew, await more));
    }

    [Fact]
    public async Task Who_gives_up_ends_it_only_where_nobody_else_waits()
    {
        using var leaver = new CancellationTokenSource();
        using var last = new CancellationTokenSource();
        var (left, stays) = (AskUntilAsync("a", leaver.Token), AskUntilAsync("a", last.Token));
        await leaver.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => left);
        Assert.False(_begun[0].Deserted.IsCancellationRequested);
        await last.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => stays);
        Assert.True(_begun[0].Deserted.IsCancellationRequested);

        // What nobody waits for is not joined: it ends with an error.
        var anew = AskAsync("a");
        _begun[0].Answer.SetCanceled(_begun[0].Deserted);
        _begun[1].Answer.SetResult("new");
        Assert.Equal("new", await anew);
    }

    [Fact]
    public async Task An_error_is_everyones_and_is_not_kept()
    {
        var (first, second) = (AskAsync("a"), AskAsync("a"));
        _begun[0].Answer.SetException(ApiErrors.Busy.Error("Too many."));
        Assert.Equal("Too many.", (await Assert.ThrowsAsync<Core.Errors.PipelineException>(() => first)).Message);
        Assert.Equal("Too many.", (await Assert.ThrowsAsync<Core.Errors.PipelineException>(() => second)).Message);
        var third = AskAsync("a");
        _begun[1].Answer.SetResult("new");
        Assert.Equal("new", await third);
    }

    [Fact]
    public void Labels_whose_points_differ_are_put_at_the_same_times()
    {
        var answer = """{"_shards":{"total":1,"successful":1,"failed":0},"hits":{"hits":[]},"aggregations":{"labels":{"buckets":[{"doc_count":1,"points":{"buckets":[{"key":0,"sum":{"value":1}},{"key":60000,"sum":{"value":2}}]}},{"points":{"buckets":[{"key":60000,"sum":{"value":3}},{"key":120000,"sum":{"value":4}}]}}]}}}"""u8;
        var timeline = new TimelineBuilder(["a", "b"], new TimeRange(null, null, TimeZoneInfo.Utc), new Interval("1m", "fixed_interval", TimeSpan.FromMinutes(1)), false);
        SearchAnswer.Read(answer.ToArray(), timeline.Read);
        var made = timeline.Build();
        Assert.Equal(["1970-01-01T00:00:00+00:00", "1970-01-01T00:01:00+00:00", "1970-01-01T00:02:00+00:00"], made.Points);
        Assert.Equal([1, 2, 0], made.Series[0].Counts);
        Assert.Equal([0, 3, 4], made.Series[1].Counts);
        Assert.Equal((3, 7), (made.Series[0].Total, made.Series[1].Total));
    }

    private Task<string> AskAsync(string key) => AskUntilAsync(key, SearchServer.Ct);

    private Task<string> AskUntilAsync(string key, CancellationToken ct) => _flights.JoinAsync(key, deserted =>
    {
        var answer = new TaskCompletionSource<string>();
        _begun.Add((answer, deserted));
        return answer.Task;
    }, ct);

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
