using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A partition of which nothing is safe before all of it is read: its batches end where reading began, all but the last.</summary>
public sealed class UnmovedPositionTests : IDisposable
{
    private readonly TestJob _job = new();
    private readonly TestSink _sink = new();
    private int _readings;
    private int _failures = int.MaxValue;

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task What_fails_at_the_same_place_each_time_ends_the_run_after_as_many_tries_as_it_has()
    {
        var result = await _job.RunAsync(FailsAtThirty(), _sink);
        Assert.Equal((RunOutcome.Failed, "run.retries_exhausted", 11), (result.Outcome, result.Error?.Code, _readings));
        Assert.Contains("Tried 11 times", result.Error!.Message, StringComparison.Ordinal);
        Assert.Equal((1, 0), (_job.Log.Count(1000), _job.Log.Count(1001)));
    }

    [Fact]
    public async Task In_continuous_mode_it_is_told_once_that_the_source_is_down_and_once_that_it_is_back()
    {
        var source = FailsAtThirty();
        using var stop = new CancellationTokenSource();
        var running = new Pipeline(_job.Setup(source, _sink, PipelineMode.Continuous)).RunAsync(stop.Token);
        await _job.Time.RunUntilAsync(() => _readings >= 50);
        Assert.Equal((1, 0), (_job.Log.Count(1000), _job.Log.Count(1001)));

        _failures = 0;
        await _job.Time.RunUntilAsync(() => _job.Log.Count(1001) == 1 && _sink.Documents.Count == 50);
        await stop.CancelAsync();
        Assert.Equal(RunOutcome.Stopped, (await _job.Time.RunAsync(running)).Outcome);
    }

    [Fact]
    public async Task Failures_that_pass_end_nothing()
    {
        _failures = 10;
        var result = await _job.RunAsync(FailsAtThirty(), _sink);
        Assert.Equal((RunOutcome.Done, 11), (result.Outcome, _readings));
        ContentAssert.Same(Corpus.Plain(50), _sink.Documents);
    }

    [Fact]
    public async Task Who_only_looks_gives_up_too()
    {
        var policy = new RetryPolicy(_job.Setup(FailsAtThirty(), _sink).Retry, new Outage("test", _job.Log, _job.Time), new Random(1), _job.Time);
        var reader = new SnapshotReader(FailsAtThirty(), policy, Selection.Everything, threads: 1);
        var ct = TestContext.Current.CancellationToken;
        var partitions = await reader.PlanAsync(ct);
        var error = await Assert.ThrowsAsync<PipelineException>(() => _job.Time.RunAsync(reader.ReadAsync(partitions, inOrder: false, Drop, ct)));
        Assert.Equal(("run.retries_exhausted", 11), (error.Code, _readings));

        static Task Drop(Partition partition, RecordBatch batch, CancellationToken ct)
        {
            batch.Dispose();
            return Task.CompletedTask;
        }
    }

    [Fact]
    public async Task Exactly_as_many_records_as_were_asked_for_are_copied_though_some_are_read_again()
    {
        _failures = 2;
        var result = await RunAsync(limit: 40);
        Assert.Equal(RunOutcome.Done, result.Outcome);
        ContentAssert.Same(Corpus.Plain(40), _sink.Documents);
        Assert.Equal(40, (await _job.SavedAsync())!.Partitions.Values.Sum(p => p.Records));
    }

    [Fact]
    public async Task What_is_read_again_is_not_left_to_another_partition()
    {
        _failures = 2;
        var result = await RunAsync(limit: 90, [.. Corpus.Plain(250).Skip(50)]);
        Assert.Equal(RunOutcome.Done, result.Outcome);
        Assert.Equal(90, _sink.Documents.Count);
    }

    [Fact]
    public async Task A_run_that_goes_on_from_a_broken_one_copies_as_many_too()
    {
        Assert.Equal(RunOutcome.Failed, (await RunAsync(limit: 40)).Outcome);
        Assert.Equal(0, (await _job.SavedAsync())!.Partitions.Values.Sum(p => p.Records));
        _failures = 0;
        Assert.Equal(RunOutcome.Done, (await RunAsync(limit: 40)).Outcome);
        ContentAssert.Same(Corpus.Plain(40), _sink.Documents);
    }

    private Task<RunResult> RunAsync(long limit, params IReadOnlyList<Document>[] more)
    {
        var source = FailsAtThirty();
        source.Data = [.. source.Data, .. more];
        return _job.RunAsync(_job.Setup(source, _sink) with { Selection = Selection.Everything with { Limit = limit } });
    }

    private TestSource FailsAtThirty() => new([.. Corpus.Plain(50)])
    {
        EndsAtLast = true,
        BeforeBatch = (partition, at, _) =>
        {
            if (partition.Value != "p0") return Task.CompletedTask;
            if (at == 0) _readings++;
            return at == 30 && _failures-- > 0 ? throw TestSource.Down.Error("A conflict with recovery.") : Task.CompletedTask;
        },
    };
}
