using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Verification;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Conformance;

/// <summary>Runs the real engine between two ends, with a state folder and quick retries.</summary>
public static class EngineRun
{
    /// <summary>Copies everything once.</summary>
    /// <param name="source">The source; stays open.</param>
    /// <param name="sink">The sink; stays open.</param>
    /// <param name="state">The state folder.</param>
    /// <param name="ct">Stops the run.</param>
    /// <param name="change">Changes the setup before it runs.</param>
    public static Task<RunResult> CopyAsync(
        IDataSource source, IDataSink sink, string state, CancellationToken ct, Func<PipelineSetup, PipelineSetup>? change = null)
    {
        var setup = SetupOf(source, sink, state);
        return new Pipeline(change?.Invoke(setup) ?? setup).RunAsync(ct);
    }

    /// <summary>Compares both ends as <c>espipe verify</c> does.</summary>
    /// <param name="source">The source; stays open.</param>
    /// <param name="sink">The sink, of which nothing was asked yet; stays open.</param>
    /// <param name="state">The state folder.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="options">What to do; only to compare where null.</param>
    public static Task<VerifyResult> CompareAsync(IDataSource source, IDataSink sink, string state, CancellationToken ct, VerifyOptions? options = null) =>
        new Verifier(SetupOf(source, sink, state), options ?? new VerifyOptions()).VerifyAsync(ct);

    private static PipelineSetup SetupOf(IDataSource source, IDataSink sink, string state) => new()
    {
        Job = "test",
        Mode = PipelineMode.FullSync,
        From = ("source", source),
        To = ("sink", sink),
        State = new FileStateStore(state, TimeProvider.System),
        Retry = new RetryOptions(20, TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(1), Forever: false),
        Random = new Random(1),
        Log = NullLogger.Instance,
    };
}
