using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli;

/// <summary>The names that begin with <c>ESPIPE_</c>: one that nothing reads is a mistake.</summary>
internal static class EnvironmentNames
{
    /// <summary>A sentence for each name that nothing reads.</summary>
    public static IEnumerable<string> Mistakes(IReadOnlyDictionary<string, string> environment, IReadOnlyDictionary<string, string> envFile)
    {
        var known = OptionCatalog.All.SelectMany(o => o.Environment).ToHashSet(StringComparer.Ordinal);
        foreach (var name in environment.Keys.Concat(envFile.Keys).Distinct().Where(n => n.StartsWith("ESPIPE_", StringComparison.Ordinal)))
        {
            if (known.Contains(name) || name.StartsWith("ESPIPE_TEST_", StringComparison.Ordinal)) continue;
            var near = NearestName.Of(name, known);
            yield return $"{name}: there is no such environment name{(near is null ? "" : $"; did you mean {near}?")}";
        }
    }

    /// <summary>
    /// True for what Kubernetes and Docker put into every container beside a service of that name (https://kubernetes.io/docs/concepts/services-networking/service/#environment-variables):
    /// nobody has written it.
    /// </summary>
    public static bool IsServiceLink(string name, string value) =>
        name.Contains("_SERVICE_HOST", StringComparison.Ordinal) || name.Contains("_SERVICE_PORT", StringComparison.Ordinal)
        || name.Contains("_PORT_", StringComparison.Ordinal) || (name.EndsWith("_PORT", StringComparison.Ordinal) && IsLinkAddress(value));

    private static bool IsLinkAddress(string value) =>
        value.StartsWith("tcp://", StringComparison.Ordinal) || value.StartsWith("udp://", StringComparison.Ordinal) || value.StartsWith("sctp://", StringComparison.Ordinal);
}
