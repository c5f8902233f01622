namespace EsPipeline.Core.Configuration;

/// <summary>Text as a POSIX shell reads it.</summary>
public static class ShellText
{
    /// <summary>A word for a command: as it is where no character of it means something to the shell, else between single quotes.</summary>
    public static string Quote(string text) =>
        text.Length > 0 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '/' or ':' or '@' or '%' or '+' or '=' or ',' or '-')
            ? text
            : $"'{Within(text)}'";

    /// <summary>Text that stands between single quotes already.</summary>
    public static string Within(string text) => text.Replace("'", "'\\''", StringComparison.Ordinal);
}
