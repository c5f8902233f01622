using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Xunit;

namespace EsPipeline.Conformance;

/// <summary>Asks an end how it is as the engine does before a run: a server that is busy with the test before this one may be slow to answer.</summary>
public static class Health
{
    // A check answers within 5 s, whatever its server does.
    private const int MostAsked = 6;

    /// <summary>Asks a sink until it is well.</summary>
    /// <exception cref="PipelineException">What is wrong with it, where that does not pass.</exception>
    public static Task IsWellAsync(IDataSink sink) => IsWellAsync(sink.CheckAsync);

    /// <summary>Asks a source until it is well.</summary>
    /// <exception cref="PipelineException">What is wrong with it, where that does not pass.</exception>
    public static Task IsWellAsync(IDataSource source) => IsWellAsync(source.CheckAsync);

    /// <summary>Asks a sink how it is, again while its server is only slow to say so: for what does not pass.</summary>
    public static Task<ConnectorHealth> OfAsync(IDataSink sink) => OfAsync(sink.CheckAsync);

    /// <summary>Asks a source how it is, again while its server is only slow to say so: for what does not pass.</summary>
    public static Task<ConnectorHealth> OfAsync(IDataSource source) => OfAsync(source.CheckAsync);

    private static async Task IsWellAsync(Func<CancellationToken, Task<ConnectorHealth>> check) => (await OfAsync(check)).OrThrow();

    private static async Task<ConnectorHealth> OfAsync(Func<CancellationToken, Task<ConnectorHealth>> check)
    {
        for (var asked = 1; ; asked++)
        {
            var health = await check(TestContext.Current.CancellationToken);
            if (health.Problem is not { Kind: FailureKind.Transient } || asked == MostAsked) return health;
            await Task.Delay(TimeSpan.FromMilliseconds(500), TestContext.Current.CancellationToken);
        }
    }
}
