using System.Diagnostics.Metrics;
using EsPipeline.Core.Engine;

namespace EsPipeline.Core.Telemetry;

/// <summary>
/// The engine's meter, for whatever listens to <see cref="System.Diagnostics.Metrics"/>. The counters are the run's account itself, read when
/// they are asked for, so that the two can't disagree. Safe for many threads.
/// </summary>
public sealed class PipelineMeter : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string Name = "EsPipeline";

    private static readonly double[] Seconds = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60];
    private static readonly double[] Records = [1, 10, 50, 100, 500, 1000, 2500, 5000, 10_000, 100_000];

    private readonly Meter _meter;
    private readonly Histogram<double> _writeSeconds;
    private readonly Histogram<long> _writeRecords;
    private volatile Func<RunProgress>? _progress;

    /// <param name="job">The job; a label of everything.</param>
    /// <param name="source">The source's name, likewise.</param>
    /// <param name="sink">The sink's name, likewise.</param>
    public PipelineMeter(string job, string source, string sink)
    {
        _meter = new Meter(Name, null, [new("job", job), new("source", source), new("sink", sink)]);
        _meter.CreateObservableCounter("espipe.records.read", () => Of(p => p.Account.Read), null, "Records taken from the source");
        _meter.CreateObservableCounter("espipe.records.done", Outcomes, null, "Records by what became of them");
        _meter.CreateObservableCounter("espipe.records.retried", () => Of(p => p.Account.Retries), null, "Records that were sent again");
        _meter.CreateObservableCounter("espipe.read", () => Of(p => p.Account.Bytes), "By", "Bytes of the keys and documents read");
        _meter.CreateObservableGauge("espipe.records.unfinished", () => Of(p => p.Account.Unfinished), null, "Records read that are not safe yet");
        _meter.CreateObservableGauge("espipe.lag", Lag, "s", "Time since the sink last held everything that the source had; none before it first did");
        _meter.CreateObservableGauge("espipe.down", Down, "s", "How long an end has been down; 0 while it is up");
        _meter.CreateObservableGauge("espipe.batch.records", () => Of(p => p.BatchRecords), null, "Records in a write at most now");
        _meter.CreateObservableGauge("espipe.writers", () => Of(p => p.Writers), null, "Writes under way at most now");
        _meter.CreateObservableGauge("espipe.phase", Phase, null, "1 for what the run is doing");
        _writeSeconds = _meter.CreateHistogram(
            "espipe.write.duration", "s", "How long writes took", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = Seconds });
        _writeRecords = _meter.CreateHistogram(
            "espipe.write.records", null, "Records in each write", null, new InstrumentAdvice<long> { HistogramBucketBoundaries = [.. Records.Select(r => (long)r)] });
    }

    /// <inheritdoc/>
    public void Dispose() => _meter.Dispose();

    /// <summary>Takes the figures from a run, from now on.</summary>
    internal void Observe(Func<RunProgress> progress) => _progress = progress;

    /// <summary>Notes one write, whatever came of it.</summary>
    internal void Wrote(int records, TimeSpan took)
    {
        _writeSeconds.Record(took.TotalSeconds);
        _writeRecords.Record(records);
    }

    private static KeyValuePair<string, object?> Label(string name, string value) => new(name, value);

    private IEnumerable<Measurement<long>> Of(Func<RunProgress, long> figure)
    {
        if (_progress is { } progress) yield return new Measurement<long>(figure(progress()));
    }

    private IEnumerable<Measurement<long>> Outcomes()
    {
        if (_progress is not { } progress) yield break;
        var account = progress().Account;
        yield return new Measurement<long>(account.Written, Label("outcome", "written"));
        yield return new Measurement<long>(account.Unchanged, Label("outcome", "unchanged"));
        yield return new Measurement<long>(account.Filtered, Label("outcome", "filtered"));
        yield return new Measurement<long>(account.DeadLettered, Label("outcome", "dead_lettered"));
    }

    private IEnumerable<Measurement<double>> Lag()
    {
        if (_progress?.Invoke().Lag is { } lag) yield return new Measurement<double>(lag.TotalSeconds);
    }

    private IEnumerable<Measurement<double>> Down()
    {
        if (_progress is not { } ask) yield break;
        var progress = ask();
        yield return new Measurement<double>(progress.SourceDownFor?.TotalSeconds ?? 0, Label("end", "source"));
        yield return new Measurement<double>(progress.SinkDownFor?.TotalSeconds ?? 0, Label("end", "sink"));
    }

    private IEnumerable<Measurement<long>> Phase()
    {
        if (_progress is { } progress) yield return new Measurement<long>(1, Label("phase", progress().Phase.ToString().ToLowerInvariant()));
    }
}
