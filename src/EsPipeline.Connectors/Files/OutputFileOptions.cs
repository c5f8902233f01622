using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Files;

/// <summary>How files are written.</summary>
public record OutputFileOptions : IValidatedOptions
{
    /// <summary>The file.</summary>
    [Option("--output-file", "File to write, or - for standard output; .gz and .zst are packed", Environment = ["OUTPUT_FILE"], Value = "FILE", NamesJob = true)]
    public string File { get; init; } = "";

    /// <summary>How many keys are remembered.</summary>
    [Option("--unique-keys", "Keys remembered, at 16 bytes each, to write a key that comes again only once", Min = 0, Max = 1_000_000_000)]
    public long UniqueKeys { get; init; } = 10_000_000;

    /// <inheritdoc/>
    public IEnumerable<string> Mistakes()
    {
        if (File.Length == 0) yield return "--output-file: give the file to write.";
    }
}

/// <summary>How CSV files are written.</summary>
public sealed record CsvOutputOptions : OutputFileOptions
{
    /// <summary>Texts that a spreadsheet would take for formulas.</summary>
    [Option("--csv-safe", "Put a single quote before texts that begin with = + - @, which a spreadsheet would take for formulas", Identity = true)]
    public bool CsvSafe { get; init; }
}
