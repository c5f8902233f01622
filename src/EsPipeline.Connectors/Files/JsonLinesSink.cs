using System.Text.Json;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Files;

/// <summary>Writes one document a line, with its key as <c>id</c> first unless it has a field of that name: the sink <c>jsonl</c>.</summary>
public sealed class JsonLinesSink(OutputFileOptions options, TimeProvider time, ILogger<JsonLinesSink> log) : FileOutputSink(options, time, log)
{
    private protected override string Kind => "JSON Lines";

    private JsonLinesOptions ReadingOptions => new() { Files = [FilePath] };

    private protected override IDataSource OpenSource() => new JsonLinesSource(ReadingOptions, TimeProvider.System);

    private protected override ValueTask<IRecordParser> PrepareParserAsync(InputFile file, CancellationToken ct) =>
        ValueTask.FromResult<IRecordParser>(new JsonLinesParser(ReadingOptions, file.Name));

    private protected override RecordFailure? Format(in Record record, RecordBatchBuilder output)
    {
        if (record.Operation == RecordOperation.Delete)
        {
            return new RecordFailure(0, FilesErrors.CannotDelete, "A line of a JSON Lines file can't say that a document was deleted.");
        }

        var json = record.Json.Span.Trim(" \t\r\n"u8);
        bool hasId, isKey;
        try
        {
            hasId = HasId(json, record.Key.Span, out isKey);
        }
        catch (JsonException e)
        {
            return new RecordFailure(0, FilesErrors.NotJson, $"The document is no JSON that can be read: {e.Message}");
        }

        if (hasId)
        {
            if (!isKey) NoteOtherId();
            JsonText.WriteLine(json, output);
        }
        else
        {
            var fields = json[1..].TrimStart(" \t\r\n"u8);
            output.Write("{\"id\":"u8);
            JsonText.WriteString(record.Key.Span, output);
            if (fields[0] != '}') output.Write(","u8);
            JsonText.WriteLine(fields, output);
        }

        output.Write("\n"u8);
        return null;
    }

    // Most documents have it first, and the same as their key, or not at all; only where the bytes could be a field's name is the document read.
    private static bool HasId(ReadOnlySpan<byte> json, ReadOnlySpan<byte> key, out bool isKey)
    {
        var text = json.StartsWith("{\"id\":\""u8) ? json["{\"id\":\"".Length..] : default;
        isKey = text.Length > key.Length && text[key.Length] == '"' && text.StartsWith(key) && key.IndexOfAny((byte)'\\', (byte)'"') < 0;
        if (isKey) return true;
        if (json.IndexOf("\"id\""u8) < 0 && json.IndexOf("\\u006"u8) < 0) return false;
        var reader = new Utf8JsonReader(json, DocumentJson.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isId = DocumentJson.TextIs(ref reader, "id"u8);
            reader.Read();
            if (isId)
            {
                isKey = reader.TokenType is JsonTokenType.String or JsonTokenType.Number && DocumentJson.TextIs(ref reader, key);
                return true;
            }

            reader.Skip();
        }

        return false;
    }
}
