using System.CommandLine;
using System.Text;
using System.Text.Json;
using EsPipeline.Connectors;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Records;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Cli.Commands;

/// <summary><c>checkpoint list|show|reset|set</c>: works with saved positions.</summary>
internal sealed class CheckpointCommand(Terminal terminal) : ICommand
{
    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        var command = new Command("checkpoint", "Lists, shows, resets or sets saved positions");

        var listFormat = FormatOption.Create();
        var list = new Command("list", "Lists the jobs that have state, and how far they are") { listFormat };
        list.SetAction((parse, ct) => ListAsync(new Invocation(line, parse), parse.GetValue(listFormat), ct));

        var showFormat = FormatOption.Create();
        var show = new Command("show", "Shows a job's positions") { showFormat };
        show.SetAction((parse, ct) => ShowAsync(new Invocation(line, parse), parse.GetValue(showFormat), ct));

        var reset = new Command("reset", "Forgets a job's positions: its next run copies everything again");
        reset.SetAction((parse, ct) => ResetAsync(new Invocation(line, parse), ct));

        var partition = new Option<string>("--partition") { Description = "The partition, as 'checkpoint show' names it", HelpName = "ID", Required = true };
        var position = new Option<string>("--position") { Description = "The position to go on from", HelpName = "TEXT", Required = true };
        var set = new Command("set", "Sets one partition's position, for example back to an earlier one") { partition, position };
        set.SetAction((parse, ct) => SetAsync(new Invocation(line, parse), parse.GetRequiredValue(partition), parse.GetRequiredValue(position), ct));

        foreach (var sub in new[] { list, show, reset, set }) command.Subcommands.Add(sub);
        return command;
    }

    /// <summary>Writes a checkpoint's phase, time, identity and positions; null for none.</summary>
    public static void WriteJson(Utf8JsonWriter json, Checkpoint? checkpoint)
    {
        if (checkpoint is null)
        {
            json.WriteNullValue();
            return;
        }

        json.WriteStartObject();
        json.WriteString("phase", checkpoint.Phase.ToString().ToLowerInvariant());
        json.WriteString("saved_at", checkpoint.SavedAt);
        json.WriteStartObject("identity");
        foreach (var (name, value) in checkpoint.Identity.Parts) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteStartArray("partitions");
        foreach (var (id, progress) in checkpoint.Partitions)
        {
            json.WriteStartObject();
            json.WriteString("id", id.Value);
            json.WriteString("position", progress.Position.Value);
            json.WriteNumber("records", progress.Records);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        json.WriteEndObject();
    }

    /// <summary>Shows a checkpoint to a person.</summary>
    public static void Show(Terminal terminal, Checkpoint? checkpoint)
    {
        if (checkpoint is null)
        {
            terminal.WriteResult("no checkpoint: the next run begins anew");
            return;
        }

        var phase = checkpoint.Phase == Core.Sources.ReadKind.Snapshot ? "in the middle of a snapshot" : "snapshot complete; the next run looks for what has changed";
        terminal.WriteResult($"checkpoint of {checkpoint.SavedAt.UtcDateTime:yyyy-MM-dd HH:mm:ss} UTC, {phase}:");
        foreach (var (id, progress) in checkpoint.Partitions) terminal.WriteResult($"  {id}: {progress.Records} records, position {progress.Position}");
    }

    private async Task<int> ListAsync(Invocation invocation, OutputFormat format, CancellationToken ct)
    {
        await using var state = Open(invocation, out _);
        using var buffer = new MemoryStream();
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true });
        json.WriteStartArray();
        foreach (var job in await state.ListJobsAsync(ct))
        {
            var checkpoint = await state.ReadCheckpointAsync(job, ct);
            json.WriteStartObject();
            json.WriteString("job", job);
            json.WritePropertyName("checkpoint");
            WriteJson(json, checkpoint);
            json.WriteEndObject();
            if (format == OutputFormat.Json) continue;
            terminal.WriteResult("job " + job);
            Show(terminal, checkpoint);
        }

        json.WriteEndArray();
        await json.FlushAsync(ct);
        if (format == OutputFormat.Json) terminal.WriteJson(Encoding.UTF8.GetString(buffer.ToArray()));
        return ExitCode.Done;
    }

    private async Task<int> ShowAsync(Invocation invocation, OutputFormat format, CancellationToken ct)
    {
        await using var state = Open(invocation, out var settings);
        var checkpoint = await state.ReadCheckpointAsync(await JobSelection.FindAsync(settings, state, ct), ct);
        if (format != OutputFormat.Json)
        {
            Show(terminal, checkpoint);
            return ExitCode.Done;
        }

        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { Indented = true })) WriteJson(json, checkpoint);
        terminal.WriteJson(Encoding.UTF8.GetString(buffer.ToArray()));
        return ExitCode.Done;
    }

    private async Task<int> ResetAsync(Invocation invocation, CancellationToken ct)
    {
        await using var state = Open(invocation, out var settings);
        var job = await JobSelection.FindAsync(settings, state, ct);
        await using var open = await state.OpenAsync(job, ct);
        await open.ResetAsync(ct);
        terminal.WriteResult($"The positions of job {job} are forgotten: its next run copies everything again.");
        return ExitCode.Done;
    }

    private async Task<int> SetAsync(Invocation invocation, string partition, string position, CancellationToken ct)
    {
        await using var state = Open(invocation, out var settings);
        var job = await JobSelection.FindAsync(settings, state, ct);
        await using var open = await state.OpenAsync(job, ct);
        var checkpoint = await open.LoadAsync(ct);
        var id = new PartitionId(partition);
        if (checkpoint is null || !checkpoint.Partitions.TryGetValue(id, out var progress))
        {
            var known = checkpoint is null ? "it has no checkpoint" : "it has " + string.Join(", ", checkpoint.Partitions.Keys);
            terminal.WriteError($"espipe: job {job} has no partition '{partition}': {known}.");
            return ExitCode.Usage;
        }

        if (checkpoint.SinkToken is not null)
        {
            terminal.WriteError($"espipe: the sink of job {job} is a file, whose length belongs to the positions; use 'espipe checkpoint reset'.");
            return ExitCode.Usage;
        }

        var partitions = new Dictionary<PartitionId, PartitionProgress>(checkpoint.Partitions) { [id] = progress with { Position = new Position(position) } };
        await open.SaveAsync(checkpoint with { Partitions = partitions, SavedAt = TimeProvider.System.GetUtcNow() }, ct);
        terminal.WriteResult($"{partition}: was {progress.Position}, is now {position}");
        return ExitCode.Done;
    }

    private IStateStore Open(Invocation invocation, out Settings settings)
    {
        settings = SettingsReader.ReadForState(invocation, terminal);
        return StateStores.Open(settings.Run.State, TimeProvider.System, NullLogger.Instance);
    }
}
