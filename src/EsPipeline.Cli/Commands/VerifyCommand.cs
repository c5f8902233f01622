using System.CommandLine;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Verification;

namespace EsPipeline.Cli.Commands;

/// <summary><c>verify</c>: compares both ends by key and content, and writes nothing unless it is told to repair or to prune.</summary>
internal sealed class VerifyCommand(Terminal terminal) : ICommand
{
    private readonly Option<bool> _repair = new("--repair") { Description = "Write what is missing and what differs" };
    private readonly Option<bool> _prune = new("--prune") { Description = "Delete what is in the sink and not in the source; needs --max-deletes" };
    private readonly Option<long?> _maxDeletes = OwnOption.OptionalCount("--max-deletes", "The most that --prune may delete; with more it deletes nothing", least: 0);
    private readonly Option<int> _examples = OwnOption.Count("--examples", "Keys to show of each kind", usual: 10, least: 0, most: 50);

    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        var format = FormatOption.Create();
        var command = new Command("verify", "Compares both ends by key and content; writes nothing unless told to repair or prune")
        {
            format, _repair, _prune, _maxDeletes, _examples,
        };
        command.SetAction((parse, ct) => RunAsync(new Invocation(line, parse), parse.GetValue(format), ct));
        return command;
    }

    /// <summary>What a comparison ends with: 0 where both ends are the same, 3 where anything differs or can't be written.</summary>
    internal static int ExitCodeOf(VerifyResult result) => result.IsClean ? ExitCode.Done : ExitCode.DeadLetters;

    private async Task<int> RunAsync(Invocation invocation, OutputFormat format, CancellationToken ct)
    {
        var settings = SettingsReader.Read(invocation, terminal);
        if (SettingsReader.Complain(settings, terminal)) return ExitCode.Usage;
        if (MistakeIn(invocation, settings.Run) is { } mistake) throw ConfigurationErrors.Invalid.Error(mistake, "See 'espipe verify --help'.");

        var quiet = format == OutputFormat.Json ? settings.Run with { Quiet = true } : settings.Run;
        using var loggers = Logging.Create(quiet with { LogFile = "none" }, fileIsGiven: false, terminal, out _);
        await using var host = PipelineHost.Create(settings, loggers);
        var run = settings.Run;

        // A first run in the mode 'single' takes the last minutes only; the job as a whole is about everything.
        var setup = host.Setup() with { Selection = new Selection(settings.Query, run.Since?.Instant, run.Until?.Last, run.TimestampField) };
        var verifier = new Verifier(setup, Options(invocation, settings, host));
        var live = terminal.ShowsProgress(quiet);
        var description = new VerifyDescription(ProgressLine.Samples(live));
        var result = await new ProgressLine(() => description.Describe(verifier.Progress), terminal, host.Log, live).WhileAsync(verifier.VerifyAsync(ct));
        if (format == OutputFormat.Json)
        {
            terminal.WriteJson(VerifyReport.Json(settings, result));
        }
        else
        {
            foreach (var text in VerifyReport.Lines(settings, result)) terminal.WriteResult(text);
        }

        return ExitCodeOf(result);
    }

    private string? MistakeIn(Invocation invocation, RunOptions run)
    {
        var (prune, most) = (invocation.Parse.GetValue(_prune), invocation.Parse.GetValue(_maxDeletes));
        return prune && most is null ? "--prune: give --max-deletes with it, the most documents that may be deleted."
            : !prune && most is not null ? "--max-deletes: it goes with --prune."
            : run.Limit is not null ? "--limit: which records it took can't be told afterwards; verify compares all of them."
            : null;
    }

    private VerifyOptions Options(Invocation invocation, Settings settings, PipelineHost host) => new()
    {
        Shard = settings.Shard,
        DeadLetterPath = settings.Run.DeadLetters ?? Path.Combine(host.State.FolderOf(settings.Job), DeadLetterFile.DefaultName),
        Repair = invocation.Parse.GetValue(_repair),
        MaxDeletes = invocation.Parse.GetValue(_prune) ? invocation.Parse.GetValue(_maxDeletes) : null,
        Examples = invocation.Parse.GetValue(_examples),
    };
}
