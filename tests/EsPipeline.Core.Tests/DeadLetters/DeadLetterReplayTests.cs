using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Tests.Checkpoints;
using EsPipeline.Core.Tests.Engine;

namespace EsPipeline.Core.Tests.DeadLetters;

public sealed class DeadLetterReplayTests : IDisposable
{
    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task Once_the_lock_is_lost_no_more_letters_are_sent()
    {
        var source = new TestSource([.. Enumerable.Range(0, 1200).Select(i => new Document($"k{i:00000}", """{"a":"bad"}"""))]);
        var sink = new TestSink { BeforeWrite = (slice, _) => TestSink.Refuse(slice, "bad", TestSink.Refused) };
        Assert.Equal(1200, (await _job.RunAsync(_job.Setup(source, sink) with { MaxDeadLetters = 5000 })).Account.DeadLettered);

        await using var store = new LosableStore(new FileStateStore(_job.Folder, _job.Time));
        var sent = 0;
        sink.BeforeWrite = (slice, ct) =>
        {
            ct.ThrowIfCancellationRequested();
            sent += slice.Count;
            store.Lose();
            return Task.FromResult<IReadOnlyList<RecordFailure>>([]);
        };
        var replay = new DeadLetterReplay(_job.Setup(source, sink) with { State = store });
        var error = await Assert.ThrowsAsync<PipelineException>(() => _job.Time.RunAsync(replay.RunAsync(_ => true, CancellationToken.None)));
        Assert.Equal((CheckpointErrors.JobLost, 20), (error.Error, sent));
    }

    [Fact]
    public async Task A_sink_that_stays_down_ends_it_though_the_job_waits_for_ever()
    {
        var (source, sink) = await RefusedAsync(3, _ => """{"a":"bad"}""");
        sink.BeforeWrite = (_, _) => throw TestSink.Busy.Error("It is busy.");
        var replay = new DeadLetterReplay(_job.Setup(source, sink, PipelineMode.Continuous));
        var error = await Assert.ThrowsAsync<PipelineException>(() => _job.Time.RunAsync(replay.RunAsync(_ => true, CancellationToken.None)));
        Assert.Equal((EngineErrors.RetriesExhausted, 3), (error.Error, await OpenAsync()));
    }

    [Fact]
    public async Task No_write_holds_more_than_the_sink_takes_at_once()
    {
        var (source, sink) = await RefusedAsync(60, i => $$"""{"a":"bad","text":"{{new string('x', i < 30 ? 400 : 10)}}"}""");
        sink.Limits = sink.Limits with { MaxBytes = 1000, MaxRecords = 12 };
        var writes = new List<(int Count, long Bytes)>();
        sink.BeforeWrite = (slice, _) =>
        {
            writes.Add((slice.Count, slice.Bytes));
            return Task.FromResult<IReadOnlyList<RecordFailure>>([]);
        };
        var result = await _job.Time.RunAsync(new DeadLetterReplay(_job.Setup(source, sink)).RunAsync(_ => true, CancellationToken.None));
        Assert.Equal((60, 0), (result.Replayed, await OpenAsync()));
        Assert.All(writes, w => Assert.True(w is { Count: <= 12, Bytes: <= 1000 }, $"{w}"));
        Assert.Equal((2, 12), (writes[0].Count, writes.Max(w => w.Count)));
    }

    [Fact]
    public async Task Letters_of_a_job_without_a_checkpoint_go_to_no_other_sink_than_its_runs_wrote_to()
    {
        var source = new TestSource([new Document("k", """{"a":"bad"}""")]);
        var sink = new TestSink { BeforeWrite = (slice, _) => TestSink.Refuse(slice, "bad", TestSink.Refused) };
        Assert.Equal(1, (await _job.RunAsync(_job.Setup(source, sink) with { Bounded = true })).Account.DeadLettered);
        Assert.Null(await _job.SavedAsync());

        var other = new TestSink();
        other.Identity["place"] = "elsewhere";
        var error = await Assert.ThrowsAsync<PipelineException>(() => ReplayAsync(other));
        Assert.Equal((CheckpointErrors.JobChanged, 1), (error.Error, await OpenAsync()));
        Assert.Contains("'here'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'elsewhere'", error.Message, StringComparison.Ordinal);
        Assert.Equal((1, 0), ((await ReplayAsync(new TestSink())).Replayed, await OpenAsync()));

        Task<ReplayResult> ReplayAsync(TestSink to) =>
            _job.Time.RunAsync(new DeadLetterReplay(_job.Setup(source, to) with { Bounded = true }).RunAsync(_ => true, CancellationToken.None));
    }

    [Fact]
    public async Task No_letter_is_settled_before_a_file_holds_it_durably()
    {
        var source = new TestSource([.. Enumerable.Range(0, 7).Select(i => new Document($"k{i}", $$"""{"n":{{i}},"a":"bad"}"""))]);
        var sink = new RecordingFile(_job.Time) { Refuses = "bad" };
        Assert.Equal(7, (await _job.RunAsync(source, sink)).Account.DeadLettered);
        sink.Refuses = null;
        sink.FlushProblem = TestSink.Full.Error("No room.");
        var replay = new DeadLetterReplay(_job.Setup(source, sink));
        await Assert.ThrowsAsync<PipelineException>(() => _job.Time.RunAsync(replay.RunAsync(_ => true, CancellationToken.None)));
        Assert.Equal((7, "0"), (await OpenAsync(), (await _job.SavedAsync())!.SinkToken));

        sink.FlushProblem = null;
        Assert.Equal(7, (await _job.Time.RunAsync(replay.RunAsync(_ => true, CancellationToken.None))).Replayed);
        Assert.Equal((0, "7", 7), (await OpenAsync(), (await _job.SavedAsync())!.SinkToken, sink.Lines.Distinct().Count()));
    }

    private async Task<(TestSource Source, TestSink Sink)> RefusedAsync(int count, Func<int, string> json)
    {
        var source = new TestSource([.. Enumerable.Range(0, count).Select(i => new Document($"k{i:00000}", json(i)))]);
        var sink = new TestSink { BeforeWrite = (slice, _) => TestSink.Refuse(slice, "bad", TestSink.Refused) };
        Assert.Equal(count, (await _job.RunAsync(source, sink)).Account.DeadLettered);
        return (source, sink);
    }

    private async Task<int> OpenAsync()
    {
        await using var letters = await DeadLetterFile.OpenAsync(_job.DeadLetters, _job.Time, CancellationToken.None);
        return letters.OpenCount;
    }
}
