using EsPipeline.Core.Engine;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

public sealed class PipelineTests : IDisposable
{
    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task A_snapshot_is_copied_whole_and_its_account_balances()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(105)], [.. Corpus.Plain(230).Skip(105)]), new TestSink());
        var result = await _job.RunAsync(source, sink);
        Assert.Null(result.Error);
        Assert.Equal((RunOutcome.Done, 230L, 230L, true), (result.Outcome, result.Account.Read, result.Account.Written, result.Account.Balances));
        Assert.Equal(Corpus.Plain(230).Sum(d => d.KeyBytes.Length + d.JsonBytes.Length), result.Account.Bytes);
        ContentAssert.Same(Corpus.Plain(230), sink.Documents);
        Assert.Equal(["check", "prepare", "check", "begin Snapshot unique", "complete"], sink.Calls);
    }

    [Fact]
    public async Task A_second_run_copies_only_what_is_new()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        Assert.Equal(100, (await _job.RunAsync(source, sink)).Account.Read);
        var nothing = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Done, 0L), (nothing.Outcome, nothing.Account.Read));
        Assert.NotNull(nothing.CopiedBefore);
        source.Data = [[.. Corpus.Plain(130)]];
        var more = await _job.RunAsync(source, sink);
        Assert.Equal((30L, (DateTimeOffset?)null), (more.Account.Read, more.CopiedBefore));
        Assert.Equal(ReadKind.Changes, source.Plans[^1].Kind);
        ContentAssert.Same(Corpus.Plain(130), sink.Documents);
    }

    [Fact]
    public async Task Positions_are_acknowledged_once_they_are_saved()
    {
        var source = new TestSource([.. Corpus.Plain(100)], [.. Corpus.Plain(150).Skip(100)]);
        await _job.RunAsync(source, new TestSink());
        foreach (var (partition, progress) in (await _job.SavedAsync())!.Partitions)
        {
            Assert.Equal(progress.Position, source.Acknowledged.Last(a => a.Partition == partition).Safe);
        }
    }

    [Fact]
    public async Task A_bounded_job_is_forgotten_when_it_is_done_so_that_it_selects_again()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        var setup = _job.Setup(source, sink) with { Bounded = true, Selection = new Selection(Query: "x") };
        Assert.Equal(100, (await _job.RunAsync(setup)).Account.Read);
        Assert.Null(await _job.SavedAsync());
        Assert.Equal(100, (await _job.RunAsync(setup)).Account.Read);
    }

    [Fact]
    public async Task In_continuous_mode_changes_follow_every_interval_until_it_is_stopped()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        using var stop = new CancellationTokenSource();
        var pipeline = new Pipeline(_job.Setup(source, sink, PipelineMode.Continuous) with { Interval = TimeSpan.FromSeconds(30) });
        var running = pipeline.RunAsync(stop.Token);
        foreach (var count in (int[])[100, 130, 131, 200])
        {
            source.Data = [[.. Corpus.Plain(count)]];
            await _job.Time.RunUntilAsync(() => sink.Documents.Count == count);
        }

        var passes = source.Plans.Count;
        await _job.Time.RunUntilAsync(() => source.Plans.Count > passes + 3);
        await stop.CancelAsync();
        var result = await _job.Time.RunAsync(running);
        Assert.Equal((RunOutcome.Stopped, 200L), (result.Outcome, result.Account.Written));
        ContentAssert.Same(Corpus.Plain(200), sink.Documents);
    }

    [Fact]
    public async Task A_single_run_without_a_checkpoint_copies_the_selection_and_later_ones_what_is_new()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(50)]), new TestSink());
        var since = new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero);
        var setup = _job.Setup(source, sink, PipelineMode.Single) with { Selection = new Selection(Since: since) };
        Assert.Equal(50, (await _job.RunAsync(setup)).Account.Read);
        Assert.Equal((ReadKind.Snapshot, (DateTimeOffset?)since), (source.Plans[^1].Kind, source.Plans[^1].Selection.Since));
        source.Data = [[.. Corpus.Plain(70)]];
        Assert.Equal(20, (await _job.RunAsync(setup)).Account.Read);
        Assert.Equal((ReadKind.Changes, (DateTimeOffset?)null), (source.Plans[^1].Kind, source.Plans[^1].Selection.Since));
    }

    [Fact]
    public async Task Nothing_is_prepared_or_written_while_either_end_is_not_well()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(10)]), new TestSink());
        source.Problem = TestSink.Full.Error("The source says no.");
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Failed, "test.disk_full"), (result.Outcome, result.Error?.Code));
        Assert.Empty(sink.Calls);

        (source.Problem, sink.Problem) = (null, TestSink.Full.Error("The sink says no."));
        Assert.Equal("The sink says no.", (await _job.RunAsync(source, sink)).Error?.Message);
        Assert.Equal(["check"], sink.Calls);
        Assert.Null(await _job.SavedAsync());
    }

    [Fact]
    public async Task An_end_that_is_down_at_the_start_is_waited_for()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(10)]), new TestSink());
        source.Problem = TestSource.Down.Error("Not yet.");
        var running = new Pipeline(_job.Setup(source, sink)).RunAsync(CancellationToken.None);
        await _job.Time.RunUntilAsync(() => _job.Log.Count(1000) == 1);
        source.Problem = null;
        var result = await _job.Time.RunAsync(running);
        Assert.Equal(RunOutcome.Done, result.Outcome);
        Assert.Equal((1, 1), (_job.Log.Count(1000), _job.Log.Count(1001)));
    }

    [Fact]
    public async Task The_checkpoint_of_another_job_is_refused_with_what_differs()
    {
        await _job.RunAsync(new TestSource([.. Corpus.Plain(10)]), new TestSink());
        var (source, sink) = (new TestSource([.. Corpus.Plain(20)]), new TestSink());
        source.Identity["cluster"] = "two";
        var refused = await _job.RunAsync(_job.Setup(source, sink) with { Identity = new Dictionary<string, string> { ["fields"] = "a,b" } });
        Assert.Equal("checkpoint.job_changed", refused.Error?.Code);
        Assert.Contains("source.cluster was 'one' and is now 'two'", refused.Error!.Message, StringComparison.Ordinal);
        Assert.Contains("fields was not set and is now 'a,b'", refused.Error.Message, StringComparison.Ordinal);
        Assert.Equal(["check"], sink.Calls);
        source.Identity["cluster"] = "one";
        Assert.Equal(10, (await _job.RunAsync(source, sink)).Account.Read);
    }

    [Fact]
    public async Task What_preparing_makes_is_a_part_of_the_jobs_identity_and_its_loss_is_told()
    {
        var source = new TestSource([.. Corpus.Plain(10)]);
        Assert.Null((await _job.RunAsync(source, new TestSink { MadeByPreparing = "index-7" })).Error);
        var found = new TestSink();
        found.Identity["index"] = "index-7";
        Assert.Null((await _job.RunAsync(source, found)).Error);

        var lost = new TestSink { MadeByPreparing = "index-8" };
        lost.Identity["index"] = "none";
        var refused = await _job.RunAsync(source, lost);
        Assert.Equal("checkpoint.job_changed", refused.Error?.Code);
        Assert.Contains("sink.index was 'index-7' and is now 'none'", refused.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(["check"], lost.Calls);
    }

    [Fact]
    public async Task A_second_copy_is_refused_and_names_the_first()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(10)]), new TestSink());
        var held = new TaskCompletionSource();
        sink.BeforeWrite = async (_, _) =>
        {
            await held.Task;
            return [];
        };
        var first = new Pipeline(_job.Setup(source, sink)).RunAsync(CancellationToken.None);
        await FakeTime.UntilAsync(() => sink.Calls.Count == 4);
        var second = await _job.RunAsync(new TestSource([]), new TestSink());
        Assert.Equal("state.job_running", second.Error?.Code);
        Assert.Contains($"process {Environment.ProcessId} on {Environment.MachineName}", second.Error!.Message, StringComparison.Ordinal);
        held.SetResult();
        Assert.Equal(RunOutcome.Done, (await _job.Time.RunAsync(first)).Outcome);
        Assert.Equal(RunOutcome.Done, (await _job.RunAsync(source, sink)).Outcome);
    }

    [Fact]
    public async Task What_no_connector_foresaw_ends_the_run_and_keeps_the_checkpoint()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        sink.BeforeWrite = (_, _) => sink.Writes >= 2 ? throw new InvalidOperationException("A defect.") : Task.FromResult<IReadOnlyList<Core.Sinks.RecordFailure>>([]);
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Failed, "run.unexpected"), (result.Outcome, result.Error?.Code));
        Assert.Contains("A defect.", result.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(1, _job.Log.Count(1013));
        Assert.True(result.Account.Balances);
        Assert.True(result.Account.Unfinished > 0);
        sink.BeforeWrite = (_, _) => Task.FromResult<IReadOnlyList<Core.Sinks.RecordFailure>>([]);
        Assert.Equal(RunOutcome.Done, (await _job.RunAsync(source, sink)).Outcome);
        ContentAssert.Same(Corpus.Plain(100), sink.Documents);
    }

    [Fact]
    public async Task A_sink_that_does_not_answer_for_every_record_is_a_defect_that_is_told()
    {
        var sink = new LyingSink();
        var result = await _job.RunAsync(new TestSource([.. Corpus.Plain(10)]), sink);
        Assert.Equal("run.unexpected", result.Error?.Code);
        Assert.Contains("9 written, 0 unchanged and 0 failed of 10", result.Error!.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_partition_whose_position_is_of_no_use_is_read_from_its_start_and_the_log_says_why()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)], [.. Corpus.Plain(150).Skip(100)]), new TestSink());
        await _job.RunAsync(source, sink);
        source.Shape = p => p with { UniqueKeys = true, StartsOverBecause = p.Id.Value == "p1" ? "the index was restored" : null };
        var result = await _job.RunAsync(source, sink);
        Assert.Equal(50, result.Account.Read);
        Assert.Equal("p1 is read from its start again: the index was restored", Assert.Single(_job.Log.Lines, l => l.Event == 1004).Text);
    }

    [Fact]
    public async Task Warnings_of_the_ends_are_logged_once_and_stop_nothing()
    {
        var source = new TestSource([.. Corpus.Plain(10)]) { Warnings = ["The certificate is not verified."] };
        var sink = new TestSink { MadeByPreparing = "made", Warnings = ["The password is on the command line."] };
        Assert.Equal(RunOutcome.Done, (await _job.RunAsync(source, sink)).Outcome);
        Assert.Equal(["The certificate is not verified.", "The password is on the command line."], _job.Log.Lines.Where(l => l.Event == 1009).Select(l => l.Text));
    }

    [Fact]
    public async Task The_progress_tells_how_the_run_stands()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        source.Shape = p => p with { UniqueKeys = true, Extent = 10 };
        var held = new TaskCompletionSource();
        source.BeforeBatch = async (_, at, _) =>
        {
            if (at == 50) await held.Task;
        };
        var pipeline = new Pipeline(_job.Setup(source, sink));
        Assert.Equal(RunPhase.Starting, pipeline.Progress.Phase);
        var running = pipeline.RunAsync(CancellationToken.None);
        // A batch counts as done a moment after its records count as written.
        await FakeTime.UntilAsync(() => pipeline.Progress is { Account.Written: 50, ExtentDone: >= 5 });
        var progress = pipeline.Progress;
        Assert.Equal((RunPhase.Snapshot, 10L, 5L, (TimeSpan?)null), (progress.Phase, progress.Extent, progress.ExtentDone, progress.Lag));
        held.SetResult();
        await _job.Time.RunAsync(running);
        Assert.NotNull(pipeline.Progress.Lag);
    }

    [Fact]
    public async Task Every_run_is_kept_in_the_history()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        await _job.RunAsync(source, sink);
        sink.Problem = TestSink.Full.Error("No room.");
        await _job.RunAsync(source, sink);
        var runs = await new Core.Checkpoints.FileStateStore(_job.Folder, _job.Time).ReadRunsAsync("job", 10, CancellationToken.None);
        Assert.Equal([RunOutcome.Failed, RunOutcome.Done], runs.Select(r => r.Outcome));
        Assert.Equal(("test.disk_full", "No room."), (runs[0].LastError?.Code, runs[0].LastError?.Message));
        Assert.Equal((100, 100, "full-sync", "from", "to"), (runs[1].Account.Read, runs[1].Account.Written, runs[1].Mode, runs[1].Source, runs[1].Sink));
    }

    private sealed class LyingSink : Core.Sinks.IDataSink
    {
        private readonly MemorySink _inner = new();

        public Core.Sinks.SinkLimits Limits { get; } = new();

        public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => _inner.CheckAsync(ct);

        public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => Task.CompletedTask;

        public Task<Core.Sinks.WriteResult> WriteAsync(Core.Records.RecordSlice slice, CancellationToken ct) =>
            Task.FromResult(Core.Sinks.WriteResult.All(slice.Count - 1));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
