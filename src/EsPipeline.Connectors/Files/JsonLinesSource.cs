namespace EsPipeline.Connectors.Files;

/// <summary>Reads JSON Lines files: the source <c>jsonl</c>.</summary>
public sealed class JsonLinesSource(JsonLinesOptions options, TimeProvider time) : FileSource(options.Files, time)
{
    private protected override string Kind => "JSON Lines";

    private protected override IRecordParser ParserFor(InputFile file) => new JsonLinesParser(options, file.Name);
}
