using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Files;

/// <summary>How JSON Lines files are read.</summary>
public sealed record JsonLinesOptions : IValidatedOptions
{
    /// <summary>The files.</summary>
    [Option("--jsonl-file", "JSON Lines files to read: one, several, a glob, or - for standard input; .gz and .zst are unpacked",
        Environment = ["JSONL_FILE"], Value = "FILE", Repeated = true, NamesJob = true)]
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>The field with the key.</summary>
    [Option("--jsonl-id-field", "Field with the key; @line for the file's name and the line's number", Value = "FIELD", Identity = true)]
    public string IdField { get; init; } = "id";

    /// <summary>The field with the document.</summary>
    [Option("--jsonl-content-field", "Field whose JSON object is the document, for lines that wrap it (the sink 'file' writes 'content')",
        Value = "FIELD", Default = "the whole line", Identity = true)]
    public string? ContentField { get; init; }

    /// <inheritdoc/>
    public IEnumerable<string> Mistakes()
    {
        if (Files.Count == 0) yield return "--jsonl-file: give the file to read.";
    }
}
