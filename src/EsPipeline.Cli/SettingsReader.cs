using System.Collections;
using EsPipeline.Api;
using EsPipeline.Cli.Explaining;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;

namespace EsPipeline.Cli;

/// <summary>Reads the settings of a call from the command line, the process's environment and the <c>.env</c> file.</summary>
internal static class SettingsReader
{
    /// <summary>Reads everything; from here on the terminal shows no secret of it.</summary>
    /// <exception cref="PipelineException">The <c>.env</c> file can't be read.</exception>
    public static Settings Read(Invocation invocation, Terminal terminal)
    {
        var (environment, envFile) = Inputs(invocation);
        var settings = Settings.Read(invocation.Line.Given(invocation.Parse), environment, envFile, TimeProvider.System);
        terminal.Redaction = Redaction.Of(settings.Values);
        if (settings.Run.SimpleErrors || settings.Run.AiErrors) terminal.Explainer = new ErrorExplainer(settings, terminal);
        return settings;
    }

    /// <summary>Reads the settings of a command about a job's state, which needs neither end.</summary>
    /// <exception cref="PipelineException">The <c>.env</c> file can't be read, or what was given may mean another state than the one that it names.</exception>
    public static Settings ReadForState(Invocation invocation, Terminal terminal)
    {
        var settings = Read(invocation, terminal);
        return settings.StateMistakes is [] ? settings : throw ConfigurationErrors.Invalid.Error(string.Join(' ', settings.StateMistakes));
    }

    /// <summary>Reads the settings of <c>serve</c>; from here on the terminal shows no secret of them.</summary>
    /// <exception cref="PipelineException">The <c>.env</c> file can't be read.</exception>
    public static ServeSettings ReadServe(Invocation invocation, Terminal terminal)
    {
        var (environment, envFile) = Inputs(invocation);
        var settings = ServeSettings.Read(invocation.Line.Given(invocation.Parse), environment, envFile, TimeProvider.System);
        terminal.Redaction = Redaction.Of(settings.Values);
        return settings;
    }

    /// <summary>What to do without a command.</summary>
    /// <exception cref="PipelineException">The <c>.env</c> file can't be read.</exception>
    public static ServiceType ReadService(Invocation invocation)
    {
        var (environment, envFile) = Inputs(invocation);
        var binder = new OptionBinder(new Dictionary<string, IReadOnlyList<string>>(), environment, envFile, default);
        var options = (ApiOptions)binder.Bind(typeof(ApiOptions), validate: false);
        var mistake = binder.Mistakes.FirstOrDefault(m => m.StartsWith("SERVICE_TYPE:", StringComparison.Ordinal));
        return mistake is null ? options.Service : throw ConfigurationErrors.Invalid.Error(mistake);
    }

    /// <summary>Prints every mistake.</summary>
    /// <returns>True where there was one.</returns>
    public static bool Complain(Settings settings, Terminal terminal)
    {
        foreach (var mistake in settings.Mistakes) terminal.WriteError("espipe: " + mistake);
        if (settings.Mistakes.Count > 1) terminal.WriteError("espipe: --config-check shows every value and where it comes from.");
        return settings.Mistakes.Count > 0;
    }

    private static (IReadOnlyDictionary<string, string> Environment, IReadOnlyDictionary<string, string> EnvFile) Inputs(Invocation invocation)
    {
        var all = Environment.GetEnvironmentVariables().Cast<DictionaryEntry>()
            .ToDictionary(e => (string)e.Key, e => (string?)e.Value ?? "", StringComparer.Ordinal);
        var path = invocation.Parse.GetValue(invocation.Line.EnvFile);
        if (path is not null && !File.Exists(path)) throw ConfigurationErrors.BadEnvFile.Error($"{path} is not there.", "Check the name given with --env-file.");
        var envFile = EnvFile.Read(path ?? ".env", all);
        return (all.Where(e => !EnvironmentNames.IsServiceLink(e.Key, e.Value)).ToDictionary(StringComparer.Ordinal), envFile);
    }
}
