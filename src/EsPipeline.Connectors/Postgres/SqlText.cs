using System.Text;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Postgres;

/// <summary>Encodes names and values for SQL text, where parameters can't stand: COPY takes none (invariant 6).</summary>
internal static class SqlText
{
    /// <summary>A quoted identifier.</summary>
    /// <exception cref="PipelineException">It holds NUL.</exception>
    public static string Name(string name) => "\"" + Checked(name).Replace("\"", "\"\"", StringComparison.Ordinal) + "\"";

    /// <summary>A quoted literal; it means the same whatever <c>standard_conforming_strings</c> is.</summary>
    public static string Literal(string text)
    {
        var quoted = "'" + Checked(text).Replace("'", "''", StringComparison.Ordinal) + "'";
        return text.Contains('\\', StringComparison.Ordinal) ? " E" + quoted.Replace("\\", "\\\\", StringComparison.Ordinal) : quoted;
    }

    /// <summary>An array's literal, <c>'{"a","b"}'</c>.</summary>
    public static string Array(IEnumerable<string> texts)
    {
        var array = new StringBuilder("{");
        foreach (var text in texts)
        {
            if (array.Length > 1) array.Append(',');
            array.Append('"').Append(text.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal)).Append('"');
        }

        return Literal(array.Append('}').ToString());
    }

    private static string Checked(string text) =>
        text.Contains('\0', StringComparison.Ordinal) ? throw PostgresErrors.Rejected.Error("A name or key holds the character NUL.") : text;
}
