using System.Globalization;
using System.Text.Json;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>The field that says when a document was made or changed, of type <c>date</c> or <c>date_nanos</c>, whatever its format.</summary>
/// <param name="client">The cluster.</param>
/// <param name="server">What it is.</param>
/// <param name="name">Its dotted path.</param>
internal sealed class TimeField(ElasticsearchClient client, ServerInfo server, string name)
{
    /// <summary>The format that times are sent in; given with each, so that the field's own (epoch, a day only) does not matter.</summary>
    public const string FormatName = "strict_date_optional_time";

    /// <summary>A time as sent: with all its digits, since the servers round up what an upper bound leaves out.</summary>
    public static string Format(DateTimeOffset time) =>
        time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.fffffff'00Z'", CultureInfo.InvariantCulture);

    /// <summary>Makes sure that it is a date wherever it is; an index without any document may lack it.</summary>
    /// <param name="expression">The indices.</param>
    /// <param name="hasDocuments">Whether there is any document.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Core.Errors.PipelineException"><see cref="ElasticsearchErrors.NoTimeField"/>.</exception>
    public async Task CheckAsync(string expression, bool hasDocuments, CancellationToken ct)
    {
        var answer = name.Contains('*', StringComparison.Ordinal) || name.Length == 0
            ? throw ElasticsearchErrors.NoTimeField.Error($"'{name}' is not the name of one field.")
            : await client.SendAsync(
                HttpMethod.Get, $"{IndexExpression.Encode(expression)}/_field_caps?fields={Uri.EscapeDataString(name)}", default, ct).ConfigureAwait(false);
        if (!answer.GetProperty("fields").TryGetProperty(name, out var types))
        {
            if (!hasDocuments) return;
            throw ElasticsearchErrors.NoTimeField.Error($"No document of '{expression}' has a field '{name}'.");
        }

        foreach (var type in types.EnumerateObject())
        {
            if (type.Name is "date" or "date_nanos" or "unmapped") continue;
            throw ElasticsearchErrors.NoTimeField.Error($"The field '{name}' of '{expression}' is of type {type.Name}.");
        }
    }

    /// <summary>How many documents have no time, and in which indices: whoever follows changes by time never sees theirs.</summary>
    /// <param name="expression">The indices.</param>
    /// <param name="query">Only documents that it finds, where it is given; checked.</param>
    /// <param name="ct">Cancels.</param>
    public async Task<(long Count, IReadOnlyList<string> Indices)> MissingAsync(string expression, byte[]? query, CancellationToken ct)
    {
        var filter = new SearchFilter().Query(query);
        var body = SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteNumber("size", 0);
            w.WriteBoolean("track_total_hits", false);
            w.WriteStartObject("query");
            w.WriteStartObject("bool");
            w.WriteStartArray("filter");
            filter.WriteTo(w);
            w.WriteEndArray();
            w.WriteStartObject("must_not");
            w.WriteStartObject("exists");
            w.WriteString("field", name);
            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndObject();
            w.WritePropertyName("aggs");
            w.WriteRawValue("""{"indices":{"terms":{"field":"_index","size":20}}}""");
            w.WriteEndObject();
        });
        var answer = await client.FetchAsync(
            HttpMethod.Post, $"{IndexExpression.Encode(expression)}/_search?allow_partial_search_results=false{server.Reach()}", body, 4096, Array.MaxLength, ct).ConfigureAwait(false);
        using var page = SearchPage.Open(answer, expression);
        using var document = JsonDocument.Parse(answer.Written);
        if (!document.RootElement.TryGetProperty("aggregations", out var found)) return (0, []);
        var (count, indices) = (found.GetProperty("indices").GetProperty("sum_other_doc_count").GetInt64(), new List<string>());
        foreach (var bucket in found.GetProperty("indices").GetProperty("buckets").EnumerateArray())
        {
            count += bucket.GetProperty("doc_count").GetInt64();
            indices.Add(bucket.GetProperty("key").GetString()!);
        }

        return (count, indices);
    }

    /// <summary>
    /// The latest time up to <paramref name="now"/> that a document has, in milliseconds since 1970; null where none has any. A later one is
    /// somebody's wrong clock, behind which everything else would be missed.
    /// </summary>
    public async Task<long?> LatestAsync(string expression, DateTimeOffset now, CancellationToken ct)
    {
        var filter = new SearchFilter().Between(name, null, now);
        var body = SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteNumber("size", 1);
            w.WriteBoolean("track_total_hits", false);
            w.WriteBoolean("_source", false);
            w.WriteStartArray("sort");
            w.WriteStartObject();
            w.WriteStartObject(name);
            w.WriteString("order", "desc");

            // In milliseconds, even where one index has date and another date_nanos.
            w.WriteString("numeric_type", "date");
            w.WriteString("unmapped_type", "date");
            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndArray();
            w.WriteStartObject("query");
            w.WriteStartObject("bool");
            w.WriteStartArray("filter");
            filter.WriteTo(w);
            w.WriteEndArray();
            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndObject();
        });
        var answer = await client.FetchAsync(
            HttpMethod.Post, $"{IndexExpression.Encode(expression)}/_search?allow_partial_search_results=false{server.Reach()}", body, 4096, Array.MaxLength, ct).ConfigureAwait(false);
        using var page = SearchPage.Open(answer, expression);
        using var document = JsonDocument.Parse(answer.Written);
        var hits = document.RootElement.GetProperty("hits").GetProperty("hits");
        return hits.GetArrayLength() > 0 && hits[0].GetProperty("sort")[0] is { ValueKind: JsonValueKind.Number } latest ? latest.GetInt64() : null;
    }
}
