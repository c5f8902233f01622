using EsPipeline.Core.Checkpoints;
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
        Assert.Equal((CheckpointErrors.JobLost, 500), (error.Error, sent));
    }
}
