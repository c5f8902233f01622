using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Files;

/// <summary>How files are written.</summary>
public record OutputFileOptions : IValidatedOptions, IEffectiveOptions
{
    /// <summary>The file.</summary>
    [Option("--output-file", "File to write, or - for standard output; .gz and .zst are packed", Environment = ["OUTPUT_FILE"], Value = "FILE", NamesJob = true)]
    public string File { get; init; } = "";

    /// <summary>How many keys are remembered.</summary>
    [Option("--unique-keys", "Keys remembered, to write what comes again only once: 16 bytes each, up to 100 where changes are followed by time", Min = 0, Max = 1_000_000_000)]
    public long UniqueKeys { get; init; } = 10_000_000;

    /// <summary>True where records go to standard output, under whatever name.</summary>
    public bool ToStandardOutput => IsStandardOutput(File);

    /// <summary>True for the names of standard output.</summary>
    internal static bool IsStandardOutput(string file) => file is "-" or "/dev/stdout" or "/dev/fd/1" or "/proc/self/fd/1";

    /// <inheritdoc/>
    public IEnumerable<KeyValuePair<string, string>> Effective
    {
        get
        {
            var folder = File.Length is 0 || File == "-" ? "." : Path.GetDirectoryName(Path.GetFullPath(File)) ?? "/";
            yield return KeyValuePair.Create("output-folder", ShellText.Quote(folder));
        }
    }

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
