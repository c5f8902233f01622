using System.Buffers;
using System.Runtime.CompilerServices;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using EsPipeline.Core.Records;

namespace EsPipeline.Core.DeadLetters;

/// <summary>One line of a dead-letter file: a letter, or the note that an earlier one is settled.</summary>
internal static class DeadLetterLine
{
    // A letter holds its document one level down.
    private static readonly JsonDocumentOptions Options = new() { MaxDepth = DocumentJson.MaxDepth + 1 };

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
        if (letter.Sink is not null) json.WriteString("sink", letter.Sink);
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

    /// <summary>Reads the lines of a file; none where there is no file.</summary>
    /// <exception cref="Errors.PipelineException"><see cref="DeadLetterErrors.Damaged"/>: a line is neither a letter nor such a note.</exception>
    public static async IAsyncEnumerable<(string Id, DeadLetter? Letter)> ReadAsync(string path, [EnumeratorCancellation] CancellationToken ct)
    {
        if (!File.Exists(path)) yield break;
        using var file = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite, bufferSize: 0);
        var buffer = new byte[64 * 1024];
        var (filled, number) = (0, 0);
        while (true)
        {
            if (filled == buffer.Length) Array.Resize(ref buffer, 2 * buffer.Length);
            var read = await file.ReadAsync(buffer.AsMemory(filled), ct).ConfigureAwait(false);

            // What no line feed ends is torn, or is just being written by a run whose lock a reader does not hold.
            if (read == 0) yield break;
            var (start, searched) = (0, filled);
            filled += read;
            for (int length; (length = buffer.AsSpan(searched, filled - searched).IndexOf((byte)'\n')) >= 0; start = searched)
            {
                var line = buffer.AsMemory(start, searched + length - start);
                searched += length + 1;
                number++;
                if (!line.IsEmpty) yield return ParseLine(line, number, path);
            }

            buffer.AsSpan(start, filled - start).CopyTo(buffer);
            filled -= start;
        }
    }

    private static (string Id, DeadLetter? Letter) ParseLine(ReadOnlyMemory<byte> line, int number, string path)
    {
        try
        {
            return Parse(line);
        }
        catch (JsonException e)
        {
            throw DeadLetterErrors.Damaged.Error($"Line {number} of {path} is not a dead letter.", inner: e);
        }
    }

    /// <summary>Reads a line: a letter with its id, or (with <c>Letter</c> null) the id of one that is settled.</summary>
    /// <exception cref="JsonException">It is neither.</exception>
    public static (string Id, DeadLetter? Letter) Parse(ReadOnlyMemory<byte> line)
    {
        using var document = JsonDocument.Parse(line, Options);
        var root = document.RootElement;
        try
        {
            if (root.TryGetProperty("settled", out var settled)) return (settled.GetString()!, null);
            var malformed = root.TryGetProperty("raw", out _) || root.TryGetProperty("raw_base64", out _);
            var id = Text("id");
            return (id, new DeadLetter
            {
                Id = id,
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
                Sink = root.TryGetProperty("sink", out var sink) ? sink.GetString() : null,
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
