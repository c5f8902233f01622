using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Files;

/// <summary>
/// Writes <c>{"id":…,"content":…}</c> a line, and <c>{"id":…,"deleted":true}</c> for a delete: the sink <c>file</c>. It loses nothing, and the
/// source <c>jsonl</c> reads it back with <c>--jsonl-content-field content</c>.
/// </summary>
public sealed class EnvelopeSink(OutputFileOptions options, TimeProvider time, ILogger<EnvelopeSink> log) : FileOutputSink(options, time, log)
{
    private protected override string Kind => "JSON Lines";

    private JsonLinesOptions ReadingOptions => new() { Files = [FilePath], ContentField = "content" };

    private protected override IDataSource OpenSource() => new JsonLinesSource(ReadingOptions, TimeProvider.System);

    private protected override ValueTask<IRecordParser> PrepareParserAsync(InputFile file, CancellationToken ct) =>
        ValueTask.FromResult<IRecordParser>(new JsonLinesParser(ReadingOptions, file.Name));

    private protected override RecordFailure? Format(in Record record, RecordBatchBuilder output)
    {
        output.Write("{\"id\":"u8);
        JsonText.WriteString(record.Key.Span, output);
        if (record.Operation == RecordOperation.Delete)
        {
            output.Write(",\"deleted\":true}\n"u8);
        }
        else
        {
            output.Write(",\"content\":"u8);
            JsonText.WriteLine(record.Json.Span, output);
            output.Write("}\n"u8);
        }

        return null;
    }
}
