using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>What a run says of records that an earlier run has set aside, and this one has not met.</summary>
public sealed class EarlierLettersTests : IDisposable
{
    private readonly TestJob _job = new();
    private readonly TestSource _source = new([.. Corpus.Plain(100)]);
    private readonly TestSink _sink = new() { BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\":5,", TestSink.Refused) };

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task A_snapshot_that_is_gone_on_with_is_not_done_without_them()
    {
        using var stop = new CancellationTokenSource();
        _source.BeforeBatch = (_, at, _) => at == 60 ? stop.CancelAsync() : Task.CompletedTask;
        await EndsAsync(RunOutcome.Stopped, read: 60, setAside: 1, open: 1, stop: stop);
        _source.BeforeBatch = (_, _, _) => Task.CompletedTask;
        await EndsAsync(RunOutcome.DoneWithDeadLetters, read: 40, setAside: 0, open: 1);
    }

    [Fact]
    public async Task Everything_is_copied_only_once_nothing_is_left_of_them()
    {
        await EndsAsync(RunOutcome.DoneWithDeadLetters, read: 100, setAside: 1, open: 1);
        Assert.NotNull((await EndsAsync(RunOutcome.DoneWithDeadLetters, read: 0, setAside: 0, open: 1)).CopiedBefore);
        _source.Data = [[.. Corpus.Plain(110)]];
        await EndsAsync(RunOutcome.DoneWithDeadLetters, read: 10, setAside: 0, open: 1);

        await using (var letters = await DeadLetterFile.OpenAsync(_job.DeadLetters, _job.Time, TestContext.Current.CancellationToken))
        {
            await foreach (var letter in DeadLetterFile.ReadAsync(_job.DeadLetters, TestContext.Current.CancellationToken))
            {
                await letters.SettleAsync([letter.Id], "dropped", TestContext.Current.CancellationToken);
            }
        }

        Assert.NotNull((await EndsAsync(RunOutcome.Done, read: 0, setAside: 0, open: 0)).CopiedBefore);
    }

    [Fact]
    public async Task A_later_record_of_the_key_settles_them()
    {
        await EndsAsync(RunOutcome.DoneWithDeadLetters, read: 100, setAside: 1, open: 1);
        _source.Data = [[.. Corpus.Plain(100), new Document(Corpus.PlainKey(5), """{"mended":true}""")]];
        await EndsAsync(RunOutcome.Done, read: 1, setAside: 0, open: 0);
    }

    [Fact]
    public async Task What_is_new_is_copied_whatever_was_set_aside_before_and_they_are_told()
    {
        await EndsAsync(RunOutcome.DoneWithDeadLetters, read: 100, setAside: 1, open: 1, PipelineMode.Single);
        _source.Data = [[.. Corpus.Plain(110)]];
        await EndsAsync(RunOutcome.Done, read: 10, setAside: 0, open: 1, PipelineMode.Single);
        await EndsAsync(RunOutcome.Done, read: 0, setAside: 0, open: 1, PipelineMode.Single);
    }

    [Fact]
    public async Task Of_what_is_all_read_anew_they_say_nothing()
    {
        await EndsAsync(RunOutcome.DoneWithDeadLetters, read: 100, setAside: 1, open: 1);
        _source.Data = [[.. Corpus.Plain(30).Skip(10)]];
        _source.Shape = p => p with { UniqueKeys = true, StartsOverBecause = "the file was replaced" };
        await EndsAsync(RunOutcome.Done, read: 20, setAside: 0, open: 1);
    }

    private async Task<RunResult> EndsAsync(
        RunOutcome outcome, long read, long setAside, int open, PipelineMode mode = PipelineMode.FullSync, CancellationTokenSource? stop = null)
    {
        var result = await _job.Time.RunAsync(new Pipeline(_job.Setup(_source, _sink, mode)).RunAsync(stop?.Token ?? CancellationToken.None));
        Assert.Equal((outcome, read, setAside, open), (result.Outcome, result.Account.Read, result.Account.DeadLettered, result.OpenLetters));
        return result;
    }
}
