using System.Text.Json;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Files;

/// <content>Reading back: with the columns that the file has.</content>
public sealed partial class CsvSink
{
    // No column is called so: each row is read as a row, whatever its cells hold.
    private CsvOptions ReadingOptions => new() { Files = [_options.File], ContentColumn = "\0" };

    private protected override IDataSource OpenSource() => new CsvSource(ReadingOptions, TimeProvider.System, NullLogger<CsvSource>.Instance);

    private protected override async ValueTask<IRecordParser> PrepareParserAsync(InputFile file, CancellationToken ct)
    {
        var parser = new CsvParser(ReadingOptions, file.Name, file.Path, NullLogger.Instance);
        (await OpenFile.OpenAsync(file, parser, ct).ConfigureAwait(false)).Dispose();

        // A file without a header holds no row either: what columns it would have matters to nothing.
        if (parser.Columns.Count == 0) parser.ReadHeader([.. "id\n"u8, .. new byte[ChunkReader.Padding]], atEnd: true, out _);
        _columns = new CsvColumns(_options.CsvSafe ? CsvColumns.NamesOf(parser.Columns) : parser.Columns, _options.CsvSafe);
        return parser;
    }

    private protected override RecordFailure? FormatAlone(in Record record, RecordBatchBuilder output)
    {
        try
        {
            return NoRow(record) ?? _columns!.WriteRow(record.Key.Span, record.Json.Span, output);
        }
        catch (JsonException e)
        {
            return NotJson(e);
        }
    }
}
