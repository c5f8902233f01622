using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Tests.Engine;

namespace EsPipeline.Core.Tests.Verification;

/// <content>Comparing while a run of the job is under way.</content>
public sealed partial class VerifierTests
{
    [Fact]
    public async Task While_a_run_is_under_way_it_is_given_its_interval_to_catch_up_before_the_second_look()
    {
        var documents = Documents(10);
        await _sink.HoldAsync(documents);
        documents[3] = documents[3] with { Json = """{"n":"new"}""" };
        await using var run = await RunAsync();
        var looks = new List<DateTimeOffset>();
        _sink.BeforeReading = () =>
        {
            looks.Add(_job.Time.GetUtcNow());
            if (looks.Count == 2) _sink.HoldAsync(documents[3]).Wait();
        };
        var result = await VerifyAsync(new TestSource(documents));
        Assert.Equal((true, 1L), (result.IsClean, result.Settled));
        Assert.InRange(looks[1] - looks[0], TimeSpan.FromSeconds(35), TimeSpan.FromSeconds(60));
        Assert.Contains(result.Notes, n => n.Contains("under way", StringComparison.Ordinal));
        Assert.Equal(1, _job.Log.Count(1016));
    }

    [Theory]
    [InlineData(3, 4, true)]
    [InlineData(9, 5, false)]
    public async Task A_key_that_keeps_changing_while_a_run_is_under_way_is_looked_at_some_times_with_growing_pauses(int changes, int expectedLooks, bool settles)
    {
        var documents = Documents(10);
        await _sink.HoldAsync(documents);
        var source = new TestSource(documents);
        await using var run = await RunAsync();
        var looks = new List<DateTimeOffset>();
        _sink.BeforeReading = () =>
        {
            looks.Add(_job.Time.GetUtcNow());

            // The run is one change behind, until there are no more.
            var k = looks.Count;
            _sink.HoldAsync(documents[3] with { Json = $$"""{"n":{{(k <= changes ? k - 2 : changes)}}}""" }).Wait();
            source.Data = [[.. documents.Select((d, i) => i == 3 ? d with { Json = $$"""{"n":{{Math.Min(k, changes)}}}""" } : d)]];
        };
        source.Data = [[.. documents.Select((d, i) => i == 3 ? d with { Json = """{"n":"first"}""" } : d)]];
        var result = await VerifyAsync(source);
        Assert.Equal((expectedLooks, settles, settles ? 1L : 0L), (looks.Count, result.IsClean, result.Settled));
        Assert.All(looks.Zip(looks.Skip(1)).Zip(looks.Skip(1).Zip(looks.Skip(2))), p => Assert.True(p.First.Second - p.First.First < p.Second.Second - p.Second.First));
        Assert.Contains(result.Notes, n => n.Contains($"{expectedLooks - 1} times", StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_key_that_differs_and_does_not_change_is_told_after_one_more_look_though_a_run_is_under_way()
    {
        var documents = Documents(10);
        await _sink.HoldAsync(documents);
        documents[3] = documents[3] with { Json = """{"n":"new"}""" };
        await using var run = await RunAsync();
        var looks = 0;
        _sink.BeforeReading = () => looks++;
        var result = await VerifyAsync(new TestSource(documents));
        Assert.Equal((2, 1L), (looks, result.Different.Count));
    }

    // A run of the job that does nothing, until it is disposed.
    private async Task<IAsyncDisposable> RunAsync()
    {
        var stop = new CancellationTokenSource();
        var began = new TaskCompletionSource();
        var source = new TestSource(Documents(1)) { BeforeBatch = (_, _, ct) => { began.TrySetResult(); return Task.Delay(Timeout.InfiniteTimeSpan, ct); } };
        var run = new Pipeline(_job.Setup(source, new TestSink())).RunAsync(stop.Token);
        await began.Task.WaitAsync(TestContext.Current.CancellationToken);
        var store = new FileStateStore(_job.Folder, _job.Time);
        while (await store.ReadRunsAsync("job", 1, TestContext.Current.CancellationToken) is [])
        {
            TestContext.Current.CancellationToken.ThrowIfCancellationRequested();
            await Task.Yield();
        }

        return new RunUnderWay(stop, () => _job.Time.RunAsync(run));
    }

    private sealed class RunUnderWay(CancellationTokenSource stop, Func<Task> end) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await stop.CancelAsync();
            await end();
            stop.Dispose();
        }
    }
}
