using EsPipeline.Core.Engine;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Core.Tests.Engine;

public sealed class AdaptiveSizeRecoveryTests
{
    private static readonly SinkLimits Limits = new() { MaxRecords = 500, StartRecords = 20, Concurrency = 16, StartConcurrency = 2 };

    // A server with a fixed cost for each write, 5 ms, besides 0.05 ms for each record.
    private static TimeSpan Latency(int records, double slowdown = 1) => TimeSpan.FromMilliseconds((5 + (0.05 * records)) * slowdown);

    [Fact]
    public async Task After_a_pause_of_the_server_writes_grow_again_instead_of_shrinking_to_single_records()
    {
        var size = new AdaptiveSize(Limits);
        for (var i = 0; i < 200; i++) await WriteAsync(size);
        Assert.Equal(500, size.Records);

        for (var i = 0; i < 12; i++) await WriteAsync(size, slowdown: 1 + (10 * i));
        var cut = size.Records;
        Assert.InRange(cut, 1, 250);
        for (var i = 0; i < 50; i++) await WriteAsync(size);
        Assert.InRange(size.Records, cut + 200, 500);
    }

    [Fact]
    public async Task A_server_that_becomes_slower_gets_less()
    {
        var size = new AdaptiveSize(Limits);
        for (var i = 0; i < 200; i++) await WriteAsync(size);
        for (var i = 0; i < 20; i++) await WriteAsync(size, slowdown: 3);
        Assert.InRange(size.Records, 1, 400);
        Assert.InRange(size.Concurrency, 1, 8);
    }

    private static async Task WriteAsync(AdaptiveSize size, double slowdown = 1)
    {
        var epoch = await size.EnterAsync(TestContext.Current.CancellationToken);
        size.Calm(epoch, size.Records, Latency(size.Records, slowdown));
        size.Leave();
    }
}
