namespace EsPipeline.Cli.Tests.Explaining;

/// <summary>Settings as a command line and an environment give them.</summary>
internal static class SettingsOf
{
    /// <summary>Reads options, each with one value, and environment names.</summary>
    public static Settings Options(IEnumerable<(string Name, string Value)> options, params IEnumerable<(string Name, string Value)> environment) => Settings.Read(
        options.ToDictionary(o => o.Name, o => (IReadOnlyList<string>)[o.Value]),
        environment.ToDictionary(e => e.Name, e => e.Value),
        new Dictionary<string, string>(),
        TimeProvider.System);
}
