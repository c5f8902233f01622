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
    /// <param name="path">The names of the fields from the top of the document down; some of them may be one name with dots in the document.</param>
    /// <param name="output">Where the key goes.</param>
    /// <returns>False, with nothing written, where the field is missing, null, empty, not a text or a number, or a text with half a surrogate pair.</returns>
    /// <exception cref="JsonException">The document is not JSON.</exception>
    public static bool TryWrite(ReadOnlySpan<byte> document, IReadOnlyList<byte[]> path, IBufferWriter<byte> output)
    {
        var reader = new Utf8JsonReader(document, DocumentJson.ReaderOptions);
        reader.Read();
        if (reader.TokenType != JsonTokenType.StartObject || !FindField(ref reader, path, 0)) return false;
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

    // The reader stands before the members of an object, and then on the field's value.
    private static bool FindField(ref Utf8JsonReader reader, IReadOnlyList<byte[]> path, int depth)
    {
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var below = depth + PartsIn(ref reader, path, depth);
            reader.Read();
            if (below > depth && below == path.Count) return true;
            if (below > depth && reader.TokenType == JsonTokenType.StartObject)
            {
                var within = reader;
                if (FindField(ref within, path, below))
                {
                    reader = within;
                    return true;
                }
            }

            reader.Skip();
        }

        return false;
    }

    // How many parts of the path the name that the reader stands on is, from a depth on; 0 where it is another name.
    private static int PartsIn(ref Utf8JsonReader reader, IReadOnlyList<byte[]> path, int depth)
    {
        if (!reader.ValueIsEscaped) return PartsIn(reader.ValueSpan, path, depth);
        return DocumentJson.TextOf(ref reader) is { } text ? PartsIn(Encoding.UTF8.GetBytes(text), path, depth) : 0;
    }

    private static int PartsIn(ReadOnlySpan<byte> name, IReadOnlyList<byte[]> path, int depth)
    {
        for (var i = depth; i < path.Count && name.StartsWith(path[i]); i++)
        {
            if (name.Length == path[i].Length) return i + 1 - depth;
            if (name[path[i].Length] != '.') return 0;
            name = name[(path[i].Length + 1)..];
        }

        return 0;
    }
}
