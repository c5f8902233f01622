using System.Text;
using System.Text.Json;

namespace EsPipeline.Core.Records;

/// <summary>How documents are read, wherever one has to be.</summary>
public static class DocumentJson
{
    /// <summary>The deepest nesting that a document may have; no system that keeps documents takes a deeper one.</summary>
    public const int MaxDepth = 1000;

    /// <summary>For readers of documents: strict JSON, down to <see cref="MaxDepth"/>.</summary>
    public static JsonReaderOptions ReaderOptions { get; } = new() { MaxDepth = MaxDepth };

    /// <summary>The text that the reader stands on; null where an escape in it is half a surrogate pair, which is no text at all.</summary>
    public static string? TextOf(ref Utf8JsonReader reader)
    {
        try
        {
            return reader.GetString();
        }
        catch (InvalidOperationException)
        {
            return null;
        }
    }

    /// <summary>True where the name or text that the reader stands on is <paramref name="text"/>, with or without escapes; half a surrogate pair is no text.</summary>
    public static bool TextIs(ref Utf8JsonReader reader, ReadOnlySpan<byte> text) => reader.ValueIsEscaped
        ? TextOf(ref reader) is { } unescaped && Encoding.UTF8.GetBytes(unescaped).AsSpan().SequenceEqual(text)
        : reader.ValueSpan.SequenceEqual(text);
}
