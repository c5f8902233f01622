using System.CommandLine;
using System.Text;
using EsPipeline.Cli.Explaining;
using EsPipeline.Connectors;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Engine;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Cli.Commands;

/// <summary><c>dead-letters list|show|replay|drop</c>: works with what was set aside.</summary>
internal sealed class DeadLettersCommand(Terminal terminal) : ICommand
{
    private readonly Option<string?> _code = new("--code") { Description = "Only letters with this error code", HelpName = "CODE", Recursive = true };
    private readonly Option<string?> _key = new("--key") { Description = "Only the letter of this key", HelpName = "KEY", Recursive = true };

    /// <inheritdoc/>
    public Command Build(CommandLine line)
    {
        var command = new Command("dead-letters", "Lists, shows, sends again or drops what was set aside") { _code, _key };

        var listFormat = FormatOption.Create();
        var list = new Command("list", "Counts a job's letters by cause") { listFormat };
        list.SetAction((parse, ct) => ListAsync(new Invocation(line, parse), parse.GetValue(listFormat), examples: 0, ct));

        var showFormat = FormatOption.Create();
        var examples = OwnOption.Count("--examples", "Letters to show of each cause", usual: 5);
        var show = new Command("show", "Shows a job's letters by cause, with what to do") { showFormat, examples };
        show.SetAction((parse, ct) => ListAsync(new Invocation(line, parse), parse.GetValue(showFormat), parse.GetValue(examples), ct));

        var replay = new Command("replay", "Sends letters to the sink again; what it takes is settled");
        replay.SetAction((parse, ct) => ReplayAsync(new Invocation(line, parse), ct));

        var drop = new Command("drop", "Settles letters without sending them");
        drop.SetAction((parse, ct) => DropAsync(new Invocation(line, parse), ct));

        foreach (var sub in new[] { list, show, replay, drop }) command.Subcommands.Add(sub);
        return command;
    }

    private async Task<int> ListAsync(Invocation invocation, OutputFormat format, int examples, CancellationToken ct)
    {
        var settings = SettingsReader.ReadForState(invocation, terminal);
        await using var store = StateStores.Open(settings.Run.State, TimeProvider.System, NullLogger.Instance);
        var path = PathOf(settings) ?? FileOf(store, await JobSelection.FindAsync(settings, store, ct));
        var job = settings.Run.DeadLetters is null ? null : settings.Run.Job;
        var causes = new SortedDictionary<string, (int Count, List<DeadLetter> Examples)>(StringComparer.Ordinal);
        await foreach (var letter in DeadLetterFile.ReadAsync(path, job, ct))
        {
            if (!Chosen(invocation, letter)) continue;
            if (format == OutputFormat.Json)
            {
                terminal.WriteJson(Encoding.UTF8.GetString(letter.ToJson()));
                continue;
            }

            var cause = causes.GetValueOrDefault(letter.Code, (0, []));
            if (cause.Examples.Count < Math.Max(1, examples)) cause.Examples.Add(letter);
            causes[letter.Code] = (cause.Count + 1, cause.Examples);
        }

        if (format == OutputFormat.Json) return ExitCode.Done;
        terminal.WriteResult(causes.Count == 0 ? $"No dead letters in {path}." : $"{causes.Values.Sum(c => c.Count)} dead letters in {path}:");
        foreach (var (code, (count, letters)) in causes)
        {
            // What could not be read is the source's matter.
            var names = letters[0].Malformed ? null : settings.SinkNames;
            var meaning = ErrorCatalog.Find(code)?.Meaning ?? letters[0].Reason;
            terminal.WriteResult($"{count,8}  {code}: {names?.In(meaning) ?? meaning}");
            if (examples == 0) continue;
            if (ErrorCatalog.Find(code) is { } error)
            {
                foreach (var step in new Advice(settings).OwnSteps(error, names)) terminal.WriteResult("        " + step);
            }

            foreach (var letter in letters) Show(letter);
            if (count > letters.Count) terminal.WriteResult($"          … and {count - letters.Count} more");
        }

        if (causes.Count > 0 && examples > 0) terminal.WriteResult("Send them again once the cause is mended: 'espipe dead-letters replay' with the options of the run.");
        return ExitCode.Done;
    }

    private void Show(DeadLetter letter)
    {
        const int most = 300;
        var key = letter.Key.IsEmpty ? "no key" : "key " + Encoding.UTF8.GetString(letter.Key.Span);
        terminal.WriteResult($"          {letter.Place}, {key}: {letter.Reason}");
        var document = Encoding.UTF8.GetString(letter.Document.Span);
        terminal.WriteResult($"            {(document.Length > most ? string.Concat(document.AsSpan(0, most), "…") : document)}".ReplaceLineEndings(" "));
    }

    private async Task<int> ReplayAsync(Invocation invocation, CancellationToken ct)
    {
        var settings = SettingsReader.Read(invocation, terminal);
        if (settings.Mistakes.Count > 0 && !settings.IsGiven("--source") && !settings.IsGiven("--sink"))
        {
            throw ConfigurationErrors.Invalid.Error("Letters are sent to the job's sink, and nothing says which that is.", "Give the options that the job runs with, behind 'espipe dead-letters replay'.");
        }

        if (SettingsReader.Complain(settings, terminal)) return ExitCode.Usage;
        using var loggers = Logging.Create(settings.Run, fileIsGiven: false, terminal, out _);
        await using var host = PipelineHost.Create(settings, loggers);
        var job = await JobSelection.FindAsync(settings, host.State, ct);
        var result = await new DeadLetterReplay(host.Setup() with { Job = job }).RunAsync(letter => Chosen(invocation, letter), ct);
        terminal.WriteResult($"replayed {result.Replayed}, refused again {result.Refused}, malformed {result.Malformed} (these can only be mended at the source)");
        return result.Refused + result.Malformed > 0 ? ExitCode.DeadLetters : ExitCode.Done;
    }

    private async Task<int> DropAsync(Invocation invocation, CancellationToken ct)
    {
        var settings = SettingsReader.ReadForState(invocation, terminal);
        await using var store = StateStores.Open(settings.Run.State, TimeProvider.System, NullLogger.Instance);
        var found = await JobSelection.FindAsync(settings, store, ct);
        var path = PathOf(settings) ?? FileOf(store, found);
        var job = settings.Run.DeadLetters is null ? null : found;
        await using var state = await store.OpenAsync(found, ct);
        await using var letters = await DeadLetterFile.OpenAsync(path, TimeProvider.System, ct, job);
        var ids = new List<string>();
        await foreach (var letter in DeadLetterFile.ReadAsync(path, job, ct))
        {
            if (Chosen(invocation, letter)) ids.Add(letter.Id);
        }

        var dropped = await letters.SettleAsync(ids, "dropped", ct);
        var gone = dropped < ids.Count ? $"; {ids.Count - dropped} were settled already" : "";
        terminal.WriteResult($"dropped {dropped} dead letters{gone}; their lines stay in {path}");
        return ExitCode.Done;
    }

    private bool Chosen(Invocation invocation, DeadLetter letter) =>
        (invocation.Parse.GetValue(_code) is not { } code || letter.Code == code)
        && (invocation.Parse.GetValue(_key) is not { } key || letter.Key.Span.SequenceEqual(Encoding.UTF8.GetBytes(key)));

    // A file of somebody's choice may hold the letters of several jobs; only --job says whose are meant.
    private static string? PathOf(Settings settings) => settings.Run.DeadLetters is { } given ? Path.GetFullPath(given) : null;

    private static string FileOf(IStateStore store, string job) => Path.Combine(store.FolderOf(job), DeadLetterFile.DefaultName);
}
