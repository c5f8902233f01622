using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A source that turns out to be another than it was when the pass was planned: what it has read stays, the rest is planned anew.</summary>
public sealed class PlannedAnewTests : IDisposable
{
    private static readonly ErrorCode Outdated = new("test.outdated", FailureKind.Environment, "The test's source has changed.", "Run again.") { PlansAnew = true };

    private readonly TestJob _job = new();
    private readonly TestSink _sink = new();

    public void Dispose() => _job.Dispose();

    [Theory]
    [InlineData(PipelineMode.FullSync, false)]
    [InlineData(PipelineMode.FullSync, true)]
    [InlineData(PipelineMode.Single, false)]
    public async Task The_rest_is_planned_anew_in_the_same_run_and_the_account_balances(PipelineMode mode, bool inOrder)
    {
        var source = new TestSource([.. Corpus.Plain(50)], [.. Corpus.Plain(100).Skip(50)]);
        if (inOrder) source.Shape = p => p with { InOrder = true };
        var left = 2;
        source.BeforeBatch = (partition, at, _) => partition.Value == "p0" && at == 20 && left-- > 0 ? throw Outdated.Error("It has changed.") : Task.CompletedTask;
        var result = await _job.RunAsync(source, _sink, mode);
        Assert.Equal((RunOutcome.Done, 100L, true), (result.Outcome, result.Account.Written, result.Account.Balances));
        ContentAssert.Same(Corpus.Plain(100), _sink.Documents);
        Assert.Equal(3, source.Plans.Count);
        Assert.All(source.Plans, p => Assert.Equal(ReadKind.Snapshot, p.Kind));

        // What was read before is not read again.
        Assert.Equal(20, TestSource.NumberOf(source.Plans[^1].Saved[new PartitionId("p0")]));
    }
}
