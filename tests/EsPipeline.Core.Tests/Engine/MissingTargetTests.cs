using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Engine;

/// <summary>A table that was dropped between two runs: where it held what the positions speak of, it is not made anew and left empty.</summary>
public sealed class MissingTargetTests : IDisposable
{
    private readonly TestJob _job = new();
    private readonly TestSource _source = new([.. Corpus.Plain(10)]);

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task It_is_refused_though_the_history_knows_of_no_run_that_wrote()
    {
        Assert.Equal(10, (await _job.RunAsync(_source, new TestSink { IsMissing = true })).Account.Written);
        Assert.Equal(RunOutcome.Done, (await _job.RunAsync(_source, new TestSink())).Outcome);
        Assert.True((await _job.SavedAsync())!.Wrote);
        Forget();
        await IsRefusedAsync();
    }

    [Fact]
    public async Task It_is_refused_where_the_first_run_found_every_record_there()
    {
        await _job.RunAsync(_source, new UnchangingSink());
        Forget();
        await IsRefusedAsync();
    }

    [Fact]
    public async Task The_history_is_asked_where_the_checkpoint_of_an_earlier_release_does_not_say_it()
    {
        await _job.RunAsync(_source, new TestSink { IsMissing = true });
        await using (var state = await new FileStateStore(_job.Folder, _job.Time).OpenAsync("job", Ct))
        {
            await state.SaveAsync((await state.LoadAsync(Ct))! with { Wrote = false }, Ct);
        }

        await IsRefusedAsync();
    }

    [Fact]
    public async Task It_is_made_where_it_never_held_any_record()
    {
        var sink = new TestSink { IsMissing = true, BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\"", TestSink.Refused) };
        Assert.Equal(10, (await _job.RunAsync(_source, sink)).Account.DeadLettered);
        Assert.False((await _job.SavedAsync())!.Wrote);
        Assert.Null((await _job.RunAsync(_source, new TestSink { IsMissing = true })).Error);
        Assert.Null((await _job.RunAsync(_source, new UnchangingSink { IsMissing = true })).Error);
    }

    [Fact]
    public async Task A_letter_that_was_sent_again_counts_as_written()
    {
        var sink = new TestSink { IsMissing = true, BeforeWrite = (slice, _) => TestSink.Refuse(slice, "\"n\"", TestSink.Refused) };
        await _job.RunAsync(_source, sink);
        Assert.Equal(10, (await new DeadLetterReplay(_job.Setup(_source, new TestSink { IsMissing = true })).RunAsync(_ => true, Ct)).Replayed);
        await IsRefusedAsync();
    }

    private void Forget() => File.Delete(Path.Combine(_job.Folder, "job", "runs.jsonl"));

    private async Task IsRefusedAsync()
    {
        var refused = await _job.RunAsync(_source, new TestSink { IsMissing = true });
        Assert.Equal("checkpoint.job_changed", refused.Error?.Code);
        Assert.Contains("is not there any more", refused.Error!.Message, StringComparison.Ordinal);
    }

    /// <summary>A table that holds everything already.</summary>
    private sealed class UnchangingSink : IDataSink
    {
        public bool IsMissing { get; init; }

        public SinkLimits Limits { get; } = new();

        public Task<ConnectorHealth> CheckAsync(CancellationToken ct) =>
            Task.FromResult(new ConnectorHealth("test", TimeSpan.Zero, new Dictionary<string, string> { ["place"] = "here" }) { TargetIsMissing = IsMissing });

        public Task PrepareAsync(Core.Sources.SourceSchema schema, CancellationToken ct) => Task.CompletedTask;

        public Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct) => Task.FromResult(new WriteResult(0, slice.Count, []));

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
