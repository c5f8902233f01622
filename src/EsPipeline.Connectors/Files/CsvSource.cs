using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Files;

/// <summary>Reads CSV files: the source <c>csv</c>.</summary>
public sealed class CsvSource(CsvOptions options, TimeProvider time, ILogger<CsvSource> log) : FileSource(options.Files, time)
{
    private protected override string Kind => "CSV";

    /// <inheritdoc/>
    public override async Task<SourceSchema> DescribeAsync(CancellationToken ct)
    {
        var file = InputFile.Expand(options.Files)[0];
        if (file.IsStandardInput) return SourceSchema.Unknown;
        var parser = new CsvParser(options, file.Name, file.Path, log);
        using var open = await OpenFile.OpenAsync(file, parser, ct).ConfigureAwait(false);
        if (parser.Columns.Contains(options.ContentColumn)) return SourceSchema.Unknown;
        var kind = options.Types == CsvTypes.Text ? FieldKind.Keyword : FieldKind.Unknown;
        return new SourceSchema([.. parser.Columns.Select(c => new SourceField(c, kind, "text"))]);
    }

    private protected override IRecordParser ParserFor(InputFile file) => new CsvParser(options, file.Name, file.Path, log);
}
