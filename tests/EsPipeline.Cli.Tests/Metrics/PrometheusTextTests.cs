using System.Diagnostics.Metrics;
using EsPipeline.Cli.Metrics;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Cli.Tests.Metrics;

public sealed class PrometheusTextTests
{
    [Fact]
    public void Every_kind_of_instrument_is_written_as_the_format_asks_for()
    {
        using var text = new PrometheusText();
        using var meter = new Meter(PipelineMeter.Name, null, [new("job", "a\"b\\c\nd")]);
        using var other = new Meter("Other");
        other.CreateObservableGauge("other.gauge", () => 1L);
        meter.CreateObservableCounter("test.count", () => new Measurement<long>(7, new KeyValuePair<string, object?>("outcome", "written")), null, "First line\nand a \\");
        var lag = (double?)1.5;
        meter.CreateObservableGauge("test.lag", () => lag is { } seconds ? [new Measurement<double>(seconds)] : Array.Empty<Measurement<double>>(), "s", "Lag");
        var histogram = meter.CreateHistogram("test.took", "s", "Time", null, new InstrumentAdvice<double> { HistogramBucketBoundaries = [0.1, 1] });
        foreach (var value in new[] { 0.05, 0.1, 0.5, 3 }) histogram.Record(value);

        const string label = "job=\"a\\\"b\\\\c\\nd\"";
        Assert.Equal(
            $$"""
            # HELP test_count_total First line\nand a \\
            # TYPE test_count_total counter
            test_count_total{{{label}},outcome="written"} 7
            # HELP test_lag_seconds Lag
            # TYPE test_lag_seconds gauge
            test_lag_seconds{{{label}}} 1.5
            # HELP test_took_seconds Time
            # TYPE test_took_seconds histogram
            test_took_seconds_bucket{{{label}},le="0.1"} 2
            test_took_seconds_bucket{{{label}},le="1"} 3
            test_took_seconds_bucket{{{label}},le="+Inf"} 4
            test_took_seconds_sum{{{label}}} 3.65
            test_took_seconds_count{{{label}}} 4

            """.ReplaceLineEndings("\n"),
            text.Write());

        lag = null;
        Assert.DoesNotContain("test_lag_seconds", text.Write(), StringComparison.Ordinal);
        histogram.Record(0.2);
        Assert.Contains("test_took_seconds_count{", text.Write(), StringComparison.Ordinal);
        Assert.Contains("} 5\n", text.Write(), StringComparison.Ordinal);
    }
}
