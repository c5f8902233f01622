using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using EsPipeline.Api.Search;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;

namespace EsPipeline.Api.Indices;

/// <summary><c>GET /indices</c> and <c>GET /indices/{index}/fields</c>: what can be searched.</summary>
internal sealed class IndexEndpoints(SearchCluster cluster, ServedIndices indices, ApiOptions options)
{
    // Each is a search of its own, so that one that can't be searched takes no other one's figure away.
    private const int CountedAtOnce = 500;

    private static readonly string[] Healths = ["green", "yellow", "red"];

    /// <summary>The indices, data streams and aliases that are served.</summary>
    public async Task<IndexList> ListAsync(CancellationToken ct)
    {
        using var resolved = await AskAsync(HttpMethod.Get, "_resolve/index/*?expand_wildcards=open", null, ct).ConfigureAwait(false);
        var served = Served(resolved.RootElement, "indices").ToDictionary(i => NameOf(i), i => (string[])[NameOf(i)]);
        foreach (var stream in Served(resolved.RootElement, "data_streams"))
        {
            served[NameOf(stream)] = Texts(stream.GetProperty("backing_indices"));
        }

        // An alias shows no more than is listed by itself: nothing hidden, closed or the server's own.
        var open = Items(resolved.RootElement, "indices").Concat(Items(resolved.RootElement, "data_streams")).Where(i => !IsHidden(i)).Select(NameOf).ToHashSet();
        foreach (var alias in Served(resolved.RootElement, "aliases"))
        {
            var behind = Texts(alias.GetProperty("indices"));
            if (behind.All(b => open.Contains(b) && b[0] != '.')) served[NameOf(alias)] = [.. behind.SelectMany(b => served.GetValueOrDefault(b) ?? [b])];
        }

        if (served.Count == 0) return new IndexList([]);
        string[] names = [.. served.Keys.Order(StringComparer.Ordinal)];
        var counts = new List<long?>();
        foreach (var chunk in names.Chunk(CountedAtOnce))
        {
            try
            {
                counts.AddRange(await CountAsync(chunk, ct).ConfigureAwait(false));
            }
            catch (PipelineException)
            {
                // Several searches at once may be forbidden where one is not: then they are not counted. A server that is down, the next question meets.
                counts.AddRange(new long?[chunk.Length]);
            }
        }

        var known = await FactsAsync(ct).ConfigureAwait(false);
        if (known is null) return new IndexList([.. names.Zip(counts, (name, count) => new IndexSummary(name, count, null, null))]);

        // One without facts has been deleted in between.
        return new IndexList([.. names.Zip(counts, (name, count) => Summary(name, count, [.. served[name].Where(known.ContainsKey).Select(b => known[b])])).OfType<IndexSummary>()]);
    }

    /// <summary>The fields of an index that exist for callers.</summary>
    public async Task<FieldList> FieldsAsync(string name, CancellationToken ct)
    {
        var index = await indices.FindAsync(name, ct).ConfigureAwait(false);
        return new FieldList(name, [.. index.Fields.All.Select(f => new FieldSummary(f.Name, f.Type, f.Nested, f.Exact, f.Longest))]);
    }

    // Size and health of each index; null where the user may not see them, which takes the privilege "monitor".
    private async Task<Dictionary<string, JsonElement>?> FactsAsync(CancellationToken ct)
    {
        try
        {
            using var facts = await AskAsync(HttpMethod.Get, "_cat/indices/*?format=json&bytes=b&h=index,store.size,health&expand_wildcards=open,hidden", null, ct).ConfigureAwait(false);
            return facts.RootElement.EnumerateArray().ToDictionary(f => f.GetProperty("index").GetString()!, f => f.Clone());
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            return null;
        }
    }

    private IEnumerable<JsonElement> Served(JsonElement resolved, string kind) => Items(resolved, kind).Where(i => !IsHidden(i) && IndexName.IsServed(NameOf(i), options.Indices));

    private static JsonElement.ArrayEnumerator Items(JsonElement resolved, string kind) => resolved.TryGetProperty(kind, out var items) ? items.EnumerateArray() : default;

    // The servers write one name by itself, and several as a list.
    private static string[] Texts(JsonElement names) => names.ValueKind == JsonValueKind.Array ? [.. names.EnumerateArray().Select(n => n.GetString()!)] : [names.GetString()!];

    private static bool IsHidden(JsonElement item) =>
        item.TryGetProperty("attributes", out var attributes) && attributes.EnumerateArray().Any(a => a.ValueEquals("hidden"u8) || a.ValueEquals("system"u8));

    private static string NameOf(JsonElement item) => item.GetProperty("name").GetString()!;

    // Of a data stream or an alias, all that is behind it together: the sum of its sizes, and the worst health.
    private static IndexSummary? Summary(string name, long? count, JsonElement[] facts)
    {
        if (facts.Length == 0) return null;
        var sizes = facts.Select(f => long.TryParse(f.GetProperty("store.size").GetString(), CultureInfo.InvariantCulture, out var size) ? size : (long?)null).ToArray();
        return new IndexSummary(name, count, sizes.Contains(null) ? null : sizes.Sum(), facts.Select(f => f.GetProperty("health").GetString()!).MaxBy(h => Array.IndexOf(Healths, h))!);
    }

    // The servers' own numbers of documents count what is nested in them too; a search counts documents. One that was not whole counts none.
    private async Task<IEnumerable<long?>> CountAsync(string[] names, CancellationToken ct)
    {
        var body = new ArrayBufferWriter<byte>();
        foreach (var name in names)
        {
            Add(w => w.WriteString("index", name));
            Add(w =>
            {
                w.WriteNumber("size", 0);
                w.WriteBoolean("track_total_hits", true);
                SearchQuery.WriteTimeout(w, options.Timeout);
            });
        }

        using var answer = await AskAsync(HttpMethod.Post, "_msearch", body.WrittenSpan.ToArray(), ct).ConfigureAwait(false);
        var counts = answer.RootElement.GetProperty("responses").EnumerateArray().Select(CountOf).ToArray();
        return counts.Length == names.Length ? counts : throw ApiErrors.BackendUnavailable.Error("The search server's answer can't be read.");

        void Add(Action<Utf8JsonWriter> members)
        {
            body.Write(SearchQuery.Write(members));
            body.Write("\n"u8);
        }
    }

    private static long? CountOf(JsonElement answer)
    {
        if (!answer.TryGetProperty("_shards", out var shards) || !answer.TryGetProperty("hits", out var hits) || answer.GetProperty("timed_out").GetBoolean()) return null;
        return shards.GetProperty("successful").GetInt32() == shards.GetProperty("total").GetInt32() ? hits.GetProperty("total").GetProperty("value").GetInt64() : null;
    }

    private async Task<JsonDocument> AskAsync(HttpMethod method, string path, byte[]? body, CancellationToken ct)
    {
        using var answer = await cluster.AskAsync(method, path, body, ct).ConfigureAwait(false);

        // The document goes on reading the bytes that it is given; the answer's are given back here.
        return JsonDocument.Parse(answer.Json.ToArray());
    }
}

/// <summary>The indices, data streams and aliases that are served.</summary>
/// <param name="Indices">Each of them, sorted by name.</param>
public sealed record IndexList(IReadOnlyList<IndexSummary> Indices);

/// <summary>One index, data stream or alias.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Documents">How many documents can be found in it; null where a part of it can't be searched, as in one whose health is red.</param>
/// <param name="SizeBytes">What it takes on disk, copies included; null where that is not known.</param>
/// <param name="Health">green, yellow or red, as the search server says; of a data stream or alias the worst of what is behind it; null where espipe may not see it.</param>
public sealed record IndexSummary(
    string Name, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] long? Documents, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] long? SizeBytes, [property: JsonIgnore(Condition = JsonIgnoreCondition.Never)] string? Health);

/// <summary>The fields of an index.</summary>
/// <param name="Index">The index.</param>
/// <param name="Fields">Each of them, sorted by name.</param>
public sealed record FieldList(string Index, IReadOnlyList<FieldSummary> Fields);

/// <summary>One field.</summary>
/// <param name="Name">Its path, with dots.</param>
/// <param name="Type">Its type, as the search server calls it.</param>
/// <param name="Nested">The nested object that it is in; absent where there is none.</param>
/// <param name="ExactThrough">For text: the sub-field by which it is matched and sorted; absent where there is none.</param>
/// <param name="LongestValue">How many characters a whole value may have to be searched and sorted by (<c>ignore_above</c>); absent for any number.</param>
public sealed record FieldSummary(string Name, string Type, string? Nested, string? ExactThrough, int? LongestValue);
