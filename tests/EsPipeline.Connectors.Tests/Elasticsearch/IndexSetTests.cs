using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Aliases, patterns and lists that mean several indices, or others than before.</summary>
public sealed class IndexSetTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_pattern_gains_and_loses_indices_and_nothing_is_lost_or_doubled(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        var name = $"logs-{Guid.NewGuid():n}";
        await using var first = await TestIndex.CreateAsync(server, 2, name: name + "-1");
        await first.PutAsync(0, 100);
        var log = new ListLog<ElasticsearchSource>();
        await using var source = Sources.Open(first.Options with { Index = name + "-*", Key = KeyForm.IndexId }, log: log);
        var pass = await source.SnapshotAsync(2);
        Assert.Equal(100, pass.Unique().Records.Count());

        await using var second = await TestIndex.CreateAsync(server, 1, name: name + "-2");
        await second.PutAsync(0, 150);
        await first.PutAsync(100, 10);
        pass = await source.ChangesAsync(pass.Saved);
        Assert.Equal(160, pass.Unique().Records.Count());
        Assert.Equal(3, pass.Partitions.Count);
        Assert.Contains(log.Lines, l => l.Contains($"{second.Name} is read from now on", StringComparison.Ordinal));

        await first.DisposeAsync();
        await second.PutAsync(500, 5);
        pass = await source.ChangesAsync(pass.Saved);
        Assert.Equal(5, pass.Unique().Records.Count());
        Assert.Single(pass.Partitions);
        Assert.Contains(log.Lines, l => l.Contains($"{first.Name} is no longer read", StringComparison.Ordinal));

        // All of them gone is nothing wrong either, nor one that comes back.
        await second.DisposeAsync();
        pass = await source.ChangesAsync(pass.Saved);
        Assert.Empty(pass.Partitions);
        await using var third = await TestIndex.CreateAsync(server, 1, name: name + "-2");
        await third.PutAsync(0, 3);
        Assert.Equal(3, (await source.ChangesAsync(pass.Saved)).Records.Count());
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task An_alias_that_is_moved_to_another_index_is_read_there_from_its_start(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        await using var old = await TestIndex.CreateAsync(server);
        await using var renewed = await TestIndex.CreateAsync(server, 2);
        var alias = $"alias-{Guid.NewGuid():n}";
        await old.PutAsync(0, 50);
        await renewed.PutAsync(0, 80, ",\"renewed\":true");
        await AliasAsync(server, ("add", old.Name, alias, null));
        await using var source = Sources.Open(old.Options with { Index = alias });
        var snapshot = await source.SnapshotAsync();
        Assert.Equal(50, snapshot.Records.Count());
        await AliasAsync(server, ("remove", old.Name, alias, null), ("add", renewed.Name, alias, null));
        var changes = await source.ChangesAsync(snapshot.Saved);
        Assert.Equal(80, changes.Unique().Records.Count());
        Assert.Empty((await source.ChangesAsync(changes.Saved)).Records);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task The_filter_of_an_alias_applies_to_snapshots_and_changes(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        await using var one = await TestIndex.CreateAsync(server, 2);
        await using var two = await TestIndex.CreateAsync(server, 3);
        var alias = $"alias-{Guid.NewGuid():n}";
        await one.PutAsync(0, 100);
        await two.PutAsync(100, 100);
        await AliasAsync(server, ("add", one.Name, alias, """{"range":{"n":{"lt":50}}}"""), ("add", two.Name, alias, """{"range":{"n":{"gte":180}}}"""));
        await using var source = Sources.Open(one.Options with { Index = alias }, pageSize: 10);
        var snapshot = await source.SnapshotAsync(2);
        Assert.Equal(
            Enumerable.Range(0, 50).Concat(Enumerable.Range(180, 20)).Select(TestIndex.IdOf), snapshot.Unique().Records.Select(r => r.Key).Order());
        Assert.Equal(5, snapshot.Partitions.Select(p => p.Id.Value.Split('/')[0]).Distinct().Count());
        await one.PutAsync(45, 10, ",\"v\":2");
        Assert.Equal(Enumerable.Range(45, 5).Select(TestIndex.IdOf), (await source.ChangesAsync(snapshot.Saved)).Records.Select(r => r.Key).Order());
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task An_alias_that_searches_some_shards_only_is_read_there_only(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        await using var index = await TestIndex.CreateAsync(server, 5);
        var alias = $"alias-{Guid.NewGuid():n}";
        await index.PutAsync(0, 100);
        await Api.SendAsync(server, HttpMethod.Post, "_aliases", $$$"""{"actions":[{"add":{"index":"{{{index.Name}}}","alias":"{{{alias}}}","search_routing":"x"}}]}""");
        var direct = await Api.SendAsync(server, HttpMethod.Get, $"{alias}/_count");
        await using var source = Sources.Open(index.Options with { Index = alias });
        var snapshot = await source.SnapshotAsync(2);
        Assert.Equal(direct.GetProperty("count").GetInt32(), snapshot.Unique().Records.Count());
        Assert.InRange(snapshot.Records.Count(), 1, 99);
        await index.PutAsync(100, 100);
        direct = await Api.SendAsync(server, HttpMethod.Get, $"{alias}/_count");
        Assert.Equal(direct.GetProperty("count").GetInt32(), (await source.ChangesAsync(snapshot.Saved)).Apply(snapshot.Apply()).Count);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task The_same_id_in_two_indices_is_warned_of_and_kept_apart_on_request(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        await using var one = await TestIndex.CreateAsync(server);
        await using var two = await TestIndex.CreateAsync(server);
        await one.PutAsync([("same", """{"of":1}""")]);
        await two.PutAsync([("same", """{"of":2}""")]);
        var options = one.Options with { Index = $"{one.Name},{two.Name}" };
        await using (var source = Sources.Open(options))
        {
            Assert.Contains((await Health.OfAsync(source)).Warnings, w => w.Contains("--es-key index-id", StringComparison.Ordinal));
            var pass = await source.SnapshotAsync();
            Assert.All(pass.Partitions, p => Assert.False(p.UniqueKeys));
            Assert.Equal(["same", "same"], pass.Records.Select(r => r.Key));
        }

        await using var apart = Sources.Open(options with { Key = KeyForm.IndexId });
        Assert.Empty((await Health.OfAsync(apart)).Warnings);
        var both = await apart.SnapshotAsync();
        Assert.All(both.Partitions, p => Assert.True(p.UniqueKeys));
        Assert.Equal(new[] { $"{one.Name}/same", $"{two.Name}/same" }.Order(), both.Records.Select(r => r.Key).Order());
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Closed_indices_are_said_aloud(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        var name = $"closed-{Guid.NewGuid():n}";
        await using var open = await TestIndex.CreateAsync(server, name: name + "-1");
        await using var closed = await TestIndex.CreateAsync(server, name: name + "-2");
        await open.PutAsync(0, 10);
        await closed.SendAsync(HttpMethod.Post, "/_close");
        await using (var source = Sources.Open(open.Options with { Index = name + "-*" }))
        {
            Assert.Contains((await Health.OfAsync(source)).Warnings, w => w.Contains(closed.Name, StringComparison.Ordinal));
            Assert.Equal(10, (await source.SnapshotAsync()).Records.Count());
        }

        await using var alone = closed.Open();
        Assert.Equal("elasticsearch.index_closed", (await Health.OfAsync(alone)).Problem?.Code);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_name_that_is_not_there_is_an_error_and_a_pattern_that_matches_nothing_is_not(ServerKind kind)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        await using var index = await TestIndex.CreateAsync(server);
        var missing = $"missing-{Guid.NewGuid():n}";
        foreach (var expression in new[] { missing, $"{index.Name},{missing}" })
        {
            await using var source = Sources.Open(index.Options with { Index = expression });
            var problem = (await Health.OfAsync(source)).Problem;
            Assert.Equal(("elasticsearch.index_not_found", FailureKind.Environment), (problem?.Code, problem?.Kind));
            Assert.Contains(missing, problem!.Message, StringComparison.Ordinal);
            Assert.Equal("elasticsearch.index_not_found", (await Assert.ThrowsAsync<PipelineException>(() => source.SnapshotAsync())).Code);
        }

        await using var none = Sources.Open(index.Options with { Index = missing + "*" });
        var health = await Health.OfAsync(none);
        Assert.Null(health.Problem);
        Assert.Contains(health.Warnings, w => w.Contains("nothing matches", StringComparison.Ordinal));
        Assert.Empty((await none.SnapshotAsync()).Partitions);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch, true)]
    [InlineData(ServerKind.Elasticsearch, false)]
    [InlineData(ServerKind.OpenSearch, true)]
    [InlineData(ServerKind.OpenSearch, false)]
    public async Task An_index_of_a_pattern_that_is_deleted_while_it_is_read_only_ends_there(ServerKind kind, bool snapshot)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        var name = $"gone-{Guid.NewGuid():n}";
        await using var stays = await TestIndex.CreateAsync(server, name: name + "-2");
        await using var goes = await TestIndex.CreateAsync(server, name: name + "-1");
        await goes.PutAsync(0, 100);
        await stays.PutAsync(1000, 100);
        await using var source = Sources.Open(goes.Options with { Index = name + "-*" }, 10);
        var saved = snapshot ? null : (await source.SnapshotAsync(selection: new Selection("""{"range":{"n":{"lt":0}}}"""))).Saved;
        if (!snapshot)
        {
            await goes.PutAsync(0, 100);
            await stays.PutAsync(1000, 100);
        }

        Func<int, Task> deleting = async batch =>
        {
            if (batch == 2) await goes.DisposeAsync();
        };
        var pass = snapshot ? await source.SnapshotAsync(onBatch: deleting) : await source.ChangesAsync(saved!, onBatch: deleting);
        Assert.Equal(100, pass.Records.Count(r => string.CompareOrdinal(r.Key, TestIndex.IdOf(1000)) >= 0));
        Assert.Equal(100, (await source.WholeSnapshotAsync()).Held.Count);
    }

    // As ILM does that shrinks an index, or mounts it from a snapshot: under another name, and the first is deleted.
    [Theory]
    [InlineData(ServerKind.Elasticsearch, KeyForm.Id, 1)]
    [InlineData(ServerKind.Elasticsearch, KeyForm.IndexId, 3)]
    [InlineData(ServerKind.OpenSearch, KeyForm.Id, 3)]
    public async Task An_index_of_a_pattern_that_is_replaced_by_another_while_it_waits_to_be_read_is_read_there(ServerKind kind, KeyForm key, int readers)
    {
        var server = await servers.OfAsync(kind, Sources.Ct);
        var name = $"v-{Guid.NewGuid():n}";
        await using var first = await TestIndex.CreateAsync(server, name: name + "-1");
        await using var second = await TestIndex.CreateAsync(server, name: name + "-2");
        await first.PutAsync(0, 100);
        await second.PutAsync(1000, 100);
        var log = new ListLog<ElasticsearchSource>();
        await using var source = Sources.Open(first.Options with { Index = name + "-*", Key = key }, 10, log: log);
        try
        {
            var (last, held, _) = await source.WholeSnapshotAsync(readers, onBatch: async batch =>
            {
                if (batch != 2) return;
                await second.SendAsync(HttpMethod.Put, "/_settings", """{"index.blocks.write":true}""");
                await second.SendAsync(HttpMethod.Put, $"/_clone/{name}-3");
                await Api.SendAsync(server, HttpMethod.Get, $"_cluster/health/{name}-3?wait_for_status=yellow&timeout=60s");
                await second.DisposeAsync();
            });
            var expected = Enumerable.Range(0, 100).Concat(Enumerable.Range(1000, 100))
                .Select(i => key == KeyForm.Id ? TestIndex.IdOf(i) : $"{name}-{(i < 1000 ? 1 : 3)}/{TestIndex.IdOf(i)}");
            Assert.Equal(expected.Order(StringComparer.Ordinal), held.Keys.Order(StringComparer.Ordinal));
            Assert.Empty((await source.ChangesAsync(last.Saved)).Records);
            Assert.Single(log.Lines, l => l.Contains($"{second.Name} is no longer read", StringComparison.Ordinal));
            Assert.Equal(key == KeyForm.Id ? 0 : 1, log.Lines.Count(l => l.Contains($"begin with '{second.Name}/'", StringComparison.Ordinal) && l.Contains("verify --prune", StringComparison.Ordinal)));
        }
        finally
        {
            await Api.SendAsync(server, HttpMethod.Delete, $"{name}-3?ignore_unavailable=true");
        }
    }

    [Fact]
    public async Task An_index_that_is_blocked_for_reading_is_told_as_such()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 10);
        await index.SendAsync(HttpMethod.Put, "/_settings", """{"index.blocks.read":true}""");
        await using var source = index.Open();
        var error = await Assert.ThrowsAsync<PipelineException>(() => source.SnapshotAsync());
        Assert.Equal(("elasticsearch.read_blocked", FailureKind.Environment), (error.Code, error.Kind));
        Assert.Contains(index.Name, error.Message, StringComparison.Ordinal);
        Assert.Contains("index.blocks.read", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_index_that_was_named_and_is_deleted_while_it_is_read_is_an_error()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 100);
        await using var source = index.Open(pageSize: 10);
        var error = await Assert.ThrowsAsync<PipelineException>(() => source.SnapshotAsync(onBatch: async batch =>
        {
            if (batch == 2) await index.DisposeAsync();
        }));
        Assert.Equal(("elasticsearch.index_not_found", FailureKind.Environment), (error.Code, error.Kind));
    }

    private static async Task AliasAsync(ElasticsearchServer server, params (string Action, string Index, string Alias, string? Filter)[] actions) =>
        await Api.SendAsync(server, HttpMethod.Post, "_aliases", $$"""
            {"actions":[{{string.Join(',', actions.Select(a => $$$"""{"{{{a.Action}}}":{"index":"{{{a.Index}}}","alias":"{{{a.Alias}}}"{{{(a.Filter is null ? "" : $",\"filter\":{a.Filter}")}}}}}"""))}}]}
            """);
}
