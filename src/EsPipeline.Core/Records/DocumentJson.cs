using System.Buffers;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Core.Records;

/// <summary>How documents are read, wherever one has to be.</summary>
public static class DocumentJson
{
    /// <summary>The deepest nesting that a document may have. A source whose system takes deeper ones, as PostgreSQL does, sets them aside.</summary>
    public const int MaxDepth = 1000;

    private static readonly SearchValues<byte> Structure = SearchValues.Create("\"{[]}"u8);

    /// <summary>For readers of documents: strict JSON, down to <see cref="MaxDepth"/>.</summary>
    public static JsonReaderOptions ReaderOptions { get; } = new() { MaxDepth = MaxDepth };

    /// <summary>True for valid JSON that is nested deeper than <see cref="MaxDepth"/>.</summary>
    public static bool IsTooDeep(ReadOnlySpan<byte> json)
    {
        // Most documents have too few brackets for that.
        if (json.Length < 2 * (MaxDepth + 1) || json.Count((byte)'{') + json.Count((byte)'[') <= MaxDepth) return false;
        var depth = 0;
        for (int at; (at = json.IndexOfAny(Structure)) >= 0;)
        {
            var found = json[at];
            json = json[(at + 1)..];
            if (found == (byte)'"') json = BehindString(json);
            else if (found is not ((byte)'{' or (byte)'[')) depth--;
            else if (++depth > MaxDepth) return true;
        }

        return false;
    }

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

    private static ReadOnlySpan<byte> BehindString(ReadOnlySpan<byte> json)
    {
        while (true)
        {
            var at = json.IndexOfAny((byte)'"', (byte)'\\');
            if (at < 0) return [];
            if (json[at] == (byte)'"') return json[(at + 1)..];
            json = json[Math.Min(json.Length, at + 2)..];
        }
    }
}
