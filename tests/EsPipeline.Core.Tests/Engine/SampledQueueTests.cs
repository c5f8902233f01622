using System.Collections.Concurrent;
using System.Text;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>What a sink learns from before the first write.</summary>
public sealed class SampledQueueTests : IDisposable
{
    private readonly TestJob _job = new();
    private readonly LearningSink _sink = new();

    public void Dispose() => _job.Dispose();

    [Theory]
    [InlineData(1, true)]
    [InlineData(1, false)]
    [InlineData(4, true)]
    [InlineData(4, false)]
    public async Task It_is_the_first_records_in_reading_order_however_many_read_and_write(int threads, bool unique)
    {
        var parts = Enumerable.Range(0, 5).Select(p => Enumerable.Range(0, 4000).Select(i => new Document($"{p}-{i}", "{}")).ToArray()).ToArray();
        var source = new TestSource([[], .. parts]) { BatchRecords = 300, Shape = p => p with { UniqueKeys = unique } };
        var result = await _job.RunAsync(_job.Setup(source, _sink) with { Threads = threads });
        Assert.Equal((RunOutcome.Done, 20_000L), (result.Outcome, result.Account.Written));
        var expected = parts.SelectMany(p => p).Select(d => d.Key).ToArray();
        Assert.InRange(_sink.Sample.Count, SampledQueue.Records, SampledQueue.Records + 300);
        Assert.Equal(expected[.._sink.Sample.Count], _sink.Sample);
    }

    [Fact]
    public async Task One_that_is_larger_than_memory_allows_ends_where_it_is_full()
    {
        Document[] documents = [.. Enumerable.Range(0, 400).Select(i => Corpus.OfBytes($"{i:000}", 1000))];
        var result = await _job.RunAsync(_job.Setup(new TestSource(documents), _sink) with { ReadAheadBytes = 64 << 10 });
        Assert.Equal((RunOutcome.Done, 400L), (result.Outcome, result.Account.Written));
        Assert.InRange(_sink.Sample.Count, 10, 60);
    }

    [Fact]
    public async Task A_run_that_is_stopped_meanwhile_writes_what_it_has_read()
    {
        using var stop = new CancellationTokenSource();
        var source = new TestSource(Corpus.Plain(100).ToArray())
        {
            BeforeBatch = (_, at, _) => at == 50 ? stop.CancelAsync() : Task.CompletedTask,
        };
        var result = await _job.Time.RunAsync(new Pipeline(_job.Setup(source, _sink)).RunAsync(stop.Token));
        Assert.Equal((RunOutcome.Stopped, 50L, 50L), (result.Outcome, result.Account.Read, result.Account.Written));
        Assert.Equal(50, _sink.Sample.Count);
    }

    [Fact]
    public async Task A_sink_that_can_not_learn_now_is_asked_again_and_one_that_never_can_stops_the_run()
    {
        _sink.Fail = TestSink.Busy.Error("It is busy.");
        var result = await _job.RunAsync(new TestSource([.. Corpus.Plain(30)], [.. Corpus.Plain(10, seed: 2)]), _sink);
        Assert.Equal((RunOutcome.Done, 2), (result.Outcome, _sink.Asked));

        using var other = new TestJob();
        var full = new LearningSink { Fail = TestSink.Full.Error("It is full.") };
        var failed = await other.RunAsync(new TestSource([.. Corpus.Plain(30)], [.. Corpus.Plain(10, seed: 2)]), full);
        Assert.Equal((RunOutcome.Failed, TestSink.Full, 0L), (failed.Outcome, failed.Error?.Error, failed.Account.Written));
    }

    [Fact]
    public async Task It_ends_in_time_where_nothing_of_what_comes_is_left()
    {
        var source = new TestSource([.. Corpus.Plain(3 * CheckpointTracker.DefaultCapacity)]) { BatchRecords = 1 };
        var result = await _job.RunAsync(_job.Setup(source, _sink) with { Transform = new OnlyFirst() });
        Assert.Equal((RunOutcome.Done, 1L, 3L * CheckpointTracker.DefaultCapacity - 1), (result.Outcome, result.Account.Written, result.Account.Filtered));
        Assert.Single(_sink.Sample);
    }

    [Fact]
    public async Task Nothing_is_learnt_from_nothing()
    {
        Assert.Equal(RunOutcome.Done, (await _job.RunAsync(new TestSource([], []), _sink)).Outcome);
        Assert.Equal(0, _sink.Asked);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_run_that_is_stopped_while_the_sample_is_handed_on_hands_on_each_batch_once(bool unique)
    {
        // So many small batches that they do not fit into the queue, and writers that are held up until the run has been stopped.
        using var stop = new CancellationTokenSource();
        var stopped = new TaskCompletionSource();
        _sink.BeforeWrite = () => stopped.Task;
        var source = new TestSource([.. Enumerable.Range(0, 400).Select(i => Corpus.OfBytes($"{i:000}", 1000))]) { BatchRecords = 2, Shape = p => p with { UniqueKeys = unique } };
        var running = new Pipeline(_job.Setup(source, _sink) with { ReadAheadBytes = 200 << 10 }).RunAsync(stop.Token);
        await FakeTime.UntilAsync(() => _sink.Sample.Count > 0);
        await stop.CancelAsync();
        stopped.SetResult();
        var result = await _job.Time.RunAsync(running);
        Assert.Equal((RunOutcome.Stopped, result.Account.Read), (result.Outcome, result.Account.Written));
        Assert.Equal(_sink.Sample, _sink.Written.Take(_sink.Sample.Count).Order());
        Assert.Equal(_sink.Written.Count, _sink.Written.Distinct().Count());
    }

    [Fact]
    public async Task Changes_are_never_held_back()
    {
        _sink.WritesUnlearnt = true;
        var held = new TaskCompletionSource();
        var source = new TestSource([]);
        await _job.RunAsync(source, _sink);
        source = new TestSource([.. Corpus.Plain(100)])
        {
            BeforeBatch = async (_, at, _) =>
            {
                if (at == 50) await held.Task;
            },
        };
        var pipeline = new Pipeline(_job.Setup(source, _sink));
        var running = pipeline.RunAsync(CancellationToken.None);
        await FakeTime.UntilAsync(() => pipeline.Progress.Account.Written == 50);
        held.SetResult();
        Assert.Equal(RunOutcome.Done, (await _job.Time.RunAsync(running)).Outcome);
        Assert.Equal(0, _sink.Asked);
    }

    private sealed class LearningSink : ISamplingSink
    {
        private readonly TestSink _inner = new();

        public PipelineException? Fail { get; set; }

        /// <summary>True for a sink that is also written to before it has learnt.</summary>
        public bool WritesUnlearnt { get; set; }

        public int Asked { get; private set; }

        public List<string> Sample { get; } = [];

        public ConcurrentQueue<string> Written { get; } = [];

        /// <summary>Waited for by each write.</summary>
        public Func<Task> BeforeWrite { get; set; } = () => Task.CompletedTask;

        public SinkLimits Limits => _inner.Limits;

        public bool NeedsSample => Sample.Count == 0;

        public Task LearnAsync(IReadOnlyList<RecordSlice> sample, CancellationToken ct)
        {
            Asked++;
            if (Fail is { } failure)
            {
                if (failure.Kind == FailureKind.Transient) Fail = null;
                throw failure;
            }

            foreach (var slice in sample)
            {
                foreach (ref readonly var record in slice.Records) Sample.Add(Encoding.UTF8.GetString(record.Key.Span));
            }

            return Task.CompletedTask;
        }

        public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => _inner.CheckAsync(ct);

        public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => _inner.PrepareAsync(schema, ct);

        public async Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct)
        {
            if (!WritesUnlearnt) Assert.NotEmpty(Sample);
            await BeforeWrite();
            for (var i = 0; i < slice.Count; i++) Written.Enqueue(Encoding.UTF8.GetString(slice[i].Key.Span));
            return await _inner.WriteAsync(slice, ct);
        }

        public ValueTask DisposeAsync() => _inner.DisposeAsync();
    }

    private sealed class OnlyFirst : IRecordTransform
    {
        public bool ChangesKeys => false;

        public RecordBatch Apply(RecordBatch batch, out int filtered)
        {
            filtered = 0;
            if (batch.Records.Span[0].Place == 0) return batch;
            filtered = batch.Count;
            var end = batch.End;
            batch.Dispose();
            using var builder = new RecordBatchBuilder(16);
            return builder.Build(end, 1, "item");
        }
    }
}
