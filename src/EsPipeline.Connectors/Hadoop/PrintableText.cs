using System.Text;

namespace EsPipeline.Connectors.Hadoop;

/// <summary>Names from elsewhere as text that can be shown, saved and read back: control characters and a few others as <c>%XX</c>.</summary>
internal static class PrintableText
{
    /// <summary>The name with control characters, <c>%</c> and <c>:</c> escaped.</summary>
    public static string Escape(string name)
    {
        if (!name.AsSpan().ContainsAny('%', ':') && !name.Any(char.IsControl)) return name;
        var text = new StringBuilder(name.Length + 16);
        foreach (var c in name)
        {
            if (c is '%' or ':' || char.IsControl(c)) text.Append(Uri.EscapeDataString(c.ToString()));
            else text.Append(c);
        }

        return text.ToString();
    }

    /// <summary>The name that <see cref="Escape"/> was given.</summary>
    public static string Unescape(string text) => Uri.UnescapeDataString(text);
}
