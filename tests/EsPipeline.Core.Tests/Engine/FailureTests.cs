using EsPipeline.Core.Configuration;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>What the engine does about failures of records, writes and reads.</summary>
public sealed class FailureTests : IDisposable
{
    private static readonly IReadOnlyList<RecordFailure> None = [];

    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task What_the_sink_says_is_told_in_the_names_of_its_options()
    {
        var names = new PrefixedNames(typeof(RunOptions), "sink");
        var wrong = new ErrorCode("test.wrong", FailureKind.Environment, "It is wrong.", "Check --state, or ESPIPE_STATE.");
        var (source, sink) = (new TestSource([.. Corpus.Plain(3)]), new TestSink { Problem = wrong.Error("--threads is too much.") });
        var error = (await _job.RunAsync(_job.Setup(source, sink) with { SinkNames = names })).Error!;
        Assert.Equal(("--sink-threads is too much.", "Check --sink-state, or SINK_ESPIPE_STATE.", names), (error.Message, error.Remedy, error.Names));

        (sink.Problem, source.Problem) = (null, wrong.Error("--threads is too much."));
        Assert.Equal("--threads is too much.", (await _job.RunAsync(_job.Setup(source, sink) with { SinkNames = names })).Error!.Message);
    }

    [Fact]
    public async Task A_sink_that_fails_thirty_per_cent_of_records_at_random_ends_right()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(3000)], [.. Corpus.Plain(6000).Skip(3000)]), new TestSink());
        var random = new Random(11);
        sink.BeforeWrite = (slice, _) =>
        {
            lock (random)
            {
                return Task.FromResult<IReadOnlyList<RecordFailure>>(
                    [.. Enumerable.Range(0, slice.Count).Where(_ => random.Next(100) < 30).Select(i => new RecordFailure(i, TestSink.Busy, "Not now."))]);
            }
        };
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Done, 6000L), (result.Outcome, result.Account.Written));
        Assert.InRange(result.Account.Retries, 1500, 4000);
        ContentAssert.Same(Corpus.Plain(6000), sink.Documents);
    }

    [Fact]
    public async Task A_record_that_is_met_in_every_pass_is_set_aside_once_and_ends_no_run()
    {
        var source = new TestSource([new Document("bad", """{"a":"bad"}"""), new Document("good", "{}")]);
        var sink = new TestSink { BeforeWrite = (slice, _) => TestSink.Refuse(slice, "bad", TestSink.Refused) };
        using var stop = new CancellationTokenSource();
        source.BeforeBatch = (_, _, _) => source.Plans.Count == 10 ? stop.CancelAsync() : Task.CompletedTask;
        var setup = _job.Setup(source, sink, PipelineMode.Continuous) with { MaxDeadLetters = 1 };
        source.Shape = p => p with { UniqueKeys = true, StartsOverBecause = source.Plans.Count > 1 ? "it is read anew in each pass" : null };
        var result = await _job.Time.RunAsync(new Pipeline(setup).RunAsync(stop.Token));
        Assert.Equal((RunOutcome.Stopped, 9L), (result.Outcome, result.Account.DeadLettered));
        Assert.Single(await File.ReadAllLinesAsync(_job.DeadLetters, TestContext.Current.CancellationToken));
    }

    [Fact]
    public async Task A_sink_that_is_down_when_a_pass_begins_is_waited_for()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(10)]), new TestSink());
        for (var tries = 0; tries < 3; tries++) sink.BeginFailures.Enqueue(TestSink.Busy.Error("Not now."));
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Done, 10L), (result.Outcome, result.Account.Written));
        Assert.Equal(4, sink.Calls.Count(c => c.StartsWith("begin", StringComparison.Ordinal)));
    }

    [Fact]
    public async Task Only_the_records_that_failed_are_sent_again()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(10)]), new TestSink());
        var sent = new List<string[]>();
        sink.BeforeWrite = (slice, _) =>
        {
            sent.Add([.. Enumerable.Range(0, slice.Count).Select(i => System.Text.Encoding.UTF8.GetString(slice[i].Key.Span))]);
            return Task.FromResult(sent.Count == 1 ? [new RecordFailure(2, TestSink.Busy, "Not now."), new RecordFailure(7, TestSink.Busy, "Not now.")] : None);
        };
        var result = await _job.RunAsync(source, sink);
        Assert.Equal(10, sent[0].Length);
        Assert.Equal([Corpus.PlainKey(2), Corpus.PlainKey(7)], sent[1]);
        Assert.Equal((10L, 2L), (result.Account.Written, result.Account.Retries));
    }

    [Fact]
    public async Task What_is_refused_for_good_is_set_aside_and_the_run_ends_with_dead_letters()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\":42,", TestSink.Refused);
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.DoneWithDeadLetters, 99L, 1L), (result.Outcome, result.Account.Written, result.Account.DeadLettered));
        var letter = Assert.Single(await LettersAsync(_job.DeadLetters));
        var refused = Corpus.Plain(100).ElementAt(42);
        Assert.Equal(("job", "p0", "t1:50", "item 42", "test.refused", 1), (letter.Job, letter.Partition, letter.Position, letter.Place, letter.Code, letter.Attempts));
        Assert.Equal((refused.Key, refused.Json), (System.Text.Encoding.UTF8.GetString(letter.Key.Span), System.Text.Encoding.UTF8.GetString(letter.Document.Span)));
        Assert.Equal(99, sink.Documents.Count);
    }

    [Fact]
    public async Task More_dead_letters_than_allowed_stop_the_run_as_failed()
    {
        foreach (var allowed in (int[])[0, 1, 25])
        {
            using var job = new TestJob();
            var (source, sink) = (new TestSource([.. Corpus.Plain(1000)]), new TestSink());
            sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\"", TestSink.Refused);
            var result = await job.RunAsync(job.Setup(source, sink) with { MaxDeadLetters = allowed });
            Assert.Equal((RunOutcome.Failed, "dead_letters.too_many"), (result.Outcome, result.Error?.Code));
            Assert.Contains("It holds \"n\". (test.refused)", result.Error!.Message, StringComparison.Ordinal);
            Assert.True((await LettersAsync(job.DeadLetters)).Count > allowed);
            Assert.True(result.Account.Balances);
        }
    }

    [Fact]
    public async Task As_many_as_allowed_are_no_failure()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\":1", TestSink.Refused);
        var result = await _job.RunAsync(_job.Setup(source, sink) with { MaxDeadLetters = 11 });
        Assert.Equal((RunOutcome.DoneWithDeadLetters, 11L), (result.Outcome, result.Account.DeadLettered));
    }

    [Fact]
    public async Task A_record_larger_than_the_sink_takes_is_set_aside_before_it_is_sent()
    {
        Document[] documents = [.. Corpus.Plain(20), Corpus.OfBytes("large", 1001), Corpus.OfBytes("at-limit", 1000), .. Corpus.Plain(40).Skip(20)];
        var sink = new TestSink { Limits = new SinkLimits { MaxRecordBytes = 1000 } };
        var result = await _job.RunAsync(new TestSource(documents), sink);
        Assert.Equal((RunOutcome.DoneWithDeadLetters, 41L, 1L), (result.Outcome, result.Account.Written, result.Account.DeadLettered));
        var letter = Assert.Single(await LettersAsync(_job.DeadLetters));
        Assert.Equal(("sink.record_too_large", 0), (letter.Code, letter.Attempts));
        Assert.Contains("at-limit", sink.Documents.Keys);
    }

    [Fact]
    public async Task A_refused_record_that_is_written_later_settles_its_letter()
    {
        Document[] documents = [new("a", """{"v":"bad"}"""), new("b", """{"v":"bad"}"""), new("a", """{"v":"good"}""")];
        var source = new TestSource(documents) { BatchRecords = 1, Shape = p => p };
        var sink = new TestSink { Limits = new SinkLimits { MaxRecords = 1, StartRecords = 1 } };
        sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "bad", TestSink.Refused);
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((1L, 2L), (result.Account.Written, result.Account.DeadLettered));
        Assert.Equal("b", System.Text.Encoding.UTF8.GetString(Assert.Single(await LettersAsync(_job.DeadLetters)).Key.Span));
    }

    [Fact]
    public async Task A_whole_write_that_fails_is_sent_again_as_a_whole()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        var calls = 0;
        sink.BeforeWrite = (_, _) => Interlocked.Increment(ref calls) % 3 != 0 ? throw TestSink.Busy.Error("The connection was cut.") : Task.FromResult(None);
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Done, 100L), (result.Outcome, result.Account.Written));
        ContentAssert.Same(Corpus.Plain(100), sink.Documents);
    }

    [Fact]
    public async Task A_failure_that_does_not_pass_ends_the_run_with_its_cause()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        sink.BeforeWrite = (_, _) => throw TestSink.Busy.Error("The connection was cut.");
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Failed, "run.retries_exhausted"), (result.Outcome, result.Error?.Code));
        Assert.Contains("The connection was cut. Tried 11 times", result.Error!.Message, StringComparison.Ordinal);
        Assert.Equal(1, _job.Log.Count(1000));
    }

    [Fact]
    public async Task An_environment_failure_stops_at_once_and_changes_nothing()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        sink.BeforeWrite = (_, _) => throw TestSink.Full.Error("No room.");
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Failed, "test.disk_full", 0L), (result.Outcome, result.Error?.Code, result.Account.Retries));
        Assert.Equal(0, TestSource.NumberOf((await _job.SavedAsync())!.Partitions.Single().Value.Position));
        Assert.Empty(sink.Documents);
    }

    [Fact]
    public async Task A_record_that_meets_an_environment_failure_stops_the_run_and_is_not_set_aside()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\":42,", TestSink.Full);
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Failed, "test.disk_full"), (result.Outcome, result.Error?.Code));
        Assert.False(File.Exists(_job.DeadLetters));
    }

    [Fact]
    public async Task A_source_that_fails_mid_way_is_read_on_from_the_last_batch()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(500)]), new TestSink());
        var failed = new HashSet<int>();
        source.BeforeBatch = (_, at, _) => failed.Add(at) ? throw TestSource.Down.Error("The connection was cut.") : Task.CompletedTask;
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Done, 500L, 500L), (result.Outcome, result.Account.Read, result.Account.Written));
        Assert.Equal(50, failed.Count);
    }

    [Fact]
    public async Task An_outage_in_continuous_mode_is_waited_out_with_one_line_for_each_change_of_state()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        var up = false;
        sink.BeforeWrite = (_, _) => up ? Task.FromResult(None) : throw TestSink.Busy.Error("Down for long.");
        using var stop = new CancellationTokenSource();
        var running = new Pipeline(_job.Setup(source, sink, PipelineMode.Continuous)).RunAsync(stop.Token);
        await _job.Time.RunUntilAsync(() => _job.Time.Elapsed > TimeSpan.FromMinutes(10));
        up = true;
        await _job.Time.RunUntilAsync(() => sink.Documents.Count == 100);
        await stop.CancelAsync();
        Assert.Equal(RunOutcome.Stopped, (await _job.Time.RunAsync(running)).Outcome);
        Assert.Equal((1, 1), (_job.Log.Count(1000), _job.Log.Count(1001)));
    }

    [Fact]
    public async Task A_dead_letter_file_that_can_not_be_written_stops_the_run_before_anything_is_taken_for_safe()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(100)]), new TestSink());
        sink.BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\":42,", TestSink.Refused);
        Directory.CreateDirectory(_job.DeadLetters);
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Failed, "dead_letters.unusable"), (result.Outcome, result.Error?.Code));
        Assert.True(TestSource.NumberOf((await _job.SavedAsync())!.Partitions.Single().Value.Position) <= 40);
    }

    [Fact]
    public async Task A_dead_letter_file_in_a_folder_that_is_not_there_is_told_before_anything_is_read()
    {
        var source = new TestSource([.. Corpus.Plain(100)]);
        var missing = Path.Combine(_job.Folder, "no", "such", "folder.jsonl");
        var result = await _job.RunAsync(_job.Setup(source, new TestSink()) with { DeadLetterPath = missing });
        Assert.Equal((RunOutcome.Failed, "dead_letters.unusable", 0L), (result.Outcome, result.Error?.Code, result.Account.Read));
    }

    [Fact]
    public async Task Malformed_records_are_set_aside_with_their_place_and_the_rest_is_copied()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(30), new("x", "not json"), .. Corpus.Plain(60).Skip(30)]), new TestSink());
        var transform = new RecordTransform(new TransformRules([], ["price"], [], []), null, new Shard(0, 1));
        var result = await _job.RunAsync(_job.Setup(source, sink) with { Transform = transform });
        Assert.Equal((RunOutcome.DoneWithDeadLetters, 60L, 1L), (result.Outcome, result.Account.Written, result.Account.DeadLettered));
        var letter = Assert.Single(await LettersAsync(_job.DeadLetters));
        Assert.Equal(("item 30", true, "transform.not_an_object"), (letter.Place, letter.Malformed, letter.Code));
    }

    private static async Task<List<DeadLetter>> LettersAsync(string path)
    {
        var letters = new List<DeadLetter>();
        await foreach (var letter in DeadLetterFile.ReadAsync(path, TestContext.Current.CancellationToken)) letters.Add(letter);
        return letters;
    }
}
