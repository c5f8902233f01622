using System.Globalization;
using EsPipeline.Core.Verification;

namespace EsPipeline.Cli;

/// <summary>How a comparison stands, in a line.</summary>
/// <param name="samples">How many samples the rates are taken over.</param>
internal sealed class VerifyDescription(int samples)
{
    private RateWindow _source = new(samples);
    private RateWindow _sink = new(samples);
    private int _looks = 1;

    /// <summary>Which look it is, what it has read of each end and how fast, what was mended, and which end is down.</summary>
    public (long Done, string Text) Describe(VerifyProgress progress)
    {
        // Each look counts from the beginning.
        if (progress.Looks > _looks) (_source, _sink, _looks) = (new RateWindow(samples, progress.Read), new RateWindow(samples, progress.Seen), progress.Looks);
        var parts = new List<string>
        {
            progress.Looks <= 1 ? "comparing" : Invariant($"comparing again ({progress.Looks})"),
            Invariant($"source {progress.Read:N0} records  {_source.Add(progress.Read):N0}/s"),
            Invariant($"sink {progress.Seen:N0} documents  {_sink.Add(progress.Seen):N0}/s"),
        };
        if (progress.Mended > 0) parts.Add(Invariant($"mended {progress.Mended:N0}"));
        if (progress.SourceDownFor is { } source) parts.Add(Invariant($"source down for {source.TotalSeconds:0} s"));
        if (progress.SinkDownFor is { } sink) parts.Add(Invariant($"sink down for {sink.TotalSeconds:0} s"));
        return (progress.Looks + progress.Read + progress.Seen + progress.Mended, string.Join("  ", parts));
    }

    private static string Invariant(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
