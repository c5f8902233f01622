using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A record at which the sink breaks, each time.</summary>
public sealed class SuspectRecordsTests : IDisposable
{
    private static readonly ErrorCode Breaks = new("test.breaks", FailureKind.Transient, "The test's sink breaks at a record.", "Mend it.") { MayBlameRecord = true };

    private readonly TestJob _job = new();
    private readonly TestSink _sink = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task While_others_are_taken_it_is_set_aside_after_its_tries_and_a_continuous_run_goes_on()
    {
        var source = new TestSource([.. Corpus.Plain(100)]);
        _sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\":42,", Breaks);
        using var stop = new CancellationTokenSource();
        var running = new Pipeline(_job.Setup(source, _sink, PipelineMode.Continuous)).RunAsync(stop.Token);
        await _job.Time.RunUntilAsync(() => source.Plans.Count > 1);
        source.Data = [[.. Corpus.Plain(150)]];
        await _job.Time.RunUntilAsync(() => _sink.Documents.Count == 149);
        await stop.CancelAsync();
        var result = await _job.Time.RunAsync(running);
        Assert.Equal((149L, 1L), (result.Account.Written, result.Account.DeadLettered));
        Assert.Equal(150, TestSource.NumberOf((await _job.SavedAsync())!.Partitions.Single().Value.Position));
        var letter = Assert.Single(await LettersAsync());
        Assert.Equal(("test.breaks", 11, Corpus.PlainKey(42)), (letter.Code, letter.Attempts, System.Text.Encoding.UTF8.GetString(letter.Key.Span)));
        Assert.Equal(0, _job.Log.Count(1000));
    }

    [Fact]
    public async Task And_a_run_that_ends_is_done_with_a_dead_letter()
    {
        _sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\":42,", Breaks);
        var result = await _job.RunAsync(new TestSource([.. Corpus.Plain(100)]), _sink);
        Assert.Equal((RunOutcome.DoneWithDeadLetters, 99L, 1L), (result.Outcome, result.Account.Written, result.Account.DeadLettered));
    }

    [Fact]
    public async Task One_that_is_taken_before_its_tries_are_spent_is_written()
    {
        var tries = 0;
        _sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, Interlocked.Increment(ref tries) <= 10 ? "\"n\":4," : "never", Breaks);
        var result = await _job.RunAsync(new TestSource([.. Corpus.Plain(10)]), _sink);
        Assert.Equal((RunOutcome.Done, 10L), (result.Outcome, result.Account.Written));
    }

    [Fact]
    public async Task Where_everything_fails_it_is_the_sink_and_nothing_is_set_aside()
    {
        var down = true;
        _sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, down ? "\"n\"" : "never", Breaks);
        using var stop = new CancellationTokenSource();
        var running = new Pipeline(_job.Setup(new TestSource([.. Corpus.Plain(2)]), _sink, PipelineMode.Continuous)).RunAsync(stop.Token);
        await _job.Time.RunUntilAsync(() => _job.Time.Elapsed > TimeSpan.FromMinutes(25));
        down = false;
        await _job.Time.RunUntilAsync(() => _sink.Documents.Count == 2);
        await stop.CancelAsync();
        Assert.Equal(0, (await _job.Time.RunAsync(running)).Account.DeadLettered);
        Assert.Equal((1, 1), (_job.Log.Count(1000), _job.Log.Count(1001)));
    }

    [Fact]
    public async Task Where_a_part_was_taken_right_before_everything_fails_it_is_the_sink_and_nothing_is_set_aside()
    {
        var (writes, down) = (0, true);
        _sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, Interlocked.Increment(ref writes) == 1 ? "\"n\":1" : down ? "\"n\"" : "never", Breaks);
        using var stop = new CancellationTokenSource();
        var pipeline = new Pipeline(_job.Setup(new TestSource([.. Corpus.Plain(20)]), _sink, PipelineMode.Continuous));
        var running = pipeline.RunAsync(stop.Token);
        await _job.Time.RunUntilAsync(() => _job.Time.Elapsed > TimeSpan.FromMinutes(25));
        Assert.InRange(_sink.Documents.Count, 1, 19);
        Assert.Equal(0, pipeline.Progress.Account.DeadLettered);
        Assert.False(File.Exists(_job.DeadLetters));
        down = false;
        await _job.Time.RunUntilAsync(() => _sink.Documents.Count == 20);
        await stop.CancelAsync();
        Assert.Equal(0, (await _job.Time.RunAsync(running)).Account.DeadLettered);
        Assert.Equal((1, 1), (_job.Log.Count(1000), _job.Log.Count(1001)));
    }

    [Fact]
    public async Task One_that_is_alone_is_set_aside_when_the_retry_budget_is_spent()
    {
        _sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\"", Breaks);
        using var stop = new CancellationTokenSource();
        var pipeline = new Pipeline(_job.Setup(new TestSource([.. Corpus.Plain(1)]), _sink, PipelineMode.Continuous));
        var running = pipeline.RunAsync(stop.Token);
        await _job.Time.RunUntilAsync(() => pipeline.Progress.Account.DeadLettered == 1);
        Assert.InRange(_job.Time.Elapsed, TimeSpan.FromMinutes(15), TimeSpan.FromMinutes(17));
        await stop.CancelAsync();
        await _job.Time.RunAsync(running);
    }

    private async Task<List<DeadLetter>> LettersAsync()
    {
        var letters = new List<DeadLetter>();
        await foreach (var letter in DeadLetterFile.ReadAsync(_job.DeadLetters, TestContext.Current.CancellationToken)) letters.Add(letter);
        return letters;
    }
}
