using System.CommandLine;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;

namespace EsPipeline.Cli.Commands;

/// <summary>
/// <c>monitor</c>: checks both ends, writes, reads back and removes one marked test document where the sink allows it, and shows how the job
/// stands.
/// </summary>
internal sealed class MonitorCommand(Terminal terminal) : ICommand
{
    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        var command = new Command("monitor", "Checks both ends with one test document, and shows lag, rate and last error of the job");
        command.SetAction((parse, ct) => RunAsync(new Invocation(line, parse), ct));
        return command;
    }

    private async Task<int> RunAsync(Invocation invocation, CancellationToken ct)
    {
        var settings = SettingsReader.Read(invocation, terminal);
        if (SettingsReader.Complain(settings, terminal)) return ExitCode.Usage;
        using var loggers = Logging.Create(settings.Check, fileIsGiven: false, terminal, out _);
        await using var host = PipelineHost.Create(settings, loggers);
        var exit = await HealthCheck.RunAsync(settings, host, terminal, ct);
        if (exit == ExitCode.Done && !await TestWriteAsync(host, ct)) exit = ExitCode.Failed;
        await ShowJobAsync(settings, host, ct);
        return exit;
    }

    private async Task<bool> TestWriteAsync(PipelineHost host, CancellationToken ct)
    {
        if (host.Sink is not IReadableSink sink)
        {
            terminal.WriteResult("test document: not written, this sink can't be asked for a single document");
            return true;
        }

        try
        {
            await sink.PrepareAsync(await host.Source.DescribeAsync(ct), ct);
            if (sink is ISamplingSink { NeedsSample: true })
            {
                terminal.WriteResult("test document: not written, what the sink writes to is made from the first records of a run");
                return true;
            }

            var key = Encoding.UTF8.GetBytes($"espipe-monitor-{Guid.NewGuid():N}");
            var json = sink.TestDocument(Guid.NewGuid());
            if (await WriteAsync(sink, key, json, RecordOperation.Upsert, ct) is { } refused)
            {
                terminal.WriteResult($"test document: not written, the sink allows none: {refused.Reason} ({refused.Error.Code})");
                return refused.Error.Kind == FailureKind.Permanent;
            }

            return await ReadBackAsync(sink, key, json, ct);
        }
        catch (PipelineException e)
        {
            var error = host.Setup().AtSink(e);
            terminal.WriteResult($"test document: {error.Message} {error.Remedy} ({error.Code})");
            return false;
        }
    }

    // It is removed whatever becomes of reading it back; where that fails, too, its key is told.
    private async Task<bool> ReadBackAsync(IReadableSink sink, byte[] key, byte[] json, CancellationToken ct)
    {
        var (same, removed) = (false, false);
        try
        {
            same = await sink.ReadAsync(key, ct) is { } found && Mark(found) == Mark(json);
        }
        finally
        {
            try
            {
                removed = await WriteAsync(sink, key, [], RecordOperation.Delete, CancellationToken.None) is null
                    && await sink.ReadAsync(key, CancellationToken.None) is null;
            }
            finally
            {
                if (!removed) terminal.WriteResult($"test document: NOT removed; delete it by hand: {Encoding.UTF8.GetString(key)}");
            }
        }

        terminal.WriteResult($"test document: written, {(same ? "read back the same" : "NOT read back the same")}, {(removed ? "removed" : "NOT removed")}");
        return same && removed;
    }

    private static async Task<RecordFailure?> WriteAsync(IDataSink sink, byte[] key, byte[] json, RecordOperation operation, CancellationToken ct)
    {
        var result = await sink.WriteAsync(new RecordSlice(new[] { new Record(key, json, operation, 0, 0) }), ct);
        return result.Failures.Count == 0 ? null : result.Failures[0];
    }

    private static string? Mark(byte[] json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.TryGetProperty("espipe_monitor", out var mark) ? mark.GetRawText() : null;
    }

    private async Task ShowJobAsync(Settings settings, PipelineHost host, CancellationToken ct)
    {
        var runs = await host.State.ReadRunsAsync(settings.Job, 1, ct);
        if (runs.Count == 0)
        {
            terminal.WriteResult($"job {settings.Job}: it has not run yet");
            return;
        }

        StatusCommand.ShowLast(terminal, settings.Job, runs[0]);
    }
}
