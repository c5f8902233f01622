using EsPipeline.Cli.Explaining;
using EsPipeline.Core.Configuration;
using Spectre.Console;

namespace EsPipeline.Cli;

/// <summary>
/// The screen: log lines and the live progress line on standard error, results on standard output, never one over the other. Text that
/// comes from documents or servers is shown without its control characters, so that it can't steer the terminal.
/// </summary>
internal sealed class Terminal(TextWriter output, TextWriter error, bool isInteractive)
{
    private readonly Lock _lock = new();
    private string _live = "";

    /// <summary>The process's own screen.</summary>
    public static Terminal System { get; } = new(Console.Out, Console.Error, !Console.IsErrorRedirected);

    /// <summary>True where a live line is wanted.</summary>
    public bool ShowsProgress(RunOptions run) => isInteractive && !run.NoProgress && !run.Quiet;

    /// <summary>What must never be shown.</summary>
    public Redaction Redaction { get; set; } = Redaction.None;

    /// <summary>Explains errors; null where nobody has asked for it.</summary>
    public ErrorExplainer? Explainer { get; set; }

    /// <summary>Where results go; standard error where standard output carries records.</summary>
    public bool ResultsToError { get; set; }

    /// <summary>Writes a line of the result.</summary>
    public void WriteResult(string line)
    {
        lock (_lock)
        {
            Clear();
            (ResultsToError ? error : output).WriteLine(Printable(Redaction.Apply(line)));
            Redraw();
        }
    }

    /// <summary>Writes a JSON document that is the result. A terminal takes more characters for commands than JSON has to escape: they are escaped.</summary>
    public void WriteJson(string json) =>
        WriteResult(string.Concat(json.Select(c => c == '\r' ? "" : char.IsControl(c) && c is not ('\n' or '\t') ? $"\\u{(int)c:x4}" : c.ToString())));

    /// <summary>Writes a table of the result, as wide as the terminal, or as its content where there is none.</summary>
    public void WriteTable(Table table)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(ResultsToError ? error : output),
            Ansi = Console.IsOutputRedirected ? AnsiSupport.No : AnsiSupport.Detect,
        });
        if (Console.IsOutputRedirected) console.Profile.Width = 1000;
        lock (_lock) console.Write(table);
    }

    /// <summary>Writes a line for the person who watches.</summary>
    public void WriteError(string line)
    {
        lock (_lock)
        {
            Clear();
            error.WriteLine(Printable(Redaction.Apply(line)));
            Redraw();
        }
    }

    /// <summary>Puts a text on the live line; empty to take it away.</summary>
    public void ShowLive(string text)
    {
        if (!isInteractive) return;
        lock (_lock)
        {
            Clear();
            _live = Fit(Printable(text));
            Redraw();
        }
    }

    /// <summary>Text without control characters, line breaks and tabs excepted.</summary>
    public static string Printable(string text) =>
        text.Any(c => char.IsControl(c) && c is not ('\n' or '\t'))
            ? string.Concat(text.Select(c => char.IsControl(c) && c is not ('\n' or '\t') ? $"\\x{(int)c:x2}" : c.ToString()))
            : text;

    private static string Fit(string text)
    {
        var width = Console.IsErrorRedirected ? 200 : Math.Max(20, Console.WindowWidth - 1);
        return text.Length <= width ? text : text[..width];
    }

    private void Clear()
    {
        if (_live.Length > 0) error.Write("\r\e[K");
    }

    private void Redraw()
    {
        if (_live.Length > 0) error.Write(_live);
        error.Flush();
    }
}
