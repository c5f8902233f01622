using System.Globalization;
using System.Text;

namespace EsPipeline.Cli.Tests;

/// <summary>The copy that most tests run: a CSV file to JSON Lines.</summary>
internal static class CsvCopy
{
    /// <summary>A CSV file with so many rows, in the folder.</summary>
    public static string Write(EspipeFolder folder, int rows, string name = "in.csv") => folder.Write(name, Text(rows));

    /// <summary>The text of a CSV file with so many rows.</summary>
    public static string Text(int rows)
    {
        var text = new StringBuilder("id,name,price\n");
        for (var i = 0; i < rows; i++) text.Append(CultureInfo.InvariantCulture, $"k{i:0000000},\"item \"\"{i}\"\"\",{i * 0.25}\n");
        return text.ToString();
    }

    /// <summary>The arguments.</summary>
    public static string[] Arguments(params IEnumerable<string> more) =>
        ["--source", "csv", "--sink", "jsonl", "--csv-file", "in.csv", "--output-file", "out.jsonl", .. more];

    /// <summary>The lines of a finished output.</summary>
    public static string[] Lines(EspipeFolder folder, string name = "out.jsonl") => File.ReadAllLines(folder.File(name));
}
