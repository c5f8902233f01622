using System.Text;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Files;

/// <summary>What becomes of the values of a row.</summary>
public enum CsvTypes
{
    /// <summary>Every value is a text.</summary>
    Text,

    /// <summary>What is unmistakably a number, true, false or nothing becomes one.</summary>
    Infer,
}

/// <summary>How CSV files are read.</summary>
public sealed record CsvOptions : IValidatedOptions
{
    /// <summary>The files.</summary>
    [Option("--csv-file", "CSV files to read: one, several, a glob, or - for standard input; .gz and .zst are unpacked",
        Environment = ["CSV_FILE"], Value = "FILE", Repeated = true, NamesJob = true)]
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>The column with the key.</summary>
    [Option("--csv-id-column", "Column with the key; @line for the file's name and the line's number", Environment = ["CSV_ID_COLUMN"], Value = "COLUMN",
        Identity = true)]
    public string IdColumn { get; init; } = "id";

    /// <summary>The column that may hold a document.</summary>
    [Option("--csv-content-column", "Column whose JSON object, where it holds one, is the document instead of the row",
        Environment = ["CSV_CONTENT_COLUMN"], Value = "COLUMN", Identity = true)]
    public string ContentColumn { get; init; } = "content";

    /// <summary>What separates values.</summary>
    [Option("--csv-delimiter", "What separates values; tab for a tab", Value = "CHARACTER", Identity = true)]
    public string Delimiter { get; init; } = ",";

    /// <summary>The first line is a record.</summary>
    [Option("--csv-no-header", "The first line is a record; columns are then called column_1, column_2 and so on, and the first is the key",
        Identity = true)]
    public bool NoHeader { get; init; }

    /// <summary>What becomes of the values.</summary>
    [Option("--csv-types", "Whether every value is a text, or numbers, booleans and empty values are told apart", Identity = true)]
    public CsvTypes Types { get; init; } = CsvTypes.Text;

    /// <summary>True where the files are part files of Hadoop's, whose options have names of their own.</summary>
    internal bool IsOfPartFiles { get; init; }

    /// <summary>How the option of the key's column is called.</summary>
    internal string IdOption => IsOfPartFiles ? "--hadoop-id-field" : "--csv-id-column";

    /// <summary>How the option of the document's column is called.</summary>
    internal string ContentOption => IsOfPartFiles ? "--hadoop-csv-content-column" : "--csv-content-column";

    /// <summary>How the option is called that says that there is no header.</summary>
    internal string NoHeaderOption => IsOfPartFiles ? "--hadoop-csv-no-header" : "--csv-no-header";

    /// <summary>The delimiter's one byte.</summary>
    internal byte DelimiterByte => Delimiter is "tab" or "\\t" ? (byte)'\t' : Encoding.UTF8.GetBytes(Delimiter)[0];

    /// <inheritdoc/>
    public IEnumerable<string> Mistakes()
    {
        if (Files.Count == 0) yield return "--csv-file: give the file to read.";
        if (Delimiter is not ("tab" or "\\t") && (Encoding.UTF8.GetByteCount(Delimiter) != 1 || Delimiter is "\"" or "\r" or "\n"))
        {
            yield return $"--csv-delimiter: '{Delimiter}' is not one ASCII character other than a quote or a line break.";
        }
    }
}
