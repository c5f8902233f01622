using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Files;

/// <summary>Turns the lines of one JSON Lines file into documents.</summary>
/// <param name="options">How.</param>
/// <param name="name">The file's name, for keys made of it and a line's number.</param>
internal sealed class JsonLinesParser(JsonLinesOptions options, string name) : IRecordParser
{
    private readonly byte[][]? _idPath = options.IdField == "@line" ? null : [.. options.IdField.Split('.').Select(Encoding.UTF8.GetBytes)];
    private readonly byte[]? _contentField = options.ContentField is null ? null : Encoding.UTF8.GetBytes(options.ContentField);

    public int ReadHeader(ReadOnlySpan<byte> padded, bool atEnd, out int lines)
    {
        lines = 0;
        var data = padded[..^ChunkReader.Padding];
        if (data.Length < 3 && !atEnd) return -1;
        var mark = data.StartsWith("\uFEFF"u8) ? 3 : 0;

        // Every line of it would be set aside, or all of it as one.
        if (data[mark..].TrimStart(" \t\r\n"u8) is [(byte)'[', .. var rest] && (rest.TrimStart(" \t\r\n"u8) is [] or [(byte)'{' or (byte)']', ..]))
        {
            throw FilesErrors.JsonArray.Error($"{name} begins with [: it is a JSON array, and not a document a line.");
        }

        return mark;
    }

    public int ReadRecord(ReadOnlySpan<byte> padded, bool atEnd, long line, RecordBatchBuilder output, out int lines)
    {
        lines = 1;
        var data = padded[..^ChunkReader.Padding];
        var end = data.IndexOf((byte)'\n');
        if (end < 0 && !atEnd) return 0;
        var length = end < 0 ? data.Length : end + 1;
        var text = data[..length].Trim(" \t\r\n"u8);
        if (!text.IsEmpty) Convert(text, line, output);
        return length;
    }

    public void Finish()
    {
    }

    private void Convert(ReadOnlySpan<byte> text, long line, RecordBatchBuilder output)
    {
        try
        {
            if (!Utf8.IsValid(text))
            {
                output.AddMalformed(line, default, text, FilesErrors.NotUtf8, "The line holds bytes that are not UTF-8.");
                return;
            }

            JsonSyntax.CheckObject(text);
            if (_idPath is null) output.Write(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{name}:{line}")));
            else if (!JsonKey.TryWrite(text, _idPath, output))
            {
                output.DropRecord();
                output.AddMalformed(line, default, text, FilesErrors.NoId, $"It has no text or number in '{options.IdField}'.");
                return;
            }

            output.EndKey();
            var operation = RecordOperation.Upsert;
            if (_contentField is null)
            {
                output.Write(text);
            }
            else if (!TryFindContent(text, out var content, out operation))
            {
                var key = output.Current.ToArray();
                output.DropRecord();
                output.AddMalformed(line, key, text, FilesErrors.NoContent, $"It has no JSON object in '{options.ContentField}'.");
                return;
            }
            else
            {
                output.Write(content);
            }

            output.EndRecord(operation, 0, line);
        }
        catch (JsonException e)
        {
            output.DropRecord();
            output.AddMalformed(line, default, text, FilesErrors.NotJson, $"The line is not one whole JSON object: {e.Message}");
        }
    }

    // The sink 'file' writes {"id":…,"content":{…}} for a document and {"id":…,"deleted":true} for one that is gone.
    private bool TryFindContent(ReadOnlySpan<byte> text, out ReadOnlySpan<byte> content, out RecordOperation operation)
    {
        content = default;
        operation = RecordOperation.Upsert;
        var deleted = false;
        var reader = new Utf8JsonReader(text, DocumentJson.ReaderOptions);
        reader.Read();
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var isContent = DocumentJson.TextIs(ref reader, _contentField);
            var isDeleted = DocumentJson.TextIs(ref reader, "deleted"u8);
            reader.Read();
            if (isContent && reader.TokenType == JsonTokenType.StartObject)
            {
                var start = (int)reader.TokenStartIndex;
                reader.Skip();
                content = text[start..(int)reader.BytesConsumed];
                return true;
            }

            deleted |= isDeleted && reader.TokenType == JsonTokenType.True;
            reader.Skip();
        }

        if (deleted) operation = RecordOperation.Delete;
        return deleted;
    }
}
