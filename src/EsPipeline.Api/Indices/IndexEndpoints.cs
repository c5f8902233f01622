using System.Globalization;
using System.Text.Json;
using EsPipeline.Api.Search;

namespace EsPipeline.Api.Indices;

/// <summary><c>GET /indices</c> and <c>GET /indices/{index}/fields</c>: what can be searched.</summary>
internal sealed class IndexEndpoints(SearchCluster cluster, ServedIndices indices, ApiOptions options)
{
    private const int MostIndices = 10_000;

    /// <summary>The indices that are served.</summary>
    public async Task<IndexList> ListAsync(CancellationToken ct)
    {
        using var resolved = await AskAsync(HttpMethod.Get, "_resolve/index/*?expand_wildcards=open", null, ct).ConfigureAwait(false);
        var served = resolved.RootElement.GetProperty("indices").EnumerateArray()
            .Where(i => !i.GetProperty("attributes").EnumerateArray().Any(a => a.ValueEquals("hidden"u8) || a.ValueEquals("system"u8)))
            .Select(i => i.GetProperty("name").GetString()!)
            .Where(n => IndexName.IsServed(n, options.Indices))
            .ToHashSet();
        if (served.Count == 0) return new IndexList([]);
        var counts = await CountAsync(ct).ConfigureAwait(false);
        using var facts = await AskAsync(HttpMethod.Get, "_cat/indices/*?format=json&bytes=b&h=index,store.size,health&expand_wildcards=open", null, ct).ConfigureAwait(false);
        return new IndexList(
        [
            .. facts.RootElement.EnumerateArray()
                .Select(f => (Name: f.GetProperty("index").GetString()!, Size: f.GetProperty("store.size").GetString(), Health: f.GetProperty("health").GetString()!))
                .Where(f => served.Contains(f.Name))
                .OrderBy(f => f.Name, StringComparer.Ordinal)
                .Select(f => new IndexSummary(f.Name, counts.GetValueOrDefault(f.Name), long.TryParse(f.Size, CultureInfo.InvariantCulture, out var size) ? size : 0, f.Health)),
        ]);
    }

    /// <summary>The fields of an index that exist for callers.</summary>
    public async Task<FieldList> FieldsAsync(string name, CancellationToken ct)
    {
        var index = await indices.FindAsync(name, ct).ConfigureAwait(false);
        return new FieldList(name, [.. index.Fields.All.Select(f => new FieldSummary(f.Name, f.Type, f.Nested, f.Exact))]);
    }

    // The servers' own numbers of documents count what is nested in them too; a search counts documents.
    private async Task<Dictionary<string, long>> CountAsync(CancellationToken ct)
    {
        var body = SearchQuery.Write(w =>
        {
            w.WriteNumber("size", 0);
            w.WriteBoolean("track_total_hits", false);
            w.WriteStartObject("aggs");
            w.WriteStartObject("indices");
            w.WriteStartObject("terms");
            w.WriteString("field", "_index");
            w.WriteNumber("size", MostIndices);
            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndObject();
        });
        using var answer = await AskAsync(HttpMethod.Post, "*/_search?expand_wildcards=open&allow_partial_search_results=false", body, ct).ConfigureAwait(false);
        return answer.RootElement.TryGetProperty("aggregations", out var found)
            ? found.GetProperty("indices").GetProperty("buckets").EnumerateArray().ToDictionary(b => b.GetProperty("key").GetString()!, b => b.GetProperty("doc_count").GetInt64())
            : [];
    }

    private async Task<JsonDocument> AskAsync(HttpMethod method, string path, byte[]? body, CancellationToken ct)
    {
        using var answer = await cluster.AskAsync(method, path, body, ct).ConfigureAwait(false);

        // The document goes on reading the bytes that it is given; the answer's are given back here.
        return JsonDocument.Parse(answer.Json.ToArray());
    }
}

/// <summary>The indices that are served.</summary>
/// <param name="Indices">Each of them, sorted by name.</param>
public sealed record IndexList(IReadOnlyList<IndexSummary> Indices);

/// <summary>One index.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Documents">How many documents can be found in it.</param>
/// <param name="SizeBytes">What it takes on disk, copies included.</param>
/// <param name="Health">green, yellow or red, as the search server says.</param>
public sealed record IndexSummary(string Name, long Documents, long SizeBytes, string Health);

/// <summary>The fields of an index.</summary>
/// <param name="Index">The index.</param>
/// <param name="Fields">Each of them, sorted by name.</param>
public sealed record FieldList(string Index, IReadOnlyList<FieldSummary> Fields);

/// <summary>One field.</summary>
/// <param name="Name">Its path, with dots.</param>
/// <param name="Type">Its type, as the search server calls it.</param>
/// <param name="Nested">The nested object that it is in; absent where there is none.</param>
/// <param name="ExactThrough">For text: the sub-field by which it is matched and sorted; absent where there is none.</param>
public sealed record FieldSummary(string Name, string Type, string? Nested, string? ExactThrough);
