using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Api.Jobs;

/// <summary><c>GET /api/pipeline</c> and <c>GET /api/pipeline/{job}</c>: the jobs of the state store and their runs. Nothing is locked or changed.</summary>
internal sealed class PipelineEndpoints(IStateStore state)
{
    private const int MostRuns = 200;

    /// <summary>Every job with its last run.</summary>
    public async Task<JobList> ListAsync(CancellationToken ct)
    {
        var jobs = new List<JobSummary>();
        foreach (var job in await JobsAsync(ct).ConfigureAwait(false))
        {
            var runs = await RunsAsync(job, 1, ct).ConfigureAwait(false);
            jobs.Add(new JobSummary(job, runs.Count > 0 ? runs[0] : null));
        }

        return new JobList(jobs);
    }

    /// <summary>A job's runs, newest first.</summary>
    public async Task<JobRuns> RunsAsync(string job, CancellationToken ct)
    {
        // Only names that are there: what is asked for never becomes a path by itself (invariant 6).
        var jobs = await JobsAsync(ct).ConfigureAwait(false);
        if (!jobs.Contains(job)) throw ApiErrors.NoSuchJob.Error("There is no such job in the state of the pipeline.");
        return new JobRuns(job, await RunsAsync(job, MostRuns, ct).ConfigureAwait(false));
    }

    private Task<IReadOnlyList<string>> JobsAsync(CancellationToken ct) => GuardAsync(() => state.ListJobsAsync(ct));

    private Task<IReadOnlyList<RunRecord>> RunsAsync(string job, int most, CancellationToken ct) => GuardAsync(() => state.ReadRunsAsync(job, most, ct));

    private static async Task<T> GuardAsync<T>(Func<Task<T>> read)
    {
        try
        {
            return await read().ConfigureAwait(false);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw ApiErrors.StateUnavailable.Error("The state of the pipeline can't be read.", inner: e);
        }
    }
}

/// <summary>The jobs of the state store.</summary>
/// <param name="Jobs">Each of them, sorted by name.</param>
public sealed record JobList(IReadOnlyList<JobSummary> Jobs);

/// <summary>A job.</summary>
/// <param name="Job">Its name.</param>
/// <param name="LastRun">Its last run, which may be under way; absent where it has not run.</param>
public sealed record JobSummary(string Job, RunRecord? LastRun);

/// <summary>A job's runs.</summary>
/// <param name="Job">Its name.</param>
/// <param name="Runs">The runs, newest first; the first may be under way.</param>
public sealed record JobRuns(string Job, IReadOnlyList<RunRecord> Runs);
