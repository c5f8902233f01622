using System.Buffers;
using System.Text;
using System.Text.Json;
using EsPipeline.Core.Records;

namespace EsPipeline.Api.Search;

/// <summary>
/// Writes a document without the fields that the rules hide. Names are compared as they mean, not as they are spelt
/// (<c>"p\u0061ss"</c> is <c>pass</c>), a dot in a name goes into an object as the server sees it, and every value that stays keeps its bytes.
/// </summary>
internal static class DocumentFilter
{
    /// <summary>Writes one document.</summary>
    /// <param name="document">A JSON object.</param>
    /// <param name="rules">Which fields exist.</param>
    /// <param name="output">Where to.</param>
    public static void Write(ReadOnlySpan<byte> document, FieldRules rules, IBufferWriter<byte> output)
    {
        if (rules.IsEmpty)
        {
            output.Write(document);
            return;
        }

        var reader = new Utf8JsonReader(document);
        reader.Read();
        WriteValue(ref reader, document, "", rules, output);
    }

    private static void WriteValue(ref Utf8JsonReader reader, ReadOnlySpan<byte> document, string path, FieldRules rules, IBufferWriter<byte> output)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                WriteObject(ref reader, document, path, rules, output);
                break;
            case JsonTokenType.StartArray:
                WriteArray(ref reader, document, path, rules, output);
                break;
            default:
                Copy(ref reader, document, output);
                break;
        }
    }

    private static void WriteObject(ref Utf8JsonReader reader, ReadOnlySpan<byte> document, string path, FieldRules rules, IBufferWriter<byte> output)
    {
        output.Write("{"u8);
        var first = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
        {

            // A name with half a surrogate pair is no text that a rule could speak of: it goes by how it is spelt.
            var name = DocumentJson.TextOf(ref reader) ?? Encoding.UTF8.GetString(reader.ValueSpan);
            var child = path.Length == 0 ? name : $"{path}.{name}";
            var spelt = document[(int)reader.TokenStartIndex..(int)reader.BytesConsumed];
            reader.Read();
            var isLeaf = reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray);
            if (isLeaf ? !rules.Shows(child) : !rules.MayShowBelow(child))
            {
                reader.Skip();
                continue;
            }

            if (!first) output.Write(","u8);
            first = false;
            output.Write(spelt);

            // The span of a name may or may not end with its colon, as the reader has read it.
            if (spelt[^1] != (byte)':') output.Write(":"u8);
            if (rules.MayHideBelow(child)) WriteValue(ref reader, document, child, rules, output);
            else Copy(ref reader, document, output);
        }

        output.Write("}"u8);
    }

    private static void WriteArray(ref Utf8JsonReader reader, ReadOnlySpan<byte> document, string path, FieldRules rules, IBufferWriter<byte> output)
    {
        output.Write("["u8);
        var first = true;
        while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
        {
            // An array of objects is shown for what is shown in the objects; a plain value in it belongs to the field itself.
            if (reader.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray) && !rules.Shows(path)) continue;
            if (!first) output.Write(","u8);
            first = false;
            WriteValue(ref reader, document, path, rules, output);
        }

        output.Write("]"u8);
    }

    private static void Copy(ref Utf8JsonReader reader, ReadOnlySpan<byte> document, IBufferWriter<byte> output)
    {
        var start = (int)reader.TokenStartIndex;
        reader.Skip();
        output.Write(document[start..(int)reader.BytesConsumed]);
    }
}
