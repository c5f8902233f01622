using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using EsPipeline.Connectors;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;

namespace EsPipeline.Cli.Commands;

/// <summary><c>status</c>: a job's last run, its history and its positions, from the state store alone.</summary>
internal sealed class StatusCommand(Terminal terminal) : ICommand
{
    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        var format = FormatOption.Create();
        var runs = OwnOption.Count("--runs", "Runs to show at most", usual: 10);
        var command = new Command("status", "Shows a job's last run, its history and its positions") { format, runs };
        command.SetAction((parse, ct) => RunAsync(new Invocation(line, parse), parse.GetValue(format), parse.GetValue(runs), ct));
        return command;
    }

    private async Task<int> RunAsync(Invocation invocation, OutputFormat format, int most, CancellationToken ct)
    {
        var settings = SettingsReader.ReadForState(invocation, terminal);
        await using var state = StateStores.Open(settings.Run.State, TimeProvider.System, NullLogger.Instance);
        var job = await JobSelection.FindAsync(settings, state, ct);
        var runs = await state.ReadRunsAsync(job, most, ct);
        var checkpoint = await state.ReadCheckpointAsync(job, ct);
        if (format == OutputFormat.Json) terminal.WriteJson(Json(job, runs, checkpoint));
        else ShowTable(job, runs, checkpoint);
        return ExitCode.Done;
    }

    private static string Json(string job, IReadOnlyList<RunRecord> runs, Checkpoint? checkpoint)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true }))
        {
            json.WriteStartObject();
            json.WriteString("job", job);
            json.WritePropertyName("checkpoint");
            CheckpointCommand.WriteJson(json, checkpoint);
            json.WriteStartArray("runs");
            foreach (var run in runs) RunRecordText.Write(run, json);
            json.WriteEndArray();
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.ToArray());
    }

    private void ShowTable(string job, IReadOnlyList<RunRecord> runs, Checkpoint? checkpoint)
    {
        if (runs.Count == 0) terminal.WriteResult($"job {job}: it has not run yet");
        else ShowLast(terminal, job, runs[0]);
        CheckpointCommand.Show(terminal, checkpoint);
        if (runs.Count < 2) return;
        var table = new Table().AddColumns("started", "mode", "outcome", "took", "read", "written", "dead", "records/s", "last error");
        foreach (var run in runs)
        {
            table.AddRow(
                Time(run.Started),
                run.Mode,
                OutcomeText(run.Outcome),
                $"{((run.Ended ?? run.Updated) - run.Started).TotalSeconds:0.#} s",
                Number(run.Account.Read),
                Number(run.Account.Written),
                Number(run.Account.DeadLettered),
                run.Rate.ToString("0", CultureInfo.InvariantCulture),
                Markup.Escape(Terminal.Printable(run.LastError?.Code ?? "")));
        }

        terminal.WriteTable(table);
    }

    /// <summary>Shows how the last run stands or ended.</summary>
    public static void ShowLast(Terminal terminal, string job, RunRecord run)
    {
        var verb = run.Ended is null ? $"running since {Time(run.Started)}, process {run.ProcessId} on {run.Host}, last heard of {Time(run.Updated)}" : $"{OutcomeText(run.Outcome)} at {Time(run.Ended.Value)}, started {Time(run.Started)}";
        terminal.WriteResult($"job {job}, {run.Source} -> {run.Sink}, {run.Mode}: {verb}");
        terminal.WriteResult("account: " + RunReport.Account(run.Account));
        var lag = run.LagSeconds is { } seconds ? $"{seconds:0.#} s" : "not known yet";
        terminal.WriteResult(string.Create(CultureInfo.InvariantCulture, $"rate {run.Rate:0} records/s, lag {lag}"));
        if (run.LastError is { } error) terminal.WriteResult($"last error, {Time(error.At)}: {error.Message} ({error.Code})");
    }

    private static string OutcomeText(RunOutcome outcome) => outcome switch
    {
        RunOutcome.DoneWithDeadLetters => "done with dead letters",
        _ => outcome.ToString().ToLowerInvariant(),
    };

    private static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture);

    private static string Number(long number) => number.ToString("N0", CultureInfo.InvariantCulture);
}
