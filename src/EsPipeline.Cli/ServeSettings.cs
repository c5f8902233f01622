using EsPipeline.Api;
using EsPipeline.Connectors;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>What a command line, an environment and a <c>.env</c> file together say about <c>serve</c>.</summary>
/// <param name="Run">Log and state.</param>
/// <param name="Api">What is served, where and to whom.</param>
/// <param name="Elasticsearch">How the cluster is reached; its index does not matter here.</param>
/// <param name="Values">Every value, and where it came from.</param>
/// <param name="Mistakes">A sentence for each mistake.</param>
internal sealed record ServeSettings(
    RunOptions Run, ApiOptions Api, ElasticsearchOptions Elasticsearch, IReadOnlyList<OptionValue> Values, IReadOnlyList<string> Mistakes)
{
    // What serve uses of the options of a run.
    private static readonly string[] UsedOfRun = ["--state", "--log-level", "--log-file", "--log-format", "--quiet"];

    /// <summary>The options that it uses besides its own.</summary>
    public static IReadOnlyList<OptionDefinition> Shared { get; } =
        [.. OptionCatalog.Run.Where(o => UsedOfRun.Contains(o.Name)), .. OptionDefinition.Of(typeof(ElasticsearchSearchOptions))];

    /// <summary>Reads everything; never throws for what a person has typed.</summary>
    public static ServeSettings Read(
        IReadOnlyDictionary<string, IReadOnlyList<string>> commandLine,
        IReadOnlyDictionary<string, string> environment,
        IReadOnlyDictionary<string, string> envFile,
        TimeProvider time)
    {
        var binder = new OptionBinder(commandLine, environment, envFile, time.GetUtcNow());
        var run = (RunOptions)binder.Bind(typeof(RunOptions), validate: false);
        var api = binder.Bind<ApiOptions>();
        var elasticsearch = (ElasticsearchOptions)binder.Bind(typeof(ElasticsearchSearchOptions), validate: false);
        foreach (var mistake in elasticsearch.ConnectionMistakes()) binder.AddMistake(mistake);
        var used = Shared.Concat(OptionCatalog.Api).Select(o => o.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var stray in commandLine.Keys.Where(k => !used.Contains(k))) binder.AddMistake($"{stray}: serve does not use it.");
        foreach (var mistake in StateStores.Mistakes(run.State)) binder.AddMistake(mistake);
        foreach (var mistake in EnvironmentNames.Mistakes(environment, envFile)) binder.AddMistake(mistake);
        return new ServeSettings(run, api, elasticsearch, [.. binder.Values.Where(v => used.Contains(v.Definition.Name) && (v.Definition.Name.Length > 0 || v.Definition.Property.DeclaringType != typeof(RunOptions)))], binder.Mistakes);
    }
}
