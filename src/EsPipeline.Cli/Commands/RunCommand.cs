using EsPipeline.Cli.Metrics;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;

namespace EsPipeline.Cli.Commands;

/// <summary>Runs the pipeline: what espipe does without a command.</summary>
internal sealed class RunCommand(Terminal terminal, Signals signals)
{
    /// <summary>Runs it to its end.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(Invocation invocation, CancellationToken ct)
    {
        var settings = SettingsReader.Read(invocation, terminal);
        if (SettingsReader.Complain(settings, terminal)) return ExitCode.Usage;
        terminal.ResultsToError = PipelineHost.WritesToStandardOutput(settings);

        var run = settings.Mode == RunMode.HealthCheck ? settings.Check : settings.Run;
        using var loggers = Logging.Create(run, settings.IsGiven("--log-file"), terminal, out var problem);
        if (problem is not null)
        {
            terminal.WriteError($"espipe: --log-file: {problem}");
            return ExitCode.Usage;
        }

        var host = PipelineHost.Create(settings, loggers);
        await using (host)
        {
            return settings.Mode == RunMode.HealthCheck
                ? await HealthCheck.RunAsync(settings, host, terminal, ct)
                : await CopyAsync(settings, host, ct);
        }
    }

    private async Task<int> CopyAsync(Settings settings, PipelineHost host, CancellationToken ct)
    {
        CliLog.Starting(host.Log, settings.Job, settings.Source.Name, settings.Sink.Name, EnumText.Kebab(settings.Mode), host.State.Description);
        await using var metrics = settings.Run.MetricsPort is { } port ? MetricsEndpoint.Start(settings.Run.MetricsAddress!, port, host.Log) : null;
        var pipeline = new Pipeline(host.Setup());
        var live = terminal.ShowsProgress(settings.Run);
        var description = new RunDescription(ProgressLine.Samples(live));
        var result = await new ProgressLine(() => description.Describe(pipeline.Progress), terminal, host.Log, live).WhileAsync(pipeline.RunAsync(ct));

        if (result.Error is { } error) CliLog.Failed(host.Log, error.Message, error.Remedy, error.Code);
        CliLog.Ended(host.Log, settings.Job, EnumText.Kebab(result.Outcome), RunReport.Account(result.Account));
        if (terminal.Explainer is { } explainer) await explainer.ExplainAsync(result, ct);
        foreach (var line in RunReport.Lines(settings, result)) terminal.WriteResult(line);
        return ExitCode.Of(result.Outcome, signals.Received);
    }
}
