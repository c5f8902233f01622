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
    private (InputFile File, IReadOnlyList<string> Columns)? _first;

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

    // Where no column of the key has to be there, a file without a header would lose its first row to the names of its columns.
    private protected override void CheckHeader(InputFile file, IRecordParser parser)
    {
        var columns = ((CsvParser)parser).Columns;
        if (!KeysAreLines || options.NoHeader || columns.Count == 0) return;
        _first ??= (file, columns);
        var (first, names) = _first.Value;
        if (columns.Any(names.Contains)) return;
        throw FilesErrors.OtherHeader.Error(
            $"The first line of {file.Path} names no column that {first.Path} has ({string.Join(", ", names.Take(5))}{(names.Count > 5 ? ", …" : "")}): it may be a row, of a file without a header.");
    }

    private protected override IRecordParser ParserFor(InputFile file) => new CsvParser(options, file.Name, file.Path, log);
}
