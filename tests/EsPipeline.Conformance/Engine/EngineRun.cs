using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
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
        var setup = new PipelineSetup
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
        return new Pipeline(change?.Invoke(setup) ?? setup).RunAsync(ct);
    }
}
