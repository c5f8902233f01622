using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Tests.Engine;

public sealed class OutageTests
{
    private const int Down = 1000, Back = 1001;
    private static readonly ErrorCode Error = new("test.down", FailureKind.Transient, "It is down.", "Wait.");

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public void One_line_for_each_change_of_state_however_many_notice_it()
    {
        var (time, log) = (new FakeTime(), new ListLogger());
        var outage = new Outage("sink test", log, time);
        for (var round = 1; round <= 3; round++)
        {
            Parallel.For(0, 50, _ => outage.Failed(Error.Error("The connection was refused.")));
            time.Advance(TimeSpan.FromSeconds(90));
            Assert.Equal(TimeSpan.FromSeconds(90), outage.DownFor);
            Parallel.For(0, 50, _ => outage.Succeeded());
            Assert.Null(outage.DownFor);
            Assert.Equal((round, round), (log.Count(Down), log.Count(Back)));
        }

        Assert.Equal("The sink test is down: The connection was refused. (test.down); waiting for it", log.Lines[0].Text);
        Assert.Equal("The sink test is back after 90 s", log.Lines[1].Text);
    }

    [Fact]
    public async Task Whoever_waits_goes_on_as_soon_as_anybody_gets_through()
    {
        var time = new FakeTime();
        var outage = new Outage("sink test", new ListLogger(), time);
        outage.Failed(Error.Error("Down."));
        var waiting = Enumerable.Range(0, 5).Select(_ => outage.PauseAsync(TimeSpan.FromMinutes(10), Ct)).ToArray();
        Assert.All(waiting, w => Assert.False(w.IsCompleted));
        outage.Succeeded();
        await Task.WhenAll(waiting);
        Assert.Equal((TimeSpan.Zero, 0), (time.Elapsed, time.Waiting));
    }

    [Fact]
    public async Task Otherwise_the_pause_passes()
    {
        var time = new FakeTime();
        var outage = new Outage("sink test", new ListLogger(), time);
        await time.RunAsync(outage.PauseAsync(TimeSpan.FromSeconds(3), Ct));
        outage.Failed(Error.Error("Down."));
        await time.RunAsync(outage.PauseAsync(TimeSpan.FromSeconds(4), Ct));
        Assert.Equal(TimeSpan.FromSeconds(7), time.Elapsed);
    }

    [Fact]
    public async Task A_pause_can_be_cancelled_whether_the_end_is_down_or_not()
    {
        var outage = new Outage("sink test", new ListLogger(), new FakeTime());
        for (var round = 0; round < 2; round++)
        {
            using var cancel = new CancellationTokenSource();
            var waiting = outage.PauseAsync(TimeSpan.FromSeconds(3), cancel.Token);
            await cancel.CancelAsync();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => waiting);
            outage.Failed(Error.Error("Down."));
        }
    }

    [Fact]
    public void The_last_error_is_kept_with_its_time()
    {
        var time = new FakeTime();
        var outage = new Outage("sink test", new ListLogger(), time);
        outage.Note(Error.Error("First."));
        time.Advance(TimeSpan.FromSeconds(5));
        outage.Note(Error.Error("Second."));
        Assert.Equal(("test.down", "Second.", time.GetUtcNow()), (outage.LastError!.Code, outage.LastError.Message, outage.LastError.At));
    }
}
