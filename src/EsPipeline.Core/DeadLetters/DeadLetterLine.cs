using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.DeadLetters;

/// <summary>One line of a dead-letter file: a letter, or the note that an earlier one is settled.</summary>
internal static class DeadLetterLine
{
    /// <summary>Writes a letter as one JSON line without the line feed.</summary>
    public static byte[] Letter(DeadLetter letter)
    {
        var buffer = new ArrayBufferWriter<byte>(letter.Document.Length + 512);
        using var json = new Utf8JsonWriter(buffer, new JsonWriterOptions { SkipValidation = true });
        json.WriteStartObject();
        json.WriteString("id", letter.Id);
        json.WriteString("job", letter.Job);
        json.WriteString("partition", letter.Partition);
        json.WriteString("position", letter.Position);
        json.WriteString("place", letter.Place);
        WriteBytes(json, "key", letter.Key.Span);
        json.WriteString("operation", letter.Operation == RecordOperation.Delete ? "delete" : "upsert");
        if (letter.Version != 0) json.WriteNumber("version", letter.Version);
        if (letter.Malformed) WriteBytes(json, "raw", letter.Document.Span);
        else if (!letter.Document.IsEmpty) WriteDocument(json, letter.Document.Span);
        json.WriteString("code", letter.Code);
        json.WriteString("reason", letter.Reason);
        json.WriteNumber("attempts", letter.Attempts);
        json.WriteString("time", letter.Time);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Writes that a letter is settled.</summary>
    /// <param name="id">Which one.</param>
    /// <param name="how">How: <c>replayed</c>, <c>superseded</c> or <c>dropped</c>.</param>
    /// <param name="at">When.</param>
    public static byte[] Settled(string id, string how, DateTimeOffset at)
    {
        var buffer = new ArrayBufferWriter<byte>(128);
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("settled", id);
        json.WriteString("how", how);
        json.WriteString("time", at);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Reads a line: a letter with its id, or (with <c>Letter</c> null) the id of one that is settled.</summary>
    /// <exception cref="JsonException">It is neither.</exception>
    public static (string Id, DeadLetter? Letter) Parse(ReadOnlyMemory<byte> line)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        try
        {
            if (root.TryGetProperty("settled", out var settled)) return (settled.GetString()!, null);
            var malformed = root.TryGetProperty("raw", out _) || root.TryGetProperty("raw_base64", out _);
            return (root.GetProperty("id").GetString()!, new DeadLetter
            {
                Job = Text("job"),
                Partition = Text("partition"),
                Position = Text("position"),
                Place = Text("place"),
                Key = ReadBytes(root, "key"),
                Operation = Text("operation") == "delete" ? RecordOperation.Delete : RecordOperation.Upsert,
                Version = root.TryGetProperty("version", out var version) ? version.GetInt64() : 0,
                Malformed = malformed,
                Document = malformed ? ReadBytes(root, "raw")
                    : root.TryGetProperty("document", out var body) ? Encoding.UTF8.GetBytes(body.GetRawText()) : default,
                Code = Text("code"),
                Reason = Text("reason"),
                Attempts = root.GetProperty("attempts").GetInt32(),
                Time = root.GetProperty("time").GetDateTimeOffset(),
            });
        }
        catch (Exception e) when (e is KeyNotFoundException or InvalidOperationException or FormatException)
        {
            throw new JsonException("This is not a dead letter.", e);
        }

        string Text(string name) => root.GetProperty(name).GetString()!;
    }

    // A document keeps its bytes, but for line breaks between its tokens: within a string JSON allows none.
    private static void WriteDocument(Utf8JsonWriter json, ReadOnlySpan<byte> document)
    {
        json.WritePropertyName("document");
        if (document.IndexOfAny((byte)'\n', (byte)'\r') < 0)
        {
            json.WriteRawValue(document, skipInputValidation: true);
            return;
        }

        var line = document.ToArray();
        line.AsSpan().Replace((byte)'\n', (byte)' ');
        line.AsSpan().Replace((byte)'\r', (byte)' ');
        json.WriteRawValue(line, skipInputValidation: true);
    }

    private static void WriteBytes(Utf8JsonWriter json, string name, ReadOnlySpan<byte> bytes)
    {
        if (Utf8.IsValid(bytes)) json.WriteString(name, bytes);
        else json.WriteBase64String(name + "_base64", bytes);
    }

    private static byte[] ReadBytes(JsonElement root, string name) =>
        root.TryGetProperty(name, out var text) ? Encoding.UTF8.GetBytes(text.GetString()!) : root.GetProperty(name + "_base64").GetBytesFromBase64();
}
