using EsPipeline.Core.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Files;

/// <summary>Reads JSON Lines files: the source <c>jsonl</c>.</summary>
/// <param name="options">Which, and how.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where warnings go; nowhere where it is null.</param>
/// <param name="ends">Both ends of the run; null where it is read for something else.</param>
/// <param name="run">For the mode.</param>
public sealed class JsonLinesSource(
    JsonLinesOptions options, TimeProvider time, ILogger<JsonLinesSource>? log = null, ConnectorOptions? ends = null, RunOptions? run = null)
    : FileSource(options.Files, time, log ?? NullLogger<JsonLinesSource>.Instance, ends, run)
{
    private protected override string Kind => "JSON Lines";

    private protected override bool KeysAreLines => options.IdField == "@line";

    private protected override IRecordParser ParserFor(InputFile file) => new JsonLinesParser(options, file.Name);
}
