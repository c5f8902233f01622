using System.Text;
using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Checks what a person gave as <c>--query</c> before any of it is sent: one query, in query DSL, alone or as <c>{"query":{…}}</c>. What
/// would change how espipe reads, or run code in the server, is refused by name (invariant 6).
/// </summary>
internal static class QueryText
{
    private const int MostBytes = 1 << 20;
    private const int MostDepth = 64;

    // Members of a search that decide how it is read. They are not part of a query, and espipe sets its own.
    private static readonly HashSet<string> SearchMembers =
    [
        "size", "from", "sort", "pit", "search_after", "slice", "scroll", "_source", "fields", "stored_fields", "docvalue_fields", "script_fields",
        "aggs", "aggregations", "runtime_mappings", "post_filter", "highlight", "suggest", "rescore", "collapse", "min_score", "track_scores",
        "track_total_hits", "timeout", "terminate_after", "profile", "explain", "version", "seq_no_primary_term", "indices_boost", "knn", "rank",
        "retriever", "stats", "ext", "preference", "search_type", "allow_partial_search_results", "sub_searches", "inner_hits",
    ];

    // Members that run code, define fields, or hide a query from this check.
    private static readonly HashSet<string> Refused = ["script", "script_score", "minimum_should_match_script", "runtime_mappings", "script_fields", "wrapper"];

    // Below these a member's name is that of a field, which may be called anything.
    private static readonly HashSet<string> NamesFields =
    [
        "term", "terms", "terms_set", "range", "match", "match_phrase", "match_phrase_prefix", "match_bool_prefix", "prefix", "wildcard", "regexp",
        "fuzzy", "intervals", "span_term", "geo_distance", "geo_bounding_box", "geo_polygon", "geo_shape", "geo_grid", "shape", "rank_feature",
    ];

    /// <summary>The query alone, as JSON; null where none was given.</summary>
    /// <exception cref="PipelineException"><see cref="ElasticsearchErrors.BadQuery"/>.</exception>
    public static byte[]? Check(string? text)
    {
        if (text is null) return null;
        if (text.Length > MostBytes || Encoding.UTF8.GetByteCount(text) > MostBytes) throw Wrong($"The query is longer than {MostBytes >> 20} MiB.");
        try
        {
            using var document = JsonDocument.Parse(text, new JsonDocumentOptions { MaxDepth = MostDepth, AllowDuplicateProperties = false });
            var query = QueryIn(document.RootElement);
            Inspect(query, parent: "");
            return Encoding.UTF8.GetBytes(query.GetRawText());
        }
        catch (JsonException e)
        {
            throw ElasticsearchErrors.BadQuery.Error($"The query is not JSON that can be used: {e.Message}", inner: e);
        }
    }

    private static JsonElement QueryIn(JsonElement root)
    {
        if (root.ValueKind != JsonValueKind.Object) throw Wrong("The query is not a JSON object.");
        string[] names = [.. root.EnumerateObject().Select(m => m.Name)];
        if (names.FirstOrDefault(SearchMembers.Contains) is { } member && (names.Length > 1 || member != "knn"))
        {
            throw Wrong($"The query sets '{member}', which espipe sets itself.");
        }

        var query = names.Contains("query") ? root.GetProperty("query") : root;
        if (names.Contains("query") && names.Length > 1) throw Wrong($"The query has '{names.First(n => n != "query")}' beside 'query'.");
        if (query.ValueKind != JsonValueKind.Object) throw Wrong("'query' is not a JSON object.");
        return query.EnumerateObject().Count() switch
        {
            0 => throw Wrong("The query is empty; without --query everything is read."),
            1 => query,
            _ => throw Wrong($"The query holds several queries ({string.Join(", ", query.EnumerateObject().Select(m => m.Name).Take(5))}); put them into one 'bool'."),
        };
    }

    private static void Inspect(JsonElement element, string parent)
    {
        if (element.ValueKind == JsonValueKind.Array)
        {
            foreach (var item in element.EnumerateArray()) Inspect(item, "");
        }

        if (element.ValueKind != JsonValueKind.Object) return;
        foreach (var member in element.EnumerateObject())
        {
            if (Refused.Contains(member.Name) && !NamesFields.Contains(parent))
            {
                throw Wrong($"The query holds '{member.Name}', which is not allowed: {(member.Name == "wrapper" ? "it hides another query" : "it runs code in the server")}.");
            }

            Inspect(member.Value, member.Name);
        }
    }

    private static PipelineException Wrong(string sentence) => ElasticsearchErrors.BadQuery.Error(sentence);
}
