using System.Globalization;
using System.Text.Json;

namespace EsPipeline.Benchmarks;

/// <summary>The figures of one leg.</summary>
internal sealed record LegResult
{
    public required string Leg { get; init; }

    public required string Reference { get; init; }

    public required int Pairs { get; init; }

    public required long Records { get; init; }

    public required double Aim { get; init; }

    public required double RatioMedian { get; init; }

    public required double RatioMin { get; init; }

    public required double RatioMax { get; init; }

    public required double RecordsPerSecond { get; init; }

    public required double CpuMicrosecondsPerRecord { get; init; }

    public double? AimCpu { get; init; }

    public required double PeakMegabytes { get; init; }

    public double? PeakMegabytesFew { get; init; }

    /// <summary>Runs the pairs of a leg, espipe and its reference in turn, comparing content after each run of espipe.</summary>
    public static async Task<LegResult> MeasureAsync(Leg leg, int pairs, string scratch, TextWriter progress)
    {
        await progress.WriteLineAsync($"{leg.Name}: making data");
        await leg.PrepareAsync();
        var runs = new List<(ProcessRun Espipe, double Ratio)>();
        for (var pair = -1; pair < pairs; pair++)
        {
            await leg.ResetAsync();
            var espipe = await ProcessRun.OfAsync(leg.Espipe(few: false), scratch);
            await leg.VerifyAsync();
            var reference = leg.ReferenceCommand is { } command ? await ProcessRun.OfAsync(command, scratch) : null;
            var ratio = leg.Ratio(espipe, reference);
            var label = pair < 0 ? "warm-up" : $"pair {pair + 1}";
            await progress.WriteLineAsync(string.Create(
                CultureInfo.InvariantCulture, $"{leg.Name}: {label}: espipe {espipe.Wall:0.000} s, reference {reference?.Wall ?? 0:0.000} s, ratio {ratio:0.000}"));
            if (pair >= 0) runs.Add((espipe, ratio));
        }

        double? few = null;
        if (leg.FewRecords > 0)
        {
            await leg.ResetAsync();
            few = (await ProcessRun.OfAsync(leg.Espipe(few: true), scratch)).PeakBytes / 1e6;
        }

        await leg.CleanUpAsync();
        var ratios = runs.Select(r => r.Ratio).Order().ToArray();
        return new LegResult
        {
            Leg = leg.Name,
            Reference = leg.Reference,
            Pairs = pairs,
            Records = leg.Records,
            Aim = leg.Aim,
            RatioMedian = Median(ratios),
            RatioMin = ratios[0],
            RatioMax = ratios[^1],
            RecordsPerSecond = leg.Records / Median(runs.Select(r => r.Espipe.Wall)),
            CpuMicrosecondsPerRecord = Median(runs.Select(r => r.Espipe.Cpu)) * 1e6 / leg.Records,
            AimCpu = leg.AimCpu,
            PeakMegabytes = Median(runs.Select(r => r.Espipe.PeakBytes / 1e6)),
            PeakMegabytesFew = few,
        };
    }

    /// <summary>A Markdown table of results; what misses its aim is marked.</summary>
    public static string Table(IEnumerable<LegResult> results)
    {
        var lines = new List<string>
        {
            "| leg | reference | ratio, median (range) | aim | records/s | client CPU a record | peak memory (a tenth of the records) |",
            "|---|---|---|---|---|---|---|",
        };
        lines.AddRange(results.Select(r => string.Create(
            CultureInfo.InvariantCulture,
            $"| {r.Leg} | {r.Reference} | {r.RatioMedian:0.00} ({r.RatioMin:0.00} to {r.RatioMax:0.00}){(r.RatioMedian < r.Aim ? " **below**" : "")} | {r.Aim:0.00} | {r.RecordsPerSecond:0} | {r.CpuMicrosecondsPerRecord:0.00} µs{(r.AimCpu is { } aim ? $"{(r.CpuMicrosecondsPerRecord > aim ? " **above**" : "")} (aim {aim:0.0})" : "")} | {r.PeakMegabytes:0} MB{(r.PeakMegabytesFew is { } few ? $" ({few:0} MB)" : "")} |")));
        return string.Join('\n', lines);
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted.Length % 2 == 1 ? sorted[sorted.Length / 2] : (sorted[(sorted.Length / 2) - 1] + sorted[sorted.Length / 2]) / 2;
    }

    private static readonly JsonSerializerOptions JsonOptions = new() { WriteIndented = true, PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    /// <summary>Results as JSON.</summary>
    public static string Json(IEnumerable<LegResult> results) => JsonSerializer.Serialize(results, JsonOptions);
}
