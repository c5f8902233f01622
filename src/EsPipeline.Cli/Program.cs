using System.CommandLine;
using EsPipeline.Cli;
using EsPipeline.Cli.Commands;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;

using var signals = new Signals();
var terminal = Terminal.System;
var serve = new ServeCommand(terminal, signals);
var line = new CommandLine(
    [
        new PlanCommand(terminal),
        new VerifyCommand(terminal),
        new DeadLettersCommand(terminal),
        new CheckpointCommand(terminal),
        new MonitorCommand(terminal),
        new StatusCommand(terminal),
        serve,
        new ConnectorsCommand(terminal),
        new CompletionCommand(terminal),
    ],
    serve.Or(new RunCommand(terminal, signals).RunAsync));
var parse = line.Parse(args);
var mistakes = parse.Action is HelpText ? [] : line.Mistakes(parse);
if (mistakes.Count > 0)
{
    foreach (var mistake in mistakes) terminal.WriteError("espipe: " + mistake);
    return ExitCode.Usage;
}

try
{
    var invocation = new Invocation(line, parse);
    if (ConfigCheck.IsAsked(invocation)) return ConfigCheck.Print(invocation, terminal);
    return await parse.InvokeAsync(
        new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false }, signals.Stop);
}
catch (PipelineException e)
{
    terminal.WriteError($"espipe: {e.Message} {e.Remedy} ({e.Code})");
    if (terminal.Explainer is { } explainer) await explainer.ExplainAsync(e, signals.Stop);
    return e.Code.StartsWith("config.", StringComparison.Ordinal) ? ExitCode.Usage : ExitCode.Failed;
}
catch (OperationCanceledException) when (signals.Received is not null)
{
    return 128 + signals.Received.Value;
}
catch (OutOfMemoryException)
{
    terminal.WriteError($"espipe: {EngineErrors.OutOfMemory.Meaning} {EngineErrors.OutOfMemory.Remedy} ({EngineErrors.OutOfMemory.Code})");
    return ExitCode.Failed;
}
catch (Exception e)
{
    terminal.WriteError($"espipe: {EngineErrors.Unexpected.Meaning} {e}");
    return ExitCode.Failed;
}
