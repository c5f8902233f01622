using EsPipeline.Core.Engine;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A source that breaks off in its middle and says that there is more: no run that ends takes it for done.</summary>
public sealed class BrokenOffTests : IDisposable
{
    private readonly TestJob _job = new();
    private readonly TestSource _source = new([.. Corpus.Plain(50)]);
    private readonly TestSink _sink = new();

    public BrokenOffTests() => _source.Continues = () =>
    {
        var whole = _source.Data[0].Count == 100;
        if (_source.Data[0].Count == 50) _source.Data = [[.. Corpus.Plain(100)]];
        return !whole;
    };

    public void Dispose() => _job.Dispose();

    [Theory]
    [InlineData(null, 100)]
    [InlineData(1_000_000L, 100)]
    [InlineData(101L, 100)]
    [InlineData(70L, 70)]
    public async Task A_snapshot_is_read_on_until_it_is_whole_or_the_limit_is_reached(long? limit, int expected)
    {
        var setup = _job.Setup(_source, _sink);
        var result = await _job.RunAsync(setup with { Selection = setup.Selection with { Limit = limit } });
        Assert.Equal((RunOutcome.Done, (long)expected), (result.Outcome, result.Account.Written));
        Assert.Equal(expected, _sink.Documents.Count);
    }

    [Theory]
    [InlineData(10L)]
    [InlineData(50L)]
    public async Task Where_the_limit_is_reached_it_does_not_matter_what_else_there_is(long limit)
    {
        var setup = _job.Setup(_source, _sink);
        var result = await _job.RunAsync(setup with { Selection = setup.Selection with { Limit = limit } });
        Assert.Equal((RunOutcome.Done, limit), (result.Outcome, result.Account.Written));
        Assert.Single(_source.Plans);
    }

    [Fact]
    public async Task A_single_pass_over_changes_is_followed_by_as_many_as_it_takes()
    {
        var first = new TestSource([.. Corpus.Plain(20)]);
        await _job.RunAsync(first, _sink, PipelineMode.Single);
        var result = await _job.RunAsync(_source, _sink, PipelineMode.Single);
        Assert.Equal((RunOutcome.Done, 80L), (result.Outcome, result.Account.Written));
        ContentAssert.Same(Corpus.Plain(100), _sink.Documents);
    }
}
