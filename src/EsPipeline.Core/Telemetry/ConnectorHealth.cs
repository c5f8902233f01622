using EsPipeline.Core.Errors;

namespace EsPipeline.Core.Telemetry;

/// <summary>What one end of a pipeline answered when asked whether it is well.</summary>
/// <param name="System">The system and its version, such as <c>Elasticsearch 8.19.2</c>; what could be learnt of it.</param>
/// <param name="Latency">How long the system took to answer.</param>
/// <param name="Identity">
/// What makes this end the one that it is, such as a cluster's UUID and an index's name; hashed into the checkpoint, so that positions
/// are never used against another system. Never a secret, never an address (a host may move).
/// </param>
/// <param name="Problem">What is wrong; null when all is well.</param>
public sealed record ConnectorHealth(
    string System,
    TimeSpan Latency,
    IReadOnlyDictionary<string, string> Identity,
    PipelineException? Problem = null)
{
    /// <summary>What a person should know though it stops nothing, such as a certificate that is not verified.</summary>
    public IReadOnlyList<string> Warnings { get; init; } = [];

    /// <summary>True for a sink whose table or the like is not there: what a run has copied before is then gone.</summary>
    public bool TargetIsMissing { get; init; }

    /// <summary>The same, of an end that is well.</summary>
    /// <exception cref="PipelineException">The problem.</exception>
    public ConnectorHealth OrThrow() => Problem is null ? this : throw Problem;

    /// <summary>An end that could not be asked.</summary>
    public static ConnectorHealth Unwell(string system, TimeSpan latency, PipelineException problem) =>
        new(system, latency, new Dictionary<string, string>(), problem);
}
