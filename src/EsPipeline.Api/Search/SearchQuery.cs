using System.Buffers;
using System.Text.Json;
using EsPipeline.Api.Indices;

namespace EsPipeline.Api.Search;

/// <summary>Writes searches as the server takes them; everything that a caller sent goes through the writer as a name or a value (invariant 6).</summary>
internal static class SearchQuery
{
    /// <summary>A page of a search.</summary>
    public static byte[] Page(SearchRequest request, ServedIndex index, TimeSpan timeout) => Write(w =>
    {
        w.WriteNumber("from", (request.Page - 1) * request.PageSize);
        w.WriteNumber("size", request.PageSize);
        w.WriteBoolean("track_total_hits", true);
        WriteTimeout(w, timeout);
        WriteConditions(w, request, index);
        WriteSort(w, request.Sort, index, tieBreaker: null);
        request.Selection.Write(w, index.Fields.DocumentRules);
    });

    /// <summary>Writes one JSON object.</summary>
    public static byte[] Write(Action<Utf8JsonWriter> members)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer))
        {
            writer.WriteStartObject();
            members(writer);
            writer.WriteEndObject();
        }

        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>Has the server give up when nobody waits any more; its answer then says so, and is not taken for whole.</summary>
    public static void WriteTimeout(Utf8JsonWriter writer, TimeSpan timeout) => writer.WriteString("timeout", $"{(long)timeout.TotalMilliseconds}ms");

    /// <summary>Writes the order, and at the end what decides between equals.</summary>
    public static void WriteSort(Utf8JsonWriter writer, IReadOnlyList<SortOrder> sort, ServedIndex index, IReadOnlyList<string>? tieBreaker)
    {
        if (sort.Count == 0 && tieBreaker is null) return;
        writer.WriteStartArray("sort");
        foreach (var order in sort) order.Write(writer, index.Fields);
        foreach (var field in tieBreaker ?? []) writer.WriteStringValue(field);
        writer.WriteEndArray();
    }

    private static void WriteConditions(Utf8JsonWriter writer, SearchRequest request, ServedIndex index)
    {
        if (request.Conditions.Count == 0) return;
        writer.WriteStartObject("query");
        writer.WriteStartObject("bool");
        writer.WriteStartArray("filter");
        foreach (var (name, wanted) in request.Conditions.Where(c => c.Value.ValueKind != JsonValueKind.Null)) FieldCondition.Write(writer, index.Fields.Find(name), wanted);
        writer.WriteEndArray();
        writer.WriteStartArray("must_not");
        foreach (var (name, _) in request.Conditions.Where(c => c.Value.ValueKind == JsonValueKind.Null)) WriteExists(writer, index.Fields.Find(name));
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteExists(Utf8JsonWriter writer, IndexField field)
    {
        writer.WriteStartObject();
        if (field.Nested is not null)
        {
            writer.WriteStartObject("nested");
            writer.WriteString("path", field.Nested);
            writer.WriteStartObject("query");
        }

        writer.WriteStartObject("exists");
        writer.WriteString("field", field.Name);
        writer.WriteEndObject();
        if (field.Nested is not null)
        {
            writer.WriteEndObject();
            writer.WriteEndObject();
        }

        writer.WriteEndObject();
    }
}
