using System.Diagnostics;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A job that the real engine runs from PostgreSQL into memory, again and again, and whose sink may stand still in the middle of a pass.</summary>
internal sealed class FollowedRun(PostgresSourceOptions options, SourceTuning? tuning = null) : IAsyncDisposable
{
    private readonly TemporaryFolder _state = new();
    private readonly CancellationTokenSource _stop = new();
    private Task<RunResult>? _run;
    private PostgresSource? _source;

    public GatedSink Sink { get; } = new();

    public ListLog<PostgresSource> Log { get; } = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Copies everything that there is, so that the next run follows.</summary>
    public async Task SnapshotAsync()
    {
        Start(PipelineMode.Single);
        Assert.Equal(RunOutcome.Done, (await EndAsync()).Outcome);
    }

    /// <summary>Begins a run that reads a little ahead of its sink only.</summary>
    public void Start(PipelineMode mode)
    {
        _source = new PostgresSource(options, new RunOptions(), TimeProvider.System, Log, tuning ?? new SourceTuning { HorizonMargin = TimeSpan.Zero, BatchRecords = 10, LongestStall = TimeSpan.FromMilliseconds(200) });
        _run = EngineRun.CopyAsync(_source, Sink, _state.Path, _stop.Token, setup => setup with
        {
            Mode = mode,
            Interval = TimeSpan.FromMilliseconds(50),
            CheckpointInterval = TimeSpan.FromMilliseconds(50),
            ReadAheadBytes = 1,
            Retry = setup.Retry with { Forever = mode == PipelineMode.Continuous },
            Log = Log,
        });
    }

    /// <summary>Waits for a run to end by itself.</summary>
    public async Task<RunResult> EndAsync()
    {
        var result = await _run!.WaitAsync(Eventually.Longest, Ct);
        await _source!.DisposeAsync();
        (_run, _source) = (null, null);
        return result;
    }

    /// <summary>Waits until the sink holds these.</summary>
    public async Task UntilSameAsync(Func<Task<IReadOnlyList<Document>>> wanted)
    {
        for (var started = Stopwatch.GetTimestamp(); Stopwatch.GetElapsedTime(started) < Eventually.Longest; await Task.Delay(100, Ct))
        {
            if (_run is { IsCompleted: true } ended) Assert.Fail($"The run has ended: {(await ended).Error}");
            var (documents, held) = (await wanted(), Sink.Documents);
            if (documents.Count == held.Count && documents.All(d => held.TryGetValue(d.Key, out var json) && JsonContent.Equal(d.Json, json))) return;
        }

        ContentAssert.Same(await wanted(), Sink.Documents);
    }

    public async ValueTask DisposeAsync()
    {
        Sink.Open();
        await _stop.CancelAsync();
        if (_run is not null) await _run;
        if (_source is not null) await _source.DisposeAsync();
        _stop.Dispose();
        _state.Dispose();
    }
}
