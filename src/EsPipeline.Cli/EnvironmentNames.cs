using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>The names that begin with <c>ESPIPE_</c>: one that nothing reads is a mistake.</summary>
internal static class EnvironmentNames
{
    // Names that are read by something else than an option.
    private static readonly string[] Others = ["ESPIPE_AI_MODEL"];

    /// <summary>A sentence for each name that nothing reads.</summary>
    public static IEnumerable<string> Mistakes(IReadOnlyDictionary<string, string> environment, IReadOnlyDictionary<string, string> envFile)
    {
        var known = OptionCatalog.All.SelectMany(o => o.Environment).Concat(Others).ToHashSet(StringComparer.Ordinal);
        foreach (var name in environment.Keys.Concat(envFile.Keys).Distinct().Where(n => n.StartsWith("ESPIPE_", StringComparison.Ordinal)))
        {
            if (known.Contains(name) || name.StartsWith("ESPIPE_TEST_", StringComparison.Ordinal)) continue;
            var near = NearestName.Of(name, known);
            yield return $"{name}: there is no such environment name{(near is null ? "" : $"; did you mean {near}?")}";
        }
    }
}
