using System.Buffers;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Core.Records;

/// <summary>Finds a record's key in its document.</summary>
public static class JsonKey
{
    /// <summary>
    /// Writes the key that a document has at a path: a text as it is without its escapes, a number by its digits.
    /// </summary>
    /// <param name="document">One JSON object.</param>
    /// <param name="path">The names of the fields from the top of the document down.</param>
    /// <param name="output">Where the key goes.</param>
    /// <returns>False, with nothing written, where the field is missing, null, empty, not a text or a number, or a text with half a surrogate pair.</returns>
    /// <exception cref="JsonException">The document is not JSON.</exception>
    public static bool TryWrite(ReadOnlySpan<byte> document, IReadOnlyList<byte[]> path, IBufferWriter<byte> output)
    {
        var reader = new Utf8JsonReader(document, DocumentJson.ReaderOptions);
        reader.Read();
        for (var depth = 0; depth < path.Count; depth++)
        {
            if (reader.TokenType != JsonTokenType.StartObject || !FindProperty(ref reader, path[depth])) return false;
        }

        if (reader.TokenType == JsonTokenType.Number)
        {
            output.Write(reader.ValueSpan);
            return true;
        }

        if (reader.TokenType != JsonTokenType.String || reader.ValueSpan.IsEmpty) return false;
        if (reader.ValueIsEscaped) return TryWriteEscaped(ref reader, output);
        output.Write(reader.ValueSpan);
        return true;
    }

    private static bool TryWriteEscaped(ref Utf8JsonReader reader, IBufferWriter<byte> output)
    {
        if (DocumentJson.TextOf(ref reader) is not { } text) return false;
        Encoding.UTF8.GetBytes(text, output);
        return true;
    }

    private static bool FindProperty(ref Utf8JsonReader reader, ReadOnlySpan<byte> name)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var found = DocumentJson.TextIs(ref reader, name);
            reader.Read();
            if (found) return true;
            reader.Skip();
        }

        return false;
    }
}
