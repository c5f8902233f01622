using System.CommandLine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Planning;

namespace EsPipeline.Cli.Commands;

/// <summary>How <c>plan</c> shows its result.</summary>
internal enum PlanFormat
{
    /// <summary>For a person.</summary>
    Table,

    /// <summary>For a program: one JSON document.</summary>
    Json,

    /// <summary>For a build server: a JUnit report, a test case for each check.</summary>
    Junit,
}

/// <summary><c>plan</c>: reads and transforms for real, checks every record against the sink, and writes nothing, not even a log file.</summary>
internal sealed class PlanCommand(Terminal terminal) : ICommand
{
    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        var format = OwnOption.Choice("--format", "How the result is shown", PlanFormat.Table);
        var command = new Command("plan", "Reads everything, checks every record against the sink, and writes nothing") { format };
        command.SetAction((parse, ct) => RunAsync(new Invocation(line, parse), parse.GetValue(format), ct));
        return command;
    }

    /// <summary>What a plan ends with: 1 where a run would end at once, 3 where any record would be set aside.</summary>
    internal static int ExitCodeOf(RunPlan plan) =>
        plan.SinkProblem is { Kind: not FailureKind.Transient } ? ExitCode.Failed
        : plan.Failing > 0 ? ExitCode.DeadLetters
        : ExitCode.Done;

    private async Task<int> RunAsync(Invocation invocation, PlanFormat format, CancellationToken ct)
    {
        var settings = SettingsReader.Read(invocation, terminal);
        if (SettingsReader.Complain(settings, terminal)) return ExitCode.Usage;
        var quiet = format == PlanFormat.Table ? settings.Run : settings.Run with { Quiet = true };
        using var loggers = Logging.Create(quiet with { LogFile = "none" }, fileIsGiven: false, terminal, out _);
        await using var host = PipelineHost.Create(settings, loggers);
        var plan = await new RunPlanner(host.Setup()).PlanAsync(ct);
        switch (format)
        {
            case PlanFormat.Json:
                terminal.WriteJson(PlanReport.Json(settings, plan));
                break;
            case PlanFormat.Junit:
                terminal.WriteResult(JUnitReport.Of(settings, plan));
                break;
            default:
                foreach (var text in PlanReport.Lines(settings, plan)) terminal.WriteResult(text);
                break;
        }

        if (terminal.Explainer is { } explainer && plan.SinkProblem is { } problem) await explainer.ExplainAsync(problem, ct);
        return ExitCodeOf(plan);
    }
}
