using EsPipeline.Connectors;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Records;

namespace EsPipeline.Cli;

/// <summary>What a command line, an environment and a <c>.env</c> file together say: every option's value, and every mistake.</summary>
internal sealed class Settings
{
    private Settings(OptionBinder binder, RunOptions run, Connector? source, Connector? sink, object? sourceOptions, object? sinkOptions, string sinkPrefix)
    {
        SinkNames = sinkPrefix.Length > 0 ? new PrefixedNames(sink!.Sink!.Options, sinkPrefix) : null;
        (Run, Source, Sink, SourceOptions, SinkOptions) = (run, source!, sink!, sourceOptions!, sinkOptions!);
        Values = binder.Values;
        Mistakes = [.. binder.Mistakes];
    }

    /// <summary>The options of the run.</summary>
    public RunOptions Run { get; }

    /// <summary>The source's system; null where it is a mistake.</summary>
    public Connector Source { get; }

    /// <summary>The sink's system; null where it is a mistake.</summary>
    public Connector Sink { get; }

    /// <summary>The source's options record.</summary>
    public object SourceOptions { get; }

    /// <summary>The sink's options record.</summary>
    public object SinkOptions { get; }

    /// <summary>How the sink's options are called where both ends share theirs; null where they have their plain names.</summary>
    public PrefixedNames? SinkNames { get; }

    /// <summary>Every value, and where it came from.</summary>
    public IReadOnlyList<OptionValue> Values { get; }

    /// <summary>A sentence for each mistake.</summary>
    public IReadOnlyList<string> Mistakes { get; private set; }

    /// <summary>Those of them that may have a command about a job's state look at another state than is meant.</summary>
    public IReadOnlyList<string> StateMistakes { get; private set; } = [];

    /// <summary>The query, from the option or the file.</summary>
    public string? Query { get; private set; }

    /// <summary>This process's part of the keys.</summary>
    public Shard Shard { get; private set; } = new(0, 1);

    /// <summary>The rules between source and sink.</summary>
    public TransformRules Rules { get; private set; } = new([], [], [], []);

    /// <summary>The mode, chosen where it was not given.</summary>
    public RunMode Mode => Run.Mode ?? UsualMode;

    /// <summary>The pipeline's mode; for a mode that runs no pipeline the one that would be chosen without it.</summary>
    public PipelineMode PipelineMode => (Mode == RunMode.HealthCheck ? UsualMode : Mode) switch
    {
        RunMode.Continuous => PipelineMode.Continuous,
        RunMode.Single => PipelineMode.Single,
        RunMode.Custom => PipelineMode.Custom,
        _ => PipelineMode.FullSync,
    };

    /// <summary>True where the selection is what the job is about; in the other modes it only says where the job begins.</summary>
    public bool Bounded => PipelineMode is PipelineMode.FullSync or PipelineMode.Custom && (Query is not null || Run.Since is not null || Run.Until is not null || Run.Limit is not null);

    /// <summary>What the job's identity holds besides what the ends say of themselves.</summary>
    public IReadOnlyDictionary<string, string> Identity
    {
        get
        {
            var parts = PartsWhere(d => d.IsIdentity);

            // Where changes are followed by time, what one field has said is nothing for another; a source that selects by no time has it, too, so that
            // what was saved before still fits.
            if (Run.TimestampField != Core.Sources.Selection.Everything.TimestampField) parts["timestamp-field"] = Run.TimestampField;
            return parts;
        }
    }

    /// <summary>The job's name.</summary>
    public string Job => Run.Job ?? $"{Source.Name}-{Sink.Name}-{new JobIdentity(PartsWhere(d => d.NamesJob)).Hash[..8]}";

    /// <summary>True where anything was given that the job's name is made of, wherever: <see cref="Job"/> is then the job that is meant.</summary>
    public bool NamesJob => Query is not null || Values.Any(v => v.Origin != OptionOrigin.Default && (v.Definition.NamesJob || v.Definition.Name is "--source" or "--sink"));

    /// <summary>The options of a check, which leaves nothing behind, not even a log file that nobody has asked for.</summary>
    public RunOptions Check => IsGiven("--log-file") ? Run : Run with { LogFile = "none" };

    /// <summary>True where an option was given, wherever.</summary>
    public bool IsGiven(string option) => Values.Any(v => v.Definition.Name == option && v.Origin != OptionOrigin.Default);

    private RunMode UsualMode => !Source.Source!.Follows || !Source.Source.FollowsWith(SourceOptions) || Selects ? RunMode.FullSync : RunMode.Continuous;

    private bool Selects => Query is not null || Run.Until is not null || Run.Limit is not null || Run.MatchAll;

    /// <summary>Reads everything; never throws for what a person has typed.</summary>
    public static Settings Read(
        IReadOnlyDictionary<string, IReadOnlyList<string>> commandLine,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyDictionary<string, string> envFile,
        TimeProvider time)
    {
        var binder = new OptionBinder(commandLine, environment, envFile, time.GetUtcNow());
        var run = binder.Bind<RunOptions>();
        var source = Find(binder, "--source", run.Source, c => c.Source is not null);
        var sink = Find(binder, "--sink", run.Sink, c => c.Sink is not null);
        var prefix = source is not null && sink is not null && OptionCatalog.SharesOptions(source, sink) ? OptionCatalog.SinkPrefix : "";
        var sourceOptions = source is null ? null : binder.Bind(source.Source!.Options);
        var target = sourceOptions is null ? null : source!.Source!.UsualTarget(sourceOptions);
        var sinkOptions = sink is null ? null : binder.Bind(sink.Sink!.Options, prefix, complete: target is null ? null : options => sink.Sink.UseTarget(options, target));
        if (source is not null && source == sink && source.Join(sourceOptions!, sinkOptions!, ReshapesDocuments(run)) is { } mistake) binder.AddMistake(mistake);
        var settings = new Settings(binder, run, source, sink, sourceOptions, sinkOptions, prefix);
        var more = new List<string>(settings.Mistakes);
        settings.CheckNames(commandLine, environment, envFile, prefix, more);
        settings.ReadSelection(more);
        settings.Mistakes = more;
        return settings;
    }

    // Rules that speak of more than whole fields at the top mean documents in plain JSON.
    private static bool ReshapesDocuments(RunOptions run) =>
        run.Set.Count > 0 || run.Fields.Concat(run.ExcludeFields).Concat(run.Rename.Select(r => r.Split('=')[0])).Any(f => f.Contains('.', StringComparison.Ordinal));

    private static Connector? Find(OptionBinder binder, string option, string name, Func<Connector, bool> can)
    {
        if (BuiltInConnectors.Find(name) is { } connector && can(connector)) return connector;
        var names = BuiltInConnectors.All.Where(can).Select(c => c.Name).ToArray();
        var near = NearestName.Of(name, names);
        binder.AddMistake($"{option}: there is no {option[2..]} '{name}'{(near is null ? "" : $"; did you mean {near}?")} Choose from {string.Join(", ", names)}.");
        return null;
    }

    private void CheckNames(
        IReadOnlyDictionary<string, IReadOnlyList<string>> commandLine,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyDictionary<string, string> envFile,
        string sinkPrefix,
        List<string> mistakes)
    {
        if (Source is not null && Sink is not null)
        {
            foreach (var group in OptionCatalog.Groups)
            {
                if (group.Record.IsAssignableFrom(Source.Source!.Options) && group.Prefix.Length == 0) continue;
                var isOfSink = group.Record.IsAssignableFrom(Sink.Sink!.Options);
                if (isOfSink && group.Prefix == sinkPrefix) continue;
                foreach (var option in group.Options.Where(o => commandLine.ContainsKey(o.Name)))
                {
                    mistakes.Add(isOfSink && group.Prefix.Length == 0 ? $"{option.Name}: both ends are {Sink.Name}; for the sink it is --{sinkPrefix}-{option.Name[2..]}."
                        : isOfSink ? $"{option.Name}: the source is {Source.Name}, so for the sink it is --{option.Name[(group.Prefix.Length + 3)..]}."
                        : $"{option.Name}: neither the source {Source.Name} nor the sink {Sink.Name} uses it; it belongs to {char.ToLowerInvariant(group.Title[0])}{group.Title[1..]}.");
                }
            }
        }

        foreach (var option in OptionCatalog.Api.Where(o => commandLine.ContainsKey(o.Name))) mistakes.Add($"{option.Name}: running a pipeline does not use it; it belongs to 'espipe serve'.");
        StateMistakes = [.. StateStores.Mistakes(Run.State), .. EnvironmentNames.Mistakes(environment, envFile)];
        mistakes.AddRange(StateMistakes);
    }

    private void ReadSelection(List<string> mistakes)
    {
        Query = Run.Query;
        try
        {
            if (Run.QueryFile is { } path) Query = File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            mistakes.Add($"--query-file: {e.Message}");
        }

        try
        {
            Rules = new TransformRules(Run.Fields, Run.ExcludeFields, Run.Rename, Run.Set);
        }
        catch (FormatException e)
        {
            mistakes.Add(e.Message);
        }

        ReadShard(mistakes);
        if (Source?.Source is not { } source) return;
        if (Query is not null && source.QueryLanguage is null) mistakes.Add($"--query: the source {Source.Name} takes no query.");
        if ((Run.Since ?? Run.Until) is not null && !source.SelectsByTime)
        {
            mistakes.Add($"{(Run.Since is not null ? "--since" : "--until")}: the source {Source.Name} can't select by time.");
        }

        if (source.SelectsByTime) return;
        foreach (var option in (string[])["--timestamp-field", "--overlap"])
        {
            if (Values.Any(v => v.Definition.Name == option && v.Origin == OptionOrigin.CommandLine)) mistakes.Add($"{option}: the source {Source.Name} does not look at times.");
        }
    }

    // A number of parts alone would have each process copy the same one, and call it done. Kubernetes numbers the processes of any indexed job.
    private void ReadShard(List<string> mistakes)
    {
        if (Run is { Shard: null, Shards: > 1, ShardIndex: null })
        {
            mistakes.Add($"ESPIPE_SHARDS: there are {Run.Shards} parts, but neither JOB_COMPLETION_INDEX nor --shard says which of them this process is to copy.");
            return;
        }

        var (index, count) = Run.Shards is { } shards ? (Run.ShardIndex ?? 0, shards) : (0, 1);
        if (Run.Shard is { } text && (text.Split('/') is not [var i, var n] || !int.TryParse(i, out index) || !int.TryParse(n, out count)))
        {
            mistakes.Add($"--shard: '{text}' is not of the form 0/4.");
        }
        else if (index < 0 || index >= count)
        {
            mistakes.Add($"--shard: {index}/{count} is not possible; the first of four parts is 0/4.");
        }
        else
        {
            Shard = new Shard(index, count);
        }
    }

    // Only what differs from the default, so that an option added by a later release changes no job.
    private Dictionary<string, string> PartsWhere(Func<OptionDefinition, bool> matters)
    {
        var parts = new Dictionary<string, string>();
        foreach (var value in Values.Where(v => matters(v.Definition)))
        {
            var text = value.Definition.Show(value.Value);
            if (text != value.Definition.Show(value.Definition.DefaultValue)) parts[value.Definition.DisplayName.TrimStart('-')] = text;
        }

        if (Query is not null) parts["query"] = Query;
        if (Bounded && Run.Since is not null) parts["since"] = Run.Since.Text;
        if (Bounded && Run.Until is not null) parts["until"] = Run.Until.Text;
        if (Bounded && (Run.Since ?? Run.Until) is not null) parts["timestamp-field"] = Run.TimestampField;
        if (Shard.Count > 1) parts["shard"] = $"{Shard.Index}/{Shard.Count}";
        return parts;
    }
}
