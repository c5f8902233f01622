using System.Diagnostics.Metrics;
using System.Globalization;
using System.Text;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Cli.Metrics;

/// <summary>
/// Listens to the engine's meter and writes it in Prometheus's text format 0.0.4
/// (https://prometheus.io/docs/instrumenting/exposition_formats/). Safe for many threads.
/// </summary>
internal sealed class PrometheusText : IDisposable
{
    private readonly Lock _lock = new();
    private readonly MeterListener _listener = new();
    private readonly List<Family> _families = [];

    public PrometheusText()
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter.Name != PipelineMeter.Name) return;
            var family = new Family(instrument);
            lock (_lock) _families.Add(family);
            listener.EnableMeasurementEvents(instrument, family);
        };
        _listener.SetMeasurementEventCallback<long>((_, value, tags, family) => Note(family, value, tags));
        _listener.SetMeasurementEventCallback<double>((_, value, tags, family) => Note(family, value, tags));
        _listener.Start();
    }

    /// <summary>Everything as it is now.</summary>
    public string Write()
    {
        lock (_lock)
        {
            // A figure that is not there any more, such as a lag, must not stay as it last was.
            foreach (var family in _families.Where(f => f.IsObserved)) family.Series.Clear();
            _listener.RecordObservableInstruments();
            var text = new StringBuilder();
            foreach (var family in _families.Where(f => f.Series.Count > 0).OrderBy(f => f.Name, StringComparer.Ordinal)) family.Write(text);
            return text.ToString();
        }
    }

    public void Dispose() => _listener.Dispose();

    private void Note(object? family, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        lock (_lock) ((Family)family!).Note(value, tags);
    }

    // All series of one instrument.
    private sealed class Family
    {
        private readonly Instrument _instrument;
        private readonly string _type;
        private readonly double[] _bounds;

        public Family(Instrument instrument)
        {
            _instrument = instrument;
            var kind = instrument.GetType().Name;
            _type = kind.Contains("Histogram", StringComparison.Ordinal) ? "histogram" : kind.Contains("Counter", StringComparison.Ordinal) ? "counter" : "gauge";
            var unit = instrument.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
            Name = instrument.Name.Replace('.', '_') + unit + (_type == "counter" ? "_total" : "");
            _bounds = instrument switch
            {
                Histogram<double> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds],
                Histogram<long> { Advice.HistogramBucketBoundaries: { } bounds } => [.. bounds.Select(b => (double)b)],
                _ => [],
            };
        }

        public string Name { get; }

        public bool IsObserved => _instrument.IsObservable;

        // By their labels as they are written.
        public SortedDictionary<string, (double Sum, long[] Buckets)> Series { get; } = new(StringComparer.Ordinal);

        public void Note(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var labels = Labels(tags);
            if (_type != "histogram")
            {
                Series[labels] = (value, []);
                return;
            }

            if (!Series.TryGetValue(labels, out var series)) series = (0, new long[_bounds.Length + 1]);
            var at = 0;
            while (at < _bounds.Length && value > _bounds[at]) at++;
            series.Buckets[at]++;
            Series[labels] = (series.Sum + value, series.Buckets);
        }

        public void Write(StringBuilder text)
        {
            text.Append("# HELP ").Append(Name).Append(' ').Append(Escape(_instrument.Description ?? "", quotes: false)).Append('\n');
            text.Append("# TYPE ").Append(Name).Append(' ').Append(_type).Append('\n');
            foreach (var (labels, (sum, buckets)) in Series)
            {
                if (_type != "histogram")
                {
                    Line(text, "", labels, sum);
                    continue;
                }

                var count = 0L;
                for (var i = 0; i < buckets.Length; i++)
                {
                    count += buckets[i];
                    var bound = i < _bounds.Length ? Number(_bounds[i]) : "+Inf";
                    Line(text, "_bucket", $"{labels}{(labels.Length > 0 ? "," : "")}le=\"{bound}\"", count);
                }

                Line(text, "_sum", labels, sum);
                Line(text, "_count", labels, count);
            }
        }

        private void Line(StringBuilder text, string suffix, string labels, double value)
        {
            text.Append(Name).Append(suffix);
            if (labels.Length > 0) text.Append('{').Append(labels).Append('}');
            text.Append(' ').Append(Number(value)).Append('\n');
        }

        private string Labels(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            var labels = new List<string>();
            foreach (var (name, value) in _instrument.Meter.Tags ?? []) labels.Add($"{name}=\"{Escape($"{value}", quotes: true)}\"");
            foreach (var (name, value) in tags) labels.Add($"{name}=\"{Escape($"{value}", quotes: true)}\"");
            return string.Join(',', labels);
        }

        private static string Escape(string text, bool quotes)
        {
            text = text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\n", "\\n", StringComparison.Ordinal);
            return quotes ? text.Replace("\"", "\\\"", StringComparison.Ordinal) : text;
        }

        private static string Number(double value) => value.ToString("R", CultureInfo.InvariantCulture);
    }
}
