using EsPipeline.Core.Configuration;

namespace EsPipeline.Cli.Commands;

/// <summary>What <c>--config-check</c> prints: every effective value, its origin, and every mistake.</summary>
internal static class ConfigCheck
{
    /// <summary>True where a call asks for it, whatever the command: nothing of that is then done.</summary>
    public static bool IsAsked(Invocation invocation) =>
        invocation.Parse.GetValue(invocation.Line.ConfigCheck) && invocation.Parse.Action == invocation.Parse.CommandResult.Command.Action;

    /// <summary>Reads the settings of a call and prints them.</summary>
    /// <returns>0 where all is well, 2 otherwise.</returns>
    public static int Print(Invocation invocation, Terminal terminal)
    {
        if (ServeCommand.IsMeant(invocation))
        {
            var serve = SettingsReader.ReadServe(invocation, terminal);
            return Print(serve.Values, serve.Mistakes, terminal);
        }

        var settings = SettingsReader.Read(invocation, terminal);
        if (settings.Source is not null && settings.Sink is not null)
        {
            terminal.WriteResult($"{settings.Source.Name} -> {settings.Sink.Name}, mode {EnumText.Kebab(settings.Mode)}, job {settings.Job}");
        }

        return Print(settings.Values, settings.Mistakes, terminal);
    }

    private static int Print(IReadOnlyList<OptionValue> values, IReadOnlyList<string> mistakes, Terminal terminal)
    {
        foreach (var value in values)
        {
            var origin = value.Origin switch
            {
                OptionOrigin.CommandLine => "command line",
                OptionOrigin.Environment => $"environment {value.OriginName}",
                OptionOrigin.EnvFile => $".env file {value.OriginName}",
                _ => "default",
            };
            var text = value.Origin == OptionOrigin.Default ? value.Definition.DefaultText : value.Definition.Show(value.Value);
            terminal.WriteResult($"{value.Definition.DisplayName,-28} {text,-32} {origin}");
        }

        foreach (var mistake in mistakes) terminal.WriteError("espipe: " + mistake);
        terminal.WriteResult(mistakes.Count == 0 ? "The configuration is valid." : mistakes.Count == 1 ? "1 mistake." : $"{mistakes.Count} mistakes.");
        return mistakes.Count == 0 ? ExitCode.Done : ExitCode.Usage;
    }
}
