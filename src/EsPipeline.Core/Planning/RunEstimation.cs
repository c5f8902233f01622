using System.Globalization;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Planning;

/// <summary>
/// Estimates how long a run takes, from what is known: how fast the plan itself has read, how fast the job's last whole copy was, and the
/// rates that the sink's system or the user allow. The slowest of them decides.
/// </summary>
internal static class RunEstimation
{
    private const int RunsToLookAt = 20;

    /// <summary>Makes the estimate; a history that can't be read becomes a note.</summary>
    public static async Task<RunEstimate> OfAsync(PipelineSetup setup, PlanTally tally, TimeSpan elapsed, List<string> notes, CancellationToken ct)
    {
        var reading = tally.Read / Math.Max(elapsed.TotalSeconds, 0.001);
        var estimates = new List<RunEstimate>
        {
            new(elapsed, Text($"measured now: reading and checking at {reading:0} records/s; how fast the sink takes them is not known")),
        };
        if (await LastRateAsync(setup, notes, ct).ConfigureAwait(false) is { } last)
        {
            estimates.Add(new RunEstimate(TimeSpan.FromSeconds(tally.Read / last), Text($"measured in this job's last whole copy: {last:0} records/s")));
        }

        if (setup.Sink.Limits.Ramp is { } ramp)
        {
            estimates.Add(new RunEstimate(
                ramp.TimeFor(tally.ToWrite),
                Text($"the rate that the sink's system lets a client grow into: {ramp.Start:0} writes/s, times {ramp.Factor} every {ramp.Period.TotalMinutes:0} min, at most {ramp.Max:0}")));
        }

        if (setup.RateLimit is { } limit)
        {
            estimates.Add(new RunEstimate(TimeSpan.FromSeconds(tally.ToWrite / limit), Text($"--rate-limit {limit} records/s")));
        }

        return estimates.MaxBy(e => e.Time)!;
    }

    private static async Task<double?> LastRateAsync(PipelineSetup setup, List<string> notes, CancellationToken ct)
    {
        try
        {
            var wholeCopies = new[] { EnumText.Kebab(PipelineMode.FullSync), EnumText.Kebab(PipelineMode.Custom) };
            var runs = await setup.State.ReadRunsAsync(setup.Job, RunsToLookAt, ct).ConfigureAwait(false);
            return runs.FirstOrDefault(r =>
                r.Outcome is RunOutcome.Done or RunOutcome.DoneWithDeadLetters && r.Rate > 0 && r.Account.Read > 0 && wholeCopies.Contains(r.Mode))?.Rate;
        }
        catch (PipelineException e)
        {
            notes.Add($"The job's history can't be read: {e.Message}");
            return null;
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
