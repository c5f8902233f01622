using EsPipeline.Connectors.Elasticsearch;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Indices whose sequence numbers can't be asked for (<c>index.disable_sequence_numbers</c> of Elasticsearch 9.4), among others.</summary>
public sealed class UnnumberedIndexTests(SharedServers servers)
{
    private const string Refused = """
        {"error":{"root_cause":[{"type":"query_shard_exception","reason":"failed to create query: _seq_no cannot be queried when [index.disable_sequence_numbers] is [true]"}],"type":"search_phase_execution_exception","reason":"all shards failed"},"status":400}
        """;

    private const string Forbidden = """
        {"error":{"root_cause":[{"type":"security_exception","reason":"action [indices:monitor/stats] is unauthorized for user [u], this action is granted by the index privileges [monitor,manage,all]"}]},"status":403}
        """;

    [Theory]
    [InlineData(true, false)]
    [InlineData(false, false)]
    [InlineData(true, true)]
    public async Task Such_an_index_is_read_in_slices_and_the_others_as_ever(bool monitor, bool alias)
    {
        var server = await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct);
        var name = $"seq-{Guid.NewGuid():n}";
        await using var numbered = await TestIndex.CreateAsync(server, 2, name: name + "-1");
        await using var without = await TestIndex.CreateAsync(server, 3, name: name + "-2");
        await numbered.PutAsync(0, 50);
        await without.PutAsync(1000, 70);
        var expression = alias ? $"{name}-all" : $"{name}-*";
        if (alias)
        {
            await Api.SendAsync(server, HttpMethod.Post, "_aliases", $$$"""{"actions":[{"add":{"indices":["{{{numbered.Name}}}","{{{without.Name}}}"],"alias":"{{{expression}}}"}}]}""");
        }

        await using var proxy = new AnswerProxy(server)
        {
            Instead = (_, path, body) =>
                body.Contains("_seq_no", StringComparison.Ordinal) && !body.Contains("\"pit\"", StringComparison.Ordinal) && !(path + body).Contains(numbered.Name, StringComparison.Ordinal) ? ProxiedAnswer.Json(400, Refused)
                : !monitor && path.Contains("_stats", StringComparison.Ordinal) ? ProxiedAnswer.Json(403, Forbidden)
                : null,
        };
        var log = new ListLog<ElasticsearchSource>();
        await using var source = Sources.Open(numbered.Options with { Url = proxy.Address, Index = expression }, 20, log: log);
        var (last, held, _) = await source.WholeSnapshotAsync(2);
        Assert.Equal(Enumerable.Range(0, 50).Concat(Enumerable.Range(1000, 70)).Select(TestIndex.IdOf), held.Keys.Order(StringComparer.Ordinal));
        Assert.All(last.Partitions, p => Assert.Equal(p.Id.Value.StartsWith(numbered.Name, StringComparison.Ordinal), p.Id.Value.Contains('#', StringComparison.Ordinal)));
        Assert.Single(log.Lines, l => l.Contains($"{without.Name} has documents without sequence numbers", StringComparison.Ordinal));

        await numbered.PutAsync(40, 20);
        await without.PutAsync(1060, 20);

        // By time, which is what is left without the privilege, documents of long before the last ones are not seen.
        var keys = (await source.ChangesAsync(last.Saved)).Records.Select(r => r.Key).ToHashSet();
        Assert.Superset(Enumerable.Range(1060, 20).Concat(Enumerable.Range(40, monitor ? 20 : 0)).Select(TestIndex.IdOf).ToHashSet(), keys);
    }
}
