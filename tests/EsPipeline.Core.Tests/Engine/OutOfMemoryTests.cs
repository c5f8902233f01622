using EsPipeline.Core.Engine;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A part of a run that finds the memory used up ends the whole run, like any other failure.</summary>
public sealed class OutOfMemoryTests : IDisposable
{
    private readonly TestJob _job = new();
    private readonly TestSource _source = new([.. Corpus.Plain(5000)]);
    private readonly TestSink _sink = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task In_a_writer_it_ends_the_readers_that_wait_for_room_too()
    {
        var writes = 0;
        _sink.BeforeWrite = (_, _) =>
        {
            if (Interlocked.Increment(ref writes) > 3) TakeTooMuch();
            return Task.FromResult<IReadOnlyList<RecordFailure>>([]);
        };
        await EndsAsync(_job.Setup(_source, _sink) with { ReadAheadBytes = 10_000 });
        Assert.NotEmpty(_sink.Documents);
        Assert.NotEqual(0, TestSource.NumberOf((await _job.SavedAsync())!.Partitions.Single().Value.Position));
    }

    [Fact]
    public async Task In_a_reader_it_ends_the_writers_that_wait_for_more_too()
    {
        _source.BeforeBatch = (_, at, _) =>
        {
            if (at == 50) TakeTooMuch();
            return Task.CompletedTask;
        };
        await EndsAsync(_job.Setup(_source, _sink));
    }

    [Fact]
    public async Task Before_anything_is_read_it_is_told_as_well()
    {
        _source.Shape = partition =>
        {
            TakeTooMuch();
            return partition;
        };
        await EndsAsync(_job.Setup(_source, _sink));
    }

    // More than an array can hold: refused by the runtime at once, as what is too much for the memory is.
    private static void TakeTooMuch() => GC.KeepAlive(new byte[int.MaxValue]);

    private async Task EndsAsync(PipelineSetup setup)
    {
        var result = await _job.RunAsync(setup);
        Assert.Equal((RunOutcome.Failed, "run.out_of_memory", true), (result.Outcome, result.Error?.Code, result.Account.Balances));
        Assert.Contains("--read-ahead-mb", result.Error!.Remedy, StringComparison.Ordinal);
    }
}
