using System.Buffers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Core.Checkpoints;

/// <summary>
/// A checkpoint as text: <c>{"format":1,"sha256":"…","checkpoint":{…}}</c>, the checksum taken over the bytes of the last value. What
/// does not read back exactly is refused, never guessed at.
/// </summary>
public static class CheckpointText
{
    /// <summary>The format that this release writes, and the newest that it reads.</summary>
    public const int Format = 1;

    /// <summary>The checkpoint as UTF-8, ending in a line feed.</summary>
    public static byte[] Write(Checkpoint checkpoint)
    {
        var body = Body(checkpoint);
        var text = new ArrayBufferWriter<byte>(body.Length + 128);
        text.Write(Encoding.UTF8.GetBytes($"{{\"format\":{Format},\"sha256\":\"{Checksum(body)}\",\"checkpoint\":"));
        text.Write(body);
        text.Write("}\n"u8);
        return text.WrittenSpan.ToArray();
    }

    /// <summary>Reads what <see cref="Write"/> wrote.</summary>
    /// <param name="text">The bytes.</param>
    /// <param name="where">What to call them in an error, such as the file's path.</param>
    /// <exception cref="PipelineException"><see cref="CheckpointErrors.Corrupt"/> or <see cref="CheckpointErrors.NewerFormat"/>.</exception>
    public static Checkpoint Read(ReadOnlyMemory<byte> text, string where)
    {
        try
        {
            using var document = JsonDocument.Parse(text);
            var root = document.RootElement;
            var format = root.GetProperty("format").GetInt32();
            if (format > Format) throw CheckpointErrors.NewerFormat.Error($"The checkpoint {where} has format {format}; this release reads up to {Format}.");
            var body = root.GetProperty("checkpoint");
            if (format != Format || root.GetProperty("sha256").GetString() != Checksum(Encoding.UTF8.GetBytes(body.GetRawText())))
            {
                throw Corrupt(where, "its checksum is wrong");
            }

            return FromBody(body);
        }
        catch (Exception e) when (e is JsonException or KeyNotFoundException or InvalidOperationException or FormatException or ArgumentException)
        {
            throw Corrupt(where, "it is not a whole JSON document of this kind", e);
        }
    }

    private static PipelineException Corrupt(string where, string what, Exception? inner = null) =>
        CheckpointErrors.Corrupt.Error($"The checkpoint {where} is damaged: {what}.", inner: inner);

    private static string Checksum(byte[] body) => Convert.ToHexStringLower(SHA256.HashData(body));

    private static byte[] Body(Checkpoint checkpoint)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using var json = new Utf8JsonWriter(buffer);
        json.WriteStartObject();
        json.WriteString("saved_at", checkpoint.SavedAt);
        json.WriteString("phase", checkpoint.Phase.ToString());
        json.WriteStartObject("identity");
        foreach (var (name, value) in checkpoint.Identity.Parts) json.WriteString(name, value);
        json.WriteEndObject();
        json.WriteStartArray("partitions");
        foreach (var (id, progress) in checkpoint.Partitions.OrderBy(p => p.Key.Value, StringComparer.Ordinal))
        {
            json.WriteStartObject();
            json.WriteString("id", id.Value);
            json.WriteString("position", progress.Position.Value);
            json.WriteNumber("records", progress.Records);
            json.WriteEndObject();
        }

        json.WriteEndArray();
        if (checkpoint.Since is { } since) json.WriteString("since", since);
        if (checkpoint.Until is { } until) json.WriteString("until", until);
        if (checkpoint.SinkToken is { } token) json.WriteString("sink_token", token);
        if (checkpoint.SinkNote is { } note) json.WriteString("sink_note", note);
        if (checkpoint.Wrote) json.WriteBoolean("wrote", true);
        json.WriteEndObject();
        json.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static Checkpoint FromBody(JsonElement body) => new()
    {
        Identity = new JobIdentity(body.GetProperty("identity").EnumerateObject()
            .Select(p => KeyValuePair.Create(p.Name, p.Value.GetString()!))),
        Phase = Enum.Parse<ReadKind>(body.GetProperty("phase").GetString()!),
        Partitions = body.GetProperty("partitions").EnumerateArray().ToDictionary(
            p => new PartitionId(p.GetProperty("id").GetString()!),
            p => new PartitionProgress(new Position(p.GetProperty("position").GetString()!), p.GetProperty("records").GetInt64())),
        SinkToken = body.TryGetProperty("sink_token", out var token) ? token.GetString() : null,
        SinkNote = body.TryGetProperty("sink_note", out var note) ? note.GetString() : null,
        Wrote = body.TryGetProperty("wrote", out var wrote) && wrote.GetBoolean(),
        Since = body.TryGetProperty("since", out var since) ? since.GetDateTimeOffset() : null,
        Until = body.TryGetProperty("until", out var until) ? until.GetDateTimeOffset() : null,
        SavedAt = body.GetProperty("saved_at").GetDateTimeOffset(),
    };
}
