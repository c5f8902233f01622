using System.Globalization;
using System.Text.Json;

namespace EsPipeline.Connectors.Firestore;

/// <summary>
/// Writes a document as Firestore gives it back, from the JSON in which it is sent: a timestamp with no, 3 or 6 digits of a second
/// (https://protobuf.dev/programming-guides/json/). Everything else comes as it was sent, but for the digits of doubles.
/// </summary>
internal static class ServerForm
{
    /// <summary>Appends what is sent, with its timestamps rewritten.</summary>
    public static void Write(ReadOnlySpan<byte> sent, PooledBuffer output)
    {
        var copied = 0;
        var reader = new Utf8JsonReader(sent, QueryAnswer.ReaderOptions);
        while (reader.Read())
        {
            if (reader.TokenType != JsonTokenType.PropertyName) continue;

            // A document's own field of this name is followed by an object.
            if (!reader.ValueTextEquals("timestampValue"u8)) continue;
            reader.Read();
            if (reader.TokenType != JsonTokenType.String || IsoTime.Parse(reader.ValueSpan) is not { } time) continue;
            output.Write(sent[copied..(int)reader.TokenStartIndex]);
            Write(time, output);
            copied = (int)reader.BytesConsumed;
        }

        output.Write(sent[copied..]);
    }

    private static void Write(FirestoreTime time, PooledBuffer output)
    {
        var format = time.Ticks % TimeSpan.TicksPerSecond == 0 ? "yyyy-MM-ddTHH:mm:ssZ"
            : time.Ticks % TimeSpan.TicksPerMillisecond == 0 ? "yyyy-MM-ddTHH:mm:ss.fffZ"
            : "yyyy-MM-ddTHH:mm:ss.ffffffZ";
        output.Write("\""u8);
        new DateTime(time.Ticks, DateTimeKind.Utc).TryFormat(output.GetSpan(FirestoreTime.MaxLength), out var length, format, CultureInfo.InvariantCulture);
        output.Advance(length);
        output.Write("\""u8);
    }
}
