using System.Buffers;
using System.Text;
using System.Text.Json;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>The bodies of the searches that are sent.</summary>
internal static class SearchBody
{
    /// <summary>How long the server keeps a view for the next page; renewed with each.</summary>
    public const string KeepAlive = "10m";

    /// <summary>A page of the operations in <c>(after, upTo]</c>, in the order of their sequence numbers.</summary>
    /// <param name="filter">Which documents.</param>
    /// <param name="after">Above this sequence number.</param>
    /// <param name="upTo">Up to this; null without end.</param>
    /// <param name="size">Documents at most.</param>
    /// <param name="pointInTime">The id of the point in time to read in; null for none.</param>
    /// <param name="server">Who is asked.</param>
    public static byte[] Window(SearchFilter filter, long after, long? upTo, int size, string? pointInTime, ServerInfo server) => Write(w =>
    {
        w.WriteStartObject();
        w.WriteNumber("size", size);
        w.WriteBoolean("track_total_hits", false);
        WriteSource(w, server);
        w.WritePropertyName("sort"u8);

        // An index without any document may have no mapping at all, not even of this.
        w.WriteRawValue("""[{"_seq_no":{"order":"asc","unmapped_type":"long"}}]"""u8, skipInputValidation: true);
        WritePointInTime(w, pointInTime);
        WriteQuery(w, filter, () =>
        {
            w.WriteStartObject();
            w.WriteStartObject("range"u8);
            w.WriteStartObject("_seq_no"u8);
            w.WriteNumber("gt", after);
            if (upTo is { } last) w.WriteNumber("lte", last);
            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndObject();
        });
        w.WriteEndObject();
    });

    /// <summary>The first page of a slice, in whatever order is cheapest.</summary>
    public static byte[] Slice(SearchFilter filter, int slice, int slices, int size, ServerInfo server) => Write(w =>
    {
        w.WriteStartObject();
        w.WriteNumber("size", size);
        WriteSource(w, server);
        w.WritePropertyName("sort"u8);
        w.WriteRawValue("""["_doc"]"""u8, skipInputValidation: true);
        if (slices > 1)
        {
            w.WriteStartObject("slice"u8);
            w.WriteNumber("id", slice);
            w.WriteNumber("max", slices);
            w.WriteEndObject();
        }

        WriteQuery(w, filter, null);
        w.WriteEndObject();
    });

    /// <summary>Writes JSON.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> write)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer)) write(writer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>JSON that is written as it stands.</summary>
    public static byte[] Of(string json) => Encoding.UTF8.GetBytes(json);

    // All of the document. Where that goes without saying nothing is said, since to say it may cost.
    private static void WriteSource(Utf8JsonWriter w, ServerInfo server)
    {
        if (!server.AsksForVectors) return;
        w.WriteStartObject("_source"u8);
        w.WriteBoolean("exclude_vectors", false);
        w.WriteEndObject();
    }

    private static void WritePointInTime(Utf8JsonWriter w, string? id)
    {
        if (id is null) return;
        w.WriteStartObject("pit"u8);
        w.WriteString("id", id);
        w.WriteString("keep_alive", KeepAlive);
        w.WriteEndObject();
    }

    private static void WriteQuery(Utf8JsonWriter w, SearchFilter filter, Action? more)
    {
        w.WriteStartObject("query"u8);
        w.WriteStartObject("bool"u8);
        w.WriteStartArray("filter"u8);
        more?.Invoke();
        filter.WriteTo(w);
        w.WriteEndArray();
        w.WriteEndObject();
        w.WriteEndObject();
    }
}
