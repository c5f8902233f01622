using EsPipeline.Core.Telemetry;

namespace EsPipeline.Cli.Commands;

/// <summary>What <c>--mode health-check</c> does: asks both ends and the state store, writes nothing.</summary>
internal static class HealthCheck
{
    // Below the 10 s within which the answer must be there, whatever hangs.
    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(7);

    /// <returns>0 where all is well, 1 otherwise.</returns>
    public static async Task<int> RunAsync(Settings settings, PipelineHost host, Terminal terminal, CancellationToken ct)
    {
        var checks = new[]
        {
            ($"source {settings.Source.Name}", AskAsync(host.Source.CheckAsync, ct), null),
            ($"sink {settings.Sink.Name}", AskAsync(host.Sink.CheckAsync, ct), settings.SinkNames),
            ("state", AskAsync(host.State.CheckAsync, ct), null),
        };
        var healthy = true;
        foreach (var (name, check, names) in checks)
        {
            var health = await check;
            if (health?.Problem is { } plain && names is not null) health = health with { Problem = names.In(plain) };
            var verdict = health?.Problem is { } problem ? $"{problem.Message} {problem.Remedy} ({problem.Code})"
                : health is null ? $"no answer within {Longest.TotalSeconds:0} s"
                : string.Join("; ", health.Warnings.Prepend("ok"));
            healthy &= health is { Problem: null };
            terminal.WriteResult($"{name}: {health?.System ?? "unknown"}, {health?.Latency.TotalMilliseconds ?? Longest.TotalMilliseconds:0} ms: {verdict}");
            if (health?.Problem is { } toExplain && terminal.Explainer is { } explainer) await explainer.ExplainAsync(toExplain, ct);
        }

        return healthy ? ExitCode.Done : ExitCode.Failed;
    }

    private static async Task<ConnectorHealth?> AskAsync(Func<CancellationToken, Task<ConnectorHealth>> check, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Longest);
        try
        {
            return await check(limit.Token).WaitAsync(limit.Token);
        }
        catch (OperationCanceledException) when (limit.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            return null;
        }
    }
}
