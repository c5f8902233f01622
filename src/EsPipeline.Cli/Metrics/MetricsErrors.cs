using EsPipeline.Core.Errors;

namespace EsPipeline.Cli.Metrics;

/// <summary>What can be wrong with the port for metrics.</summary>
internal static class MetricsErrors
{
    /// <summary>Nothing can listen there.</summary>
    public static readonly ErrorCode CannotListen = new(
        "metrics.cannot_listen", FailureKind.Environment, "The port at which metrics are to be read can't be opened.",
        "Choose another port with --metrics-port, or an address of this machine with --metrics-host.")
    {
        Steps = ["See who listens there: `ss -ltnp 'sport = :{--metrics-port}'`"],
    };
}
