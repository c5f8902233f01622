using EsPipeline.Core.Engine;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>Limits, signals and time-outs: how a run ends before everything is copied.</summary>
public sealed class StoppingTests : IDisposable
{
    private static readonly IReadOnlyList<RecordFailure> None = [];

    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task A_limit_is_exact_whatever_the_number_of_threads()
    {
        foreach (var limit in (int[])[1, 9, 10, 11, 333, 1999])
        {
            using var job = new TestJob();
            var source = new TestSource([.. Enumerable.Range(0, 8).Select(p => Corpus.Plain(250 * (p + 1)).Skip(250 * p).ToArray())]);
            var sink = new TestSink();
            var setup = job.Setup(source, sink) with { Threads = 8, Selection = new Core.Sources.Selection(Limit: limit), Bounded = true };
            var result = await job.RunAsync(setup);
            Assert.Equal((RunOutcome.Done, (long)limit, (long)limit, limit), (result.Outcome, result.Account.Read, result.Account.Written, sink.Documents.Count));
        }
    }

    [Fact]
    public async Task A_limit_counts_what_was_copied_before_the_run_was_stopped()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(1000)]), new TestSink { Limits = new SinkLimits { MaxRecords = 10, Concurrency = 1 } });
        using var stop = new CancellationTokenSource();
        source.BeforeBatch = async (_, at, _) =>
        {
            if (at == 100) await stop.CancelAsync();
        };
        var setup = _job.Setup(source, sink) with { Selection = new Core.Sources.Selection(Limit: 255), Bounded = true };
        var first = await _job.Time.RunAsync(new Pipeline(setup).RunAsync(stop.Token));
        Assert.Equal((RunOutcome.Stopped, 100L), (first.Outcome, first.Account.Written));
        source.BeforeBatch = (_, _, _) => Task.CompletedTask;
        var second = await _job.RunAsync(setup);
        Assert.Equal((RunOutcome.Done, 155L, 255), (second.Outcome, second.Account.Written, sink.Documents.Count));
    }

    [Fact]
    public async Task Stopped_it_reads_no_more_writes_what_it_has_and_saves()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(10_000)]), new TestSink());
        using var stop = new CancellationTokenSource();
        sink.BeforeWrite = async (_, _) =>
        {
            if (sink.Writes >= 5) await stop.CancelAsync();
            return None;
        };

        // The second half is not there before the reader has heard of it.
        source.BeforeBatch = (_, at, ct) => at < 5000 ? Task.CompletedTask : Task.Delay(Timeout.InfiniteTimeSpan, ct);
        var result = await _job.Time.RunAsync(new Pipeline(_job.Setup(source, sink)).RunAsync(stop.Token));
        Assert.Equal((RunOutcome.Stopped, 0L, true), (result.Outcome, result.Account.Unfinished, result.Account.Balances));
        Assert.InRange(result.Account.Written, 50, 5000);
        Assert.Equal(result.Account.Written, sink.Documents.Count);
        Assert.Equal((int)result.Account.Written, TestSource.NumberOf((await _job.SavedAsync())!.Partitions.Single().Value.Position));
        Assert.Equal((1, 0), (_job.Log.Count(1007), _job.Log.Count(1008)));
    }

    [Fact]
    public async Task A_file_that_still_reads_what_it_holds_does_not_hold_up_a_stop()
    {
        var learns = false;
        var file = new RecordingFile(_job.Time) { Learns = ct => { learns = true; return Task.Delay(Timeout.InfiniteTimeSpan, ct); } };
        var source = new TestSource([.. Corpus.Plain(5000)]) { Shape = p => p with { Repeats = true } };
        using var stop = new CancellationTokenSource();
        var running = new Pipeline(_job.Setup(source, file) with { ReadAheadBytes = 10_000 }).RunAsync(stop.Token);
        await _job.Time.RunUntilAsync(() => learns);
        var asked = _job.Time.Elapsed;
        await stop.CancelAsync();
        var result = await _job.Time.RunAsync(running);
        Assert.Equal((RunOutcome.Stopped, null, 0L), (result.Outcome, result.Error, result.Account.Written));
        Assert.Equal((1, 0), (_job.Log.Count(1007), _job.Log.Count(1008)));
        Assert.True(_job.Time.Elapsed - asked < TimeSpan.FromSeconds(5));

        // What was read and not written is read again.
        var next = new RecordingFile(_job.Time);
        Assert.Equal(5000, (await _job.RunAsync(new TestSource([.. Corpus.Plain(5000)]), next)).Account.Written);
    }

    [Fact]
    public async Task What_is_in_flight_has_the_shutdown_timeout_and_no_more()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        using var stop = new CancellationTokenSource();
        var stuck = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        sink.BeforeWrite = async (_, ct) =>
        {
            if (sink.Writes == 0) return None;
            var day = Task.Delay(TimeSpan.FromDays(1), _job.Time, ct);
            stuck.TrySetResult();
            await day;
            return None;
        };
        var running = new Pipeline(_job.Setup(source, sink) with { ShutdownTimeout = TimeSpan.FromSeconds(30) }).RunAsync(stop.Token);
        await stuck.Task;
        var at = _job.Time.Elapsed;
        await stop.CancelAsync();
        var result = await _job.Time.RunAsync(running);
        Assert.InRange((_job.Time.Elapsed - at).TotalSeconds, 30, 60);
        Assert.Equal(RunOutcome.Stopped, result.Outcome);
        Assert.True(result.Account.Unfinished > 0 && result.Account.Balances, result.Account.ToString());
        Assert.Equal(1, _job.Log.Count(1008));

        sink.BeforeWrite = (_, _) => Task.FromResult(None);
        Assert.Equal(RunOutcome.Done, (await _job.RunAsync(source, sink)).Outcome);
        ContentAssert.Same(Corpus.Plain(100), sink.Documents);
    }

    [Fact]
    public async Task Stopped_while_the_sink_is_down_it_gives_up_after_the_timeout()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        using var stop = new CancellationTokenSource();
        sink.BeforeWrite = (_, _) => throw TestSink.Busy.Error("Down for days.");
        var setup = _job.Setup(source, sink, PipelineMode.Continuous) with { ShutdownTimeout = TimeSpan.FromSeconds(10) };
        var running = new Pipeline(setup).RunAsync(stop.Token);
        await _job.Time.RunUntilAsync(() => _job.Log.Count(1000) == 1);
        var at = _job.Time.Elapsed;
        await stop.CancelAsync();
        var result = await _job.Time.RunAsync(running);
        Assert.InRange((_job.Time.Elapsed - at).TotalSeconds, 0, 60);
        Assert.Equal(RunOutcome.Stopped, result.Outcome);
    }

    [Fact]
    public async Task Stopped_while_it_waits_for_the_next_interval_it_ends_at_once()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(10)]), new TestSink());
        using var stop = new CancellationTokenSource();
        var pipeline = new Pipeline(_job.Setup(source, sink, PipelineMode.Continuous) with { Interval = TimeSpan.FromDays(1) });
        var running = pipeline.RunAsync(stop.Token);
        await FakeTime.UntilAsync(() => pipeline.Progress.Phase == RunPhase.Waiting);
        await stop.CancelAsync();
        Assert.Equal(RunOutcome.Stopped, (await running.WaitAsync(TimeSpan.FromMinutes(1), TestContext.Current.CancellationToken)).Outcome);
    }

    [Fact]
    public async Task The_longest_runtime_ends_a_run_as_failed_and_a_continuous_one_as_stopped()
    {
        foreach (var (mode, outcome) in new[] { (PipelineMode.FullSync, RunOutcome.Failed), (PipelineMode.Continuous, RunOutcome.Stopped) })
        {
            using var job = new TestJob();
            var source = new TestSource([.. Corpus.Plain(100_000)]);
            source.BeforeBatch = (_, _, ct) => Task.Delay(TimeSpan.FromSeconds(1), job.Time, ct);
            var result = await job.RunAsync(job.Setup(source, new TestSink(), mode) with { MaxRuntime = TimeSpan.FromMinutes(1) });
            Assert.Equal((outcome, outcome == RunOutcome.Failed ? "run.max_runtime" : null), (result.Outcome, result.Error?.Code));
            Assert.InRange(result.Account.Written, 300, 650);
            Assert.Equal(result.Account.Written, TestSource.NumberOf((await job.SavedAsync())!.Partitions.Single().Value.Position));
        }
    }

    [Fact]
    public async Task Positions_are_saved_while_records_flow()
    {
        var source = new TestSource([.. Corpus.Plain(1000)]);
        var positions = new List<int>();
        source.BeforeBatch = async (_, _, ct) =>
        {
            await Task.Delay(TimeSpan.FromSeconds(1), _job.Time, ct);
            if (await _job.SavedAsync() is { } saved) positions.Add(TestSource.NumberOf(saved.Partitions.Single().Value.Position));
        };
        await _job.RunAsync(_job.Setup(source, new TestSink()) with { CheckpointInterval = TimeSpan.FromSeconds(5) });
        Assert.Equal(positions.Order(), positions);
        Assert.InRange(positions.Distinct().Count(), 10, 50);
    }
}
