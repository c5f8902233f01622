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

    /// <summary>
    /// The options of the connectors, each once: what the two ends of a system share is a group, and so is what only one of them uses.
    /// </summary>
    public static IReadOnlyList<OptionGroup> Groups { get; } = FindGroups();

    /// <summary>The options of <c>serve</c>.</summary>
    public static IReadOnlyList<OptionDefinition> Api { get; } = OptionDefinition.Of(typeof(ApiOptions));

    /// <summary>Every option.</summary>
    public static IEnumerable<OptionDefinition> All => Run.Concat(Api).Concat(Groups.SelectMany(g => g.Options));

    /// <summary>True where two ends have options of the same names, so that the sink's need a prefix when both are used.</summary>
    public static bool SharesOptions(Connector source, Connector sink) =>
        OptionDefinition.Of(source.Source!.Options).Select(o => o.Property.DeclaringType)
            .Intersect(OptionDefinition.Of(sink.Sink!.Options).Select(o => o.Property.DeclaringType)).Any();

    private static List<OptionGroup> FindGroups()
    {
        var groups = new List<OptionGroup>();
        foreach (var record in BuiltInConnectors.All.Select(c => c.Source?.Options).Concat(BuiltInConnectors.All.Select(c => c.Sink?.Options)).OfType<Type>())
        {
            foreach (var options in OptionDefinition.Of(record).GroupBy(o => o.Property.DeclaringType!))
            {
                if (groups.Any(g => g.Record == options.Key)) continue;
                groups.Add(new OptionGroup(
                    options.Key,
                    "",
                    [.. BuiltInConnectors.All.Where(c => options.Key.IsAssignableFrom(c.Source?.Options)).Select(c => c.Name)],
                    [.. BuiltInConnectors.All.Where(c => options.Key.IsAssignableFrom(c.Sink?.Options)).Select(c => c.Name)],
                    [.. options]));
            }
        }

        var both = BuiltInConnectors.All.Where(c => c.Source is not null && c.Sink is not null && SharesOptions(c, c)).ToArray();
        foreach (var group in groups.ToArray())
        {
            string[] sinks = [.. both.Where(c => group.Record.IsAssignableFrom(c.Sink!.Options)).Select(c => c.Name)];
            if (sinks.Length == 0) continue;
            var record = both.First(c => c.Name == sinks[0]).Sink!.Options;
            groups.Add(new OptionGroup(
                group.Record, SinkPrefix, [], sinks, [.. OptionDefinition.Of(record, SinkPrefix).Where(o => o.Property.DeclaringType == group.Record)])
            {
                Names = new PrefixedNames(record, SinkPrefix),
            });
        }

        return groups;
    }
}

/// <summary>Options that the same ends use.</summary>
/// <param name="Record">The record that declares them; an end uses them where its own options record is this one or is made from it.</param>
/// <param name="Prefix">What stands before their names.</param>
/// <param name="Sources">The sources that use them.</param>
/// <param name="Sinks">The sinks that use them.</param>
/// <param name="Options">The options.</param>
internal sealed record OptionGroup(
    Type Record, string Prefix, IReadOnlyList<string> Sources, IReadOnlyList<string> Sinks, IReadOnlyList<OptionDefinition> Options)
{
    /// <summary>How other options are called in their sentences.</summary>
    public PrefixedNames Names { get; init; } = new(Record, "");

    /// <summary>A heading for help.</summary>
    public string Title => (Sources.Count > 0, Sinks.Count > 0) switch
    {
        (true, true) => "Source and sink " + string.Join(", ", Sources.Union(Sinks)),
        (true, false) => "Source " + string.Join(", ", Sources),
        _ => (Sinks.Count > 1 ? "Sinks " : "Sink ") + string.Join(", ", Sinks) + (Prefix.Length > 0 ? " where the source is the same system" : ""),
    };
}
