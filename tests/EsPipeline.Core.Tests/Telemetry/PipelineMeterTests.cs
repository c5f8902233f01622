using System.Diagnostics.Metrics;
using EsPipeline.Core.Telemetry;
using EsPipeline.Core.Tests.Engine;

namespace EsPipeline.Core.Tests.Telemetry;

public sealed class PipelineMeterTests : IDisposable
{
    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task At_the_end_of_a_run_its_figures_are_the_account()
    {
        var job = $"job-{Guid.NewGuid():N}";
        using var meter = new PipelineMeter(job, "from", "to");
        var figures = new Dictionary<string, double>();
        var writes = 0L;
        var written = 0L;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, l) =>
            {
                if (instrument.Meter.Tags?.Any(t => Equals(t.Value, job)) == true) l.EnableMeasurementEvents(instrument);
            },
        };
        listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Note(instrument, value, tags));
        listener.Start();

        Document[] documents = [.. Enumerable.Range(0, 130).Select(i => new Document($"k{i}", i % 40 == 7 ? """{"a":"bad"}""" : """{"a":1}"""))];
        var failed = 0;
        var sink = new TestSink
        {
            BeforeWrite = (slice, _) => Interlocked.Increment(ref failed) == 2 ? throw TestSink.Busy.Error("Busy.") : TestSink.Refuse(slice, "bad", TestSink.Refused),
        };
        var result = await _job.RunAsync(_job.Setup(new TestSource(documents), sink) with { Meter = meter });
        listener.RecordObservableInstruments();

        var account = result.Account;
        Assert.Equal(130, account.Read);
        Assert.True(account.Retries > 0);
        Assert.Equal(account.Read, figures["espipe.records.read"]);
        Assert.Equal(account.Written, figures["espipe.records.done written"]);
        Assert.Equal(account.Unchanged, figures["espipe.records.done unchanged"]);
        Assert.Equal(account.Filtered, figures["espipe.records.done filtered"]);
        Assert.Equal((4, 4), (account.DeadLettered, figures["espipe.records.done dead_lettered"]));
        Assert.Equal(account.Retries, figures["espipe.records.retried"]);
        Assert.Equal(account.Bytes, figures["espipe.read"]);
        Assert.Equal(0, figures["espipe.records.unfinished"]);
        Assert.Equal(sink.Writes + 1, writes);
        Assert.Equal(account.Read + account.Retries, written);

        void Note(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            lock (figures)
            {
                if (instrument.Name == "espipe.write.duration") writes++;
                else if (instrument.Name == "espipe.write.records") written += (long)value;
                else figures[tags.Length == 0 ? instrument.Name : $"{instrument.Name} {tags[0].Value}"] = value;
            }
        }
    }
}
