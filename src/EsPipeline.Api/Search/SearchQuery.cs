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
        var conditions = request.Conditions.Select(c => (Field: index.Fields.Find(c.Key), Wanted: c.Value)).ToLookup(c => c.Wanted.ValueKind == JsonValueKind.Null);
        writer.WriteStartObject("query");
        writer.WriteStartObject("bool");
        writer.WriteStartArray("filter");
        WriteWanted(writer, [.. conditions[false].Select(c => (c.Field, c.Wanted, index.Fields.NestedPathsOf(c.Field)))], 0);
        writer.WriteEndArray();
        writer.WriteStartArray("must_not");
        foreach (var (field, _) in conditions[true]) WriteAnyValue(writer, field);
        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    // All conditions on fields of one nested object have to fit the same object: each by itself would fit another one's.
    private static void WriteWanted(Utf8JsonWriter writer, (IndexField Field, JsonElement Wanted, IReadOnlyList<string> Nested)[] conditions, int depth)
    {
        foreach (var (field, wanted, _) in conditions.Where(c => c.Nested.Count == depth)) FieldCondition.Write(writer, field, wanted);
        foreach (var group in conditions.Where(c => c.Nested.Count > depth).GroupBy(c => c.Nested[depth]))
        {
            WriteNested(writer, group.Key, w =>
            {
                w.WriteStartObject("bool");
                w.WriteStartArray("filter");
                WriteWanted(w, [.. group], depth + 1);
                w.WriteEndArray();
                w.WriteEndObject();
            });
        }
    }

    // The clauses of which none may fit where a field has to be absent.
    private static void WriteAnyValue(Utf8JsonWriter writer, IndexField field)
    {
        if (field.WhyAbsenceIsUnknown is { } why) throw ApiErrors.BadValue.Error(why);
        if (field.Nested is { } path) WriteNested(writer, path, w => WriteTerm(w, "exists", "field", field.Name));
        else WriteClause(writer, "exists", "field", field.Name);

        // A value that does not fit the field's type is in the document all the same (ignore_malformed).
        WriteClause(writer, "term", "_ignored", field.Target ?? field.Name);
    }

    private static void WriteNested(Utf8JsonWriter writer, string path, Action<Utf8JsonWriter> query)
    {
        writer.WriteStartObject();
        writer.WriteStartObject("nested");
        writer.WriteString("path", path);
        writer.WriteStartObject("query");
        query(writer);
        writer.WriteEndObject();
        writer.WriteEndObject();
        writer.WriteEndObject();
    }

    private static void WriteClause(Utf8JsonWriter writer, string kind, string name, string value)
    {
        writer.WriteStartObject();
        WriteTerm(writer, kind, name, value);
        writer.WriteEndObject();
    }

    private static void WriteTerm(Utf8JsonWriter writer, string kind, string name, string value)
    {
        writer.WriteStartObject(kind);
        writer.WriteString(name, value);
        writer.WriteEndObject();
    }
}
