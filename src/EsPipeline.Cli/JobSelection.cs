using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>Finds the job that a command is about.</summary>
internal static class JobSelection
{
    /// <summary>The one of <c>--job</c>, else the one of the configured ends, else, where nothing says which, the only one that there is.</summary>
    /// <exception cref="Core.Errors.PipelineException">The one that was named has no state; or there is none, or several and none was chosen.</exception>
    public static async Task<string> FindAsync(Settings settings, IStateStore state, CancellationToken ct)
    {
        var jobs = await state.ListJobsAsync(ct);
        if (settings.Run.Job is { } given)
        {
            if (jobs.Contains(given)) return given;
            var near = NearestName.Of(given, jobs);
            throw ConfigurationErrors.NoSuchJob.Error(
                $"No job '{given}' has state in {state.Description}{(near is null ? "" : $"; did you mean {near}?")}");
        }

        var named = settings.Source is not null && settings.Sink is not null ? settings.Job : null;
        if (named is not null && jobs.Contains(named)) return named;
        if (jobs.Count > 0 && settings.NamesJob)
        {
            throw ConfigurationErrors.NoSuchJob.Error(
                $"{(named is null ? "The job of these options" : $"The job of these options, {named},")} has no state in {state.Description}; what has is {string.Join(", ", jobs)}.",
                "Choose one with --job, or give the options that the job runs with.");
        }

        return jobs switch
        {
            [] => throw ConfigurationErrors.NoSuchJob.Error($"No job has state in {state.Description}."),
            [var only] => only,
            _ => throw ConfigurationErrors.NoSuchJob.Error($"Several jobs have state in {state.Description}: {string.Join(", ", jobs)}.", "Choose one with --job."),
        };
    }
}
