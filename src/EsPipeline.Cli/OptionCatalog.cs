using EsPipeline.Api;
using EsPipeline.Connectors;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>Every option that there is, and whom it belongs to.</summary>
internal static class OptionCatalog
{
    /// <summary>The prefix of the sink's options where both ends are the same system.</summary>
    public const string SinkPrefix = "sink";

    /// <summary>The options of a run.</summary>
    public static IReadOnlyList<OptionDefinition> Run { get; } = OptionDefinition.Of(typeof(RunOptions));

    /// <summary>The options records of the connectors, each once, with the names of the ends that use it.</summary>
    public static IReadOnlyList<OptionGroup> Groups { get; } = [.. FindGroups()];

    /// <summary>The options of <c>serve</c>.</summary>
    public static IReadOnlyList<OptionDefinition> Api { get; } = OptionDefinition.Of(typeof(ApiOptions));

    /// <summary>Every option.</summary>
    public static IEnumerable<OptionDefinition> All => Run.Concat(Api).Concat(Groups.SelectMany(g => g.Options));

    /// <summary>True where source and sink of a system are described by one record, so that the sink's needs a prefix when both are used.</summary>
    public static bool SharesOptions(Connector source, Connector sink) => source.Source!.Options == sink.Sink!.Options;

    private static IEnumerable<OptionGroup> FindGroups()
    {
        var sources = BuiltInConnectors.All.Where(c => c.Source is not null).ToLookup(c => c.Source!.Options);
        var sinks = BuiltInConnectors.All.Where(c => c.Sink is not null).ToLookup(c => c.Sink!.Options);
        foreach (var record in sources.Select(g => g.Key).Union(sinks.Select(g => g.Key)))
        {
            yield return new OptionGroup(
                record,
                "",
                [.. sources[record].Select(c => c.Name)],
                [.. sinks[record].Select(c => c.Name)],
                OptionDefinition.Of(record));
            if (sources.Contains(record) && sinks.Contains(record))
            {
                yield return new OptionGroup(record, SinkPrefix, [], [.. sinks[record].Select(c => c.Name)], OptionDefinition.Of(record, SinkPrefix));
            }
        }
    }
}

/// <summary>The options of one record.</summary>
/// <param name="Record">The record.</param>
/// <param name="Prefix">What stands before their names.</param>
/// <param name="Sources">The sources that use them.</param>
/// <param name="Sinks">The sinks that use them.</param>
/// <param name="Options">The options.</param>
internal sealed record OptionGroup(
    Type Record, string Prefix, IReadOnlyList<string> Sources, IReadOnlyList<string> Sinks, IReadOnlyList<OptionDefinition> Options)
{
    /// <summary>A heading for help.</summary>
    public string Title => (Sources.Count > 0, Sinks.Count > 0) switch
    {
        (true, true) => "Source and sink " + string.Join(", ", Sources.Union(Sinks)),
        (true, false) => "Source " + string.Join(", ", Sources),
        _ => (Sinks.Count > 1 ? "Sinks " : "Sink ") + string.Join(", ", Sinks) + (Prefix.Length > 0 ? " where the source is the same system" : ""),
    };
}
