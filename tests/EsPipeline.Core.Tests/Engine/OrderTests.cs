using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>What is written in which order, and what a checkpoint may speak of meanwhile.</summary>
public sealed class OrderTests : IDisposable
{
    private static readonly IReadOnlyList<RecordFailure> None = [];

    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task The_last_record_of_a_key_wins_though_many_writers_are_at_work()
    {
        var random = new Random(5);
        Document[] documents = [.. Enumerable.Range(0, 5000).Select(i => new Document($"k{random.Next(50)}", random.Next(10) == 0 ? "" : $$"""{"n":{{i}}}"""))];
        var (source, sink) = (new TestSource(documents) { Shape = p => p }, new TestSink());
        sink.BeforeWrite = async (_, ct) =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(random.Next(20)), _job.Time, ct);
            return None;
        };
        var result = await _job.RunAsync(source, sink);
        Assert.Equal((RunOutcome.Done, 5000L), (result.Outcome, result.Account.Written + result.Account.Unchanged));
        ContentAssert.Same(documents.GroupBy(d => d.Key).Select(g => g.Last()).Where(d => d.Json.Length > 0), sink.Documents);
        Assert.Contains("begin Snapshot repeated", sink.Calls);
    }

    [Fact]
    public async Task Partitions_in_order_are_read_one_after_the_other_and_later_ones_win()
    {
        var parts = Enumerable.Range(0, 5).Select(p => Corpus.Plain(40, seed: p).ToArray()).ToArray();
        var (source, sink) = (new TestSource(parts) { Shape = p => p with { InOrder = true } }, new TestSink());
        var reading = new List<string>();
        source.BeforeBatch = (partition, _, _) =>
        {
            reading.Add(partition.Value);
            return Task.CompletedTask;
        };
        await _job.RunAsync(_job.Setup(source, sink) with { Threads = 8 });
        Assert.Equal(reading.Order(), reading);
        ContentAssert.Same(parts[^1], sink.Documents);
    }

    [Fact]
    public async Task No_later_partition_in_order_is_saved_ahead_of_an_earlier_one_that_is_not_safe()
    {
        // The first partition's last batch has a record for a slow writer; everything behind it is written at once.
        var (source, sink) = (new TestSource([new("slow", "{}"), new("a", """{"v":1}""")], [new("a", """{"v":2}""")]) { BatchRecords = 10, Shape = p => p with { InOrder = true } }, new TestSink());
        var held = new TaskCompletionSource();
        sink.BeforeWrite = async (slice, _) =>
        {
            if (slice[0].Key.Span.SequenceEqual("slow"u8)) await held.Task;
            return None;
        };
        var running = new Pipeline(_job.Setup(source, sink) with { CheckpointInterval = TimeSpan.FromMilliseconds(10) }).RunAsync(CancellationToken.None);
        await FakeTime.UntilAsync(() => sink.Documents.GetValueOrDefault("a") == """{"v":2}""");
        for (var i = 0; i < 20; i++)
        {
            _job.Time.FireNext();
            await Task.Yield();
            var saved = (await _job.SavedAsync())!;
            Assert.All(saved.Partitions.Values, p => Assert.Equal(TestSource.At(0), p.Position));
        }

        held.SetResult();
        Assert.Equal(RunOutcome.Done, (await _job.Time.RunAsync(running)).Outcome);
        Assert.Equal([TestSource.At(2), TestSource.At(1)], (await _job.SavedAsync())!.Partitions.OrderBy(p => p.Key.Value).Select(p => p.Value.Position));
    }

    [Fact]
    public async Task A_resumable_sink_has_one_writer_every_record_in_order_and_a_token_that_ends_with_a_batch()
    {
        // Batches of ten in writes of three: most moments are within a batch.
        Document[] documents = [.. Enumerable.Range(0, 200).Select(i => new Document($"k{i % 7}", $$"""{"n":{{i}}}"""))];
        var source = new TestSource(documents) { Shape = p => p };
        var sink = new RecordingFile(_job.Time);
        var state = new CheckingStore(new FileStateStore(_job.Folder, _job.Time), checkpoint =>
        {
            var position = TestSource.NumberOf(checkpoint.Partitions.Single().Value.Position);
            Assert.Equal(position.ToString(), checkpoint.SinkToken);
        });
        var result = await _job.RunAsync(_job.Setup(source, sink) with { CheckpointInterval = TimeSpan.FromMilliseconds(3), State = state });
        Assert.Null(result.Error);
        Assert.Equal(documents.Select(d => d.Json), sink.Lines);
        Assert.True(state.Saves > 5, $"Saved {state.Saves} times.");
    }

    [Fact]
    public async Task A_resumable_sink_that_fails_within_a_batch_is_resumed_without_repeating_a_line()
    {
        Document[] documents = [.. Corpus.Plain(100)];
        var source = new TestSource(documents);
        var sink = new RecordingFile(_job.Time) { FailAt = 47 };
        Assert.Equal("test.disk_full", (await _job.RunAsync(source, sink)).Error?.Code);
        sink.FailAt = null;
        Assert.Equal(RunOutcome.Done, (await _job.RunAsync(source, sink)).Outcome);
        Assert.Equal(documents.Select(d => d.Json), sink.Lines);
    }

    [Fact]
    public async Task An_output_that_is_gone_makes_the_copy_begin_anew()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(50)]), new RecordingFile(_job.Time));
        await _job.RunAsync(source, sink);
        sink.Lines.Clear();
        Assert.Equal(50, (await _job.RunAsync(source, sink)).Account.Read);
        Assert.Equal((50, 1), (sink.Lines.Count, _job.Log.Count(1005)));
    }

    [Fact]
    public async Task A_source_that_starts_over_makes_a_file_begin_anew()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(50)]), new RecordingFile(_job.Time));
        await _job.RunAsync(source, sink);
        source.Data = [[.. Corpus.Plain(30, seed: 2)]];
        source.Shape = p => source.Plans[^1].Saved.Count > 0 ? p with { StartsOverBecause = "the file was replaced" } : p;
        Assert.Equal(30, (await _job.RunAsync(source, sink)).Account.Read);
        Assert.Equal(Corpus.Plain(30, seed: 2).Select(d => d.Json), sink.Lines);
    }

    [Fact]
    public async Task A_copy_that_begins_anew_takes_as_many_passes_as_a_first_one()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(50)]), new RecordingFile(_job.Time));
        await _job.RunAsync(source, sink);
        source.Data = [[.. Corpus.Plain(30, seed: 2)]];
        source.Shape = p => source.Plans[^1].Kind == ReadKind.Changes ? p with { StartsOverBecause = "the file was replaced" } : p;
        source.Continues = () =>
        {
            // What the source's first pass over the snapshot did not see yet.
            source.Data = [[.. Corpus.Plain(40, seed: 2)]];
            source.Continues = () => false;
            return true;
        };
        Assert.Equal((RunOutcome.Done, 40L), (await _job.RunAsync(source, sink)) is var result ? (result.Outcome, result.Account.Read) : default);
        Assert.Equal(Corpus.Plain(40, seed: 2).Select(d => d.Json), sink.Lines);
    }

    [Fact]
    public async Task What_can_not_be_gone_back_to_is_never_saved()
    {
        var (source, sink) = (new TestSource([.. Corpus.Plain(50)]) { Shape = p => p with { Resumable = false } }, new TestSink());
        await _job.RunAsync(source, sink);
        Assert.Null(await _job.SavedAsync());
        await _job.RunAsync(new TestSource([.. Corpus.Plain(50)]), new RecordingFile(_job.Time) { IsPipe = true });
        Assert.Null(await _job.SavedAsync());
    }

    // The real store, with a look at each checkpoint.
    private sealed class CheckingStore(FileStateStore store, Action<Checkpoint> check) : IStateStore
    {
        public int Saves { get; private set; }

        public string Description => store.Description;

        public string FolderOf(string job) => store.FolderOf(job);

        public Task<ConnectorHealth> CheckAsync(CancellationToken ct) => store.CheckAsync(ct);

        public async Task<IJobState> OpenAsync(string job, CancellationToken ct) => new Job(this, check, await store.OpenAsync(job, ct));

        public Task<IReadOnlyList<string>> ListJobsAsync(CancellationToken ct) => store.ListJobsAsync(ct);

        public Task<Checkpoint?> ReadCheckpointAsync(string job, CancellationToken ct) => store.ReadCheckpointAsync(job, ct);

        public Task<IReadOnlyList<RunRecord>> ReadRunsAsync(string job, int most, CancellationToken ct) => store.ReadRunsAsync(job, most, ct);

        public ValueTask DisposeAsync() => store.DisposeAsync();

        private sealed class Job(CheckingStore owner, Action<Checkpoint> check, IJobState inner) : IJobState
        {
            string IJobState.Job => inner.Job;

            public string Folder => inner.Folder;

            public Task<Checkpoint?> LoadAsync(CancellationToken ct) => inner.LoadAsync(ct);

            public Task SaveAsync(Checkpoint checkpoint, CancellationToken ct)
            {
                owner.Saves++;
                check(checkpoint);
                return inner.SaveAsync(checkpoint, ct);
            }

            public Task ResetAsync(CancellationToken ct) => inner.ResetAsync(ct);

            public Task NoteRunAsync(RunRecord run, CancellationToken ct) => inner.NoteRunAsync(run, ct);

            public ValueTask DisposeAsync() => inner.DisposeAsync();
        }
    }
}
