using System.CommandLine;
using EsPipeline.Api;
using EsPipeline.Connectors;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli.Commands;

/// <summary>
/// <c>serve</c>: the search API, the analytics API and the dashboard, until a signal comes. It is also what espipe does without a command
/// where <c>SERVICE_TYPE</c> is <c>api</c>.
/// </summary>
internal sealed class ServeCommand(Terminal terminal, Signals signals) : ICommand
{
    private const string CommandName = "serve";

    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        var command = new Command(CommandName, "Serves the search API, the analytics API and the dashboard ('espipe connectors elasticsearch' shows how the cluster is named)");
        command.SetAction((parse, ct) => RunAsync(new Invocation(line, parse), ct));
        return command;
    }

    /// <summary>What happens without a command.</summary>
    /// <param name="run">Runs the pipeline.</param>
    public Func<Invocation, CancellationToken, Task<int>> Or(Func<Invocation, CancellationToken, Task<int>> run) =>
        (invocation, ct) => SettingsReader.ReadService(invocation) == ServiceType.Api ? RunAsync(invocation, ct) : run(invocation, ct);

    /// <summary>True where a call is to serve.</summary>
    public static bool IsMeant(Invocation invocation) => invocation.Parse.CommandResult.Command.Name == CommandName
        || (invocation.Parse.CommandResult.Command == invocation.Line.Root && SettingsReader.ReadService(invocation) == ServiceType.Api);

    private async Task<int> RunAsync(Invocation invocation, CancellationToken ct)
    {
        var settings = SettingsReader.ReadServe(invocation, terminal);
        foreach (var mistake in settings.Mistakes) terminal.WriteError("espipe: " + mistake);
        if (settings.Mistakes.Count > 0) return ExitCode.Usage;
        using var loggers = Logging.Create(settings.Run, fileIsGiven: settings.Values.Any(v => v.Definition.Name == "--log-file" && v.Origin != OptionOrigin.Default), terminal, out var problem);
        if (problem is not null)
        {
            terminal.WriteError($"espipe: --log-file: {problem}");
            return ExitCode.Usage;
        }

        await using var state = StateStores.Open(settings.Run.State, TimeProvider.System, loggers.CreateLogger("espipe"));
        await using var host = await ApiHost.StartAsync(settings.Api, settings.Elasticsearch, state, loggers, TimeProvider.System, ct);
        terminal.WriteResult($"espipe serves {host.Address}");
        var stopped = new TaskCompletionSource();
        await using (ct.Register(stopped.SetResult)) await stopped.Task;
        return 128 + (signals.Received ?? 15);
    }
}
