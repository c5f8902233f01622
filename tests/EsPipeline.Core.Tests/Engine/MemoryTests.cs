using EsPipeline.Core.Engine;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>Memory is bounded by configuration, not by the data (invariant 5): bytes in flight are counted, not the process's size.</summary>
public sealed class MemoryTests : IDisposable
{
    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task A_sink_a_hundred_times_slower_than_its_source_leaves_memory_flat()
    {
        const int readAhead = 256 * 1024;
        foreach (var uniqueKeys in (bool[])[true, false])
        {
            using var job = new TestJob();
            var source = new TestSource([.. Enumerable.Range(0, 4).Select(p => Corpus.Plain(5000 * (p + 1)).Skip(5000 * p).ToArray())])
            {
                BatchRecords = 100,
                Shape = p => p with { UniqueKeys = uniqueKeys },
            };
            var sink = new TestSink();
            Pipeline pipeline = null!;
            var most = 0L;
            sink.BeforeWrite = async (slice, ct) =>
            {
                await Task.Delay(TimeSpan.FromMilliseconds(100 * slice.Count), job.Time, ct);
                most = Math.Max(most, pipeline.BytesInFlight);
                return [];
            };
            pipeline = new Pipeline(job.Setup(source, sink) with { Threads = 4, ReadAheadBytes = readAhead });
            var result = await job.Time.RunAsync(pipeline.RunAsync(CancellationToken.None));
            Assert.Equal((RunOutcome.Done, 20_000L), (result.Outcome, result.Account.Written));
            Assert.InRange(most, readAhead / 2, readAhead);
            Assert.Equal(0, pipeline.BytesInFlight);
        }
    }

    [Fact]
    public async Task Readers_wait_while_nothing_is_written()
    {
        var source = new TestSource([.. Corpus.Plain(50_000)]) { BatchRecords = 100 };
        var sink = new TestSink();
        var held = new TaskCompletionSource();
        var read = 0;
        source.BeforeBatch = (_, at, _) =>
        {
            read = at;
            return Task.CompletedTask;
        };
        sink.BeforeWrite = async (_, _) =>
        {
            await held.Task;
            return [];
        };
        var pipeline = new Pipeline(_job.Setup(source, sink) with { ReadAheadBytes = 100_000 });
        var running = pipeline.RunAsync(CancellationToken.None);
        await FakeTime.UntilAsync(() => pipeline.BytesInFlight > 50_000 && Volatile.Read(ref read) >= 100);
        var settled = -1;
        while (settled != read)
        {
            settled = read;
            for (var i = 0; i < 1000; i++) await Task.Yield();
        }

        Assert.InRange(read, 100, 3000);
        held.SetResult();
        Assert.Equal(50_000, (await _job.Time.RunAsync(running)).Account.Written);
    }
}
