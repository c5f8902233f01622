using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Files;

/// <summary>Reads CSV files: the source <c>csv</c>.</summary>
/// <param name="options">Which, and how.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Where warnings go.</param>
/// <param name="ends">Both ends of the run; null where it is read for something else.</param>
/// <param name="run">For the mode.</param>
public sealed class CsvSource(CsvOptions options, TimeProvider time, ILogger<CsvSource> log, ConnectorOptions? ends = null, RunOptions? run = null)
    : FileSource(options.Files, time, log, ends, run)
{
    private readonly CsvHeaders _headers = new(options);

    private protected override string Kind => "CSV";

    private protected override bool KeysAreLines => options.IdColumn == "@line";

    /// <inheritdoc/>
    public override async Task<SourceSchema> DescribeAsync(CancellationToken ct)
    {
        var file = InputFile.Expand(options.Files)[0];
        if (file.IsStream) return SourceSchema.Unknown;
        var parser = new CsvParser(options, file.Name, file.Path, log);
        using var open = await OpenFile.OpenAsync(file, parser, ct).ConfigureAwait(false);
        if (parser.Columns.Contains(options.ContentColumn)) return SourceSchema.Unknown;
        var kind = options.Types == CsvTypes.Text ? FieldKind.Keyword : FieldKind.Unknown;
        return new SourceSchema([.. parser.Columns.Select(c => new SourceField(c, kind, "text"))]);
    }

    private protected override IRecordParser ParserFor(InputFile file) => new CsvParser(options, file.Name, file.Path, log, _headers);
}
