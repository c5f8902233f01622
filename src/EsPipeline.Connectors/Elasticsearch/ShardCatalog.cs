using System.Text.Json;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Finds out which shards there are and how far each is.</summary>
/// <param name="client">The cluster.</param>
/// <param name="server">What it is.</param>
/// <param name="expression">The indices.</param>
internal sealed class ShardCatalog(ElasticsearchClient client, ServerInfo server, string expression)
{
    private const int MostShards = 1024;

    // Enough of the answer for 1,000 shards to stay small.
    private const string Wanted = "_shards,indices.*.uuid,indices.*.shards.*.routing,indices.*.shards.*.commit.user_data.history_uuid,"
        + "indices.*.shards.*.seq_no,indices.*.shards.*.docs.count,indices.*.shards.*.store.size_in_bytes";

    // Finds documents without a sequence number, and counts them by index.
    private static readonly byte[] UnnumberedQuery = SearchBody.Of(
        """{"size":0,"track_total_hits":false,"query":{"bool":{"must_not":[{"range":{"_seq_no":{"gte":0}}}]}},"aggs":{"indices":{"terms":{"field":"_index","size":10000}}}}""");

    private static readonly byte[] EveryQuery = SearchBody.Of("""{"size":0,"track_total_hits":false}""");

    private string Path => IndexExpression.Encode(expression);

    /// <summary>Asks for everything. Where the user may not see statistics (privilege <c>monitor</c>), searches find out what they can.</summary>
    /// <exception cref="PipelineException">A shard is not available, an index is not there, or the user may not read it.</exception>
    public async Task<DataFacts> ReadAsync(CancellationToken ct)
    {
        var catalog = await IndexCatalog.ResolveAsync(client, expression, ct).ConfigureAwait(false);
        var statistics = await StatisticsAsync(catalog, ct).ConfigureAwait(false);
        var (total, unnumbered) = await SearchableAsync(catalog, ct).ConfigureAwait(false);
        var shards = statistics ?? await SearchShardsAsync(catalog, unnumbered, ct).ConfigureAwait(false);
        if (shards.Count < total)
        {
            throw ElasticsearchErrors.Unavailable.Error($"Only {shards.Count} of the {total} shards of '{expression}' say how far they are.");
        }

        if (shards.Count > total) shards = await ReachableAsync(shards, unnumbered, ct).ConfigureAwait(false);
        var numberless = shards.Select(s => s.Index).Where(i => unnumbered.Contains(i.Name)).Distinct().ToArray();
        return new DataFacts([.. shards.Where(s => !unnumbered.Contains(s.Index.Name))], statistics is not null, numberless);
    }

    // How many shards a search reaches: statistics leave out those that are not there, without a word. One index whose numbers can't be asked for
    // fails the question for all of them.
    private async Task<(int Shards, HashSet<string> Unnumbered)> SearchableAsync(IndexCatalog catalog, CancellationToken ct)
    {
        try
        {
            return await UnnumberedAsync(Path, UnnumberedQuery, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (KeepsNoNumbers(e))
        {
            var (total, _) = await UnnumberedAsync(Path, EveryQuery, ct).ConfigureAwait(false);
            var unnumbered = new HashSet<string>();
            foreach (var index in catalog.Names.Select(n => catalog.AddressOf(n, ElasticsearchPosition.Unknown)))
            {
                if (await IsUnnumberedAsync(index, ct).ConfigureAwait(false)) unnumbered.Add(index.Name);
            }

            return (total, unnumbered);
        }
    }

    private async Task<(int Shards, HashSet<string> Unnumbered)> UnnumberedAsync(string path, byte[] query, CancellationToken ct)
    {
        using var answer = await client.FetchAsync(
            HttpMethod.Post, $"{path}/_search?allow_partial_search_results=false{server.Reach()}", query, 4096, Array.MaxLength, ct).ConfigureAwait(false);
        using var page = SearchPage.Open(answer, expression);
        using var document = JsonDocument.Parse(answer.Written);
        return !document.RootElement.TryGetProperty("aggregations", out var found)
            ? (page.Shards, [])
            : (page.Shards, [.. found.GetProperty("indices").GetProperty("buckets").EnumerateArray().Select(b => b.GetProperty("key").GetString()!)]);
    }

    // By its own name. Where the user may search it through an alias only, the alias's other indices answer for it, too: then all of them are read in slices.
    private async Task<bool> IsUnnumberedAsync(ConcreteIndex index, CancellationToken ct)
    {
        foreach (var path in (string[])[IndexExpression.Encode(index.Name), index.Address])
        {
            try
            {
                return (await UnnumberedAsync(path, UnnumberedQuery, ct).ConfigureAwait(false)).Unnumbered.Contains(index.Name);
            }
            catch (PipelineException e) when (KeepsNoNumbers(e))
            {
                return true;
            }
            catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden && path != index.Address)
            {
                // Through the alias, then.
            }
        }

        return false;
    }

    // Elasticsearch from 9.4 on, with index.disable_sequence_numbers: "_seq_no cannot be queried when …", or sorted by.
    private static bool KeepsNoNumbers(PipelineException e) => e.Error == ElasticsearchErrors.Refused && e.Message.Contains("_seq_no cannot be", StringComparison.Ordinal);

    private async Task<List<ShardFacts>?> StatisticsAsync(IndexCatalog catalog, CancellationToken ct)
    {
        JsonElement answer;
        try
        {
            answer = await client.SendAsync(HttpMethod.Get, $"{Path}/_stats/docs,store?level=shards&filter_path={Wanted}", default, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden)
        {
            return null;
        }

        if (answer.GetProperty("_shards").GetProperty("failed").GetInt32() is > 0 and var failed)
        {
            throw ElasticsearchErrors.PartialAnswer.Error($"{failed} shards of '{expression}' did not answer when asked how far they are.");
        }

        var shards = new List<ShardFacts>();
        if (!answer.TryGetProperty("indices", out var indices)) return shards;
        var measured = indices.EnumerateObject().Select(i => i.Name).ToHashSet(StringComparer.Ordinal);
        foreach (var index in indices.EnumerateObject().OrderBy(i => i.Name, StringComparer.Ordinal))
        {
            if (!index.Value.TryGetProperty("shards", out var numbered)) continue;
            var concrete = catalog.AddressOf(index.Name, index.Value.GetProperty("uuid").GetString()!, measured);
            shards.AddRange(numbered.EnumerateObject().Select(s => FactsOf(concrete, int.Parse(s.Name), s.Value)).OfType<ShardFacts>());
        }

        return shards;
    }

    // The primary's word counts: it decides what is final.
    private static ShardFacts? FactsOf(ConcreteIndex index, int shard, JsonElement copies)
    {
        foreach (var copy in copies.EnumerateArray())
        {
            if (!copy.GetProperty("routing").GetProperty("primary").GetBoolean()) continue;
            if (!copy.TryGetProperty("seq_no", out var numbers) || !copy.TryGetProperty("commit", out var commit)) return null;
            var checkpoint = numbers.GetProperty("global_checkpoint").GetInt64();
            var history = commit.GetProperty("user_data").GetProperty("history_uuid").GetString()!;
            if (checkpoint < -1) return null;
            var (documents, bytes) = (copy.GetProperty("docs").GetProperty("count").GetInt64(), copy.GetProperty("store").GetProperty("size_in_bytes").GetInt64());

            // Stored documents are compressed to about a third, and each hit has a frame of 100 bytes around it.
            return new ShardFacts(index, shard, history, checkpoint, documents == 0 ? 0 : (bytes * 3 / documents) + 100);
        }

        return null;
    }

    // An alias may have a routing, with which it searches some shards only; no view can be opened of the others.
    private async Task<List<ShardFacts>> ReachableAsync(List<ShardFacts> shards, HashSet<string> unnumbered, CancellationToken ct)
    {
        var reachable = new List<ShardFacts>();
        foreach (var shard in shards)
        {
            if (!shard.Index.IsShared || unnumbered.Contains(shard.Index.Name)
                || (await GreatestAsync(shard.Index, shard.Shard, ct).ConfigureAwait(false)).Shards > 0) reachable.Add(shard);
        }

        return reachable;
    }

    // Without statistics: asks shard after shard for its greatest number until as many have answered as an ordinary search reaches.
    private async Task<List<ShardFacts>> SearchShardsAsync(IndexCatalog catalog, HashSet<string> unnumbered, CancellationToken ct)
    {
        var shards = new List<ShardFacts>();
        foreach (var index in catalog.Names.Select(n => catalog.AddressOf(n, ElasticsearchPosition.Unknown)))
        {
            if (unnumbered.Contains(index.Name))
            {
                // It has no greatest number, and is read in slices whatever its shards are.
                var (count, _) = await UnnumberedAsync(index.Address, EveryQuery, ct).ConfigureAwait(false);
                shards.AddRange(Enumerable.Range(0, count).Select(n => new ShardFacts(index, n, ElasticsearchPosition.Unknown, -1, 0)));
                continue;
            }

            var (all, _) = await GreatestAsync(index, null, ct).ConfigureAwait(false);
            for (int shard = 0, found = 0; found < all && shard < MostShards; shard++)
            {
                var (answered, greatest) = await GreatestAsync(index, shard, ct).ConfigureAwait(false);
                found += answered;
                if (answered > 0) shards.Add(new ShardFacts(index, shard, ElasticsearchPosition.Unknown, greatest, 0));
            }
        }

        return shards;
    }

    private async Task<(int Shards, long Greatest)> GreatestAsync(ConcreteIndex index, int? shard, CancellationToken ct)
    {
        var filter = new SearchFilter().In(index);
        var body = SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteNumber("size", shard is null ? 0 : 1);
            w.WriteBoolean("track_total_hits", false);
            w.WriteBoolean("_source", false);
            w.WritePropertyName("sort");
            w.WriteRawValue("""[{"_seq_no":{"order":"desc","unmapped_type":"long"}}]""");
            w.WriteStartObject("query");
            w.WriteStartObject("bool");
            w.WriteStartArray("filter");
            filter.WriteTo(w);
            w.WriteEndArray();
            w.WriteEndObject();
            w.WriteEndObject();
            w.WriteEndObject();
        });
        using var answer = await client.FetchAsync(
            HttpMethod.Post, $"{index.Address}/_search?allow_partial_search_results=false{server.Reach(shard)}", body, 4096, Array.MaxLength, ct).ConfigureAwait(false);
        using var page = SearchPage.Open(answer, index.Name);
        using var document = JsonDocument.Parse(answer.Written);
        var hits = document.RootElement.GetProperty("hits").GetProperty("hits");
        return (page.Shards, hits.GetArrayLength() > 0 ? hits[0].GetProperty("sort")[0].GetInt64() : -1);
    }
}
