using System.Text.Json;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What a snapshot promises, on both servers.</summary>
public sealed class SnapshotTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch, 1, 1)]
    [InlineData(ServerKind.Elasticsearch, 1, 7)]
    [InlineData(ServerKind.Elasticsearch, 2, 2)]
    [InlineData(ServerKind.Elasticsearch, 7, 2)]
    [InlineData(ServerKind.OpenSearch, 1, 7)]
    [InlineData(ServerKind.OpenSearch, 2, 1)]
    [InlineData(ServerKind.OpenSearch, 7, 7)]
    public async Task The_union_of_all_partitions_is_exactly_the_data(ServerKind kind, int shards, int readers)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), shards);
        await index.PutAsync(0, 1000);
        await using var source = index.Open();
        var pass = (await source.SnapshotAsync(readers)).Unique();
        Assert.True(pass.Partitions.Count >= Math.Max(shards, readers), $"{pass.Partitions.Count} partitions for {readers} readers.");
        Assert.All(pass.Partitions, p => Assert.True(p.UniqueKeys));
        Assert.Equal(Enumerable.Range(0, 1000).ToDictionary(TestIndex.IdOf, i => TestIndex.DocumentOf(i)), pass.Apply());
        Assert.False(source.SnapshotContinues);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Resuming_at_every_boundary_misses_nothing(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), 2);
        await index.PutAsync(0, 300);
        await using var whole = index.Open(pageSize: 20);
        var first = await whole.SnapshotAsync(2);
        var expected = first.Unique().Apply();
        var saved = first.Partitions.ToDictionary(p => p.Id, p => p.Start);
        var before = new List<Got>();
        var boundaries = 0;
        foreach (var batch in first.Batches)
        {
            saved[batch.Partition] = batch.End;
            before.AddRange(batch.Records);
            await using var source = index.Open(pageSize: 20);
            var rest = await source.SnapshotAsync(3, saved);
            Assert.Equal(300, before.Concat(rest.Records).Select(r => r.Key).Distinct().Count());
            Assert.Equal(300, before.Count + rest.Records.Count());
            Assert.Equal(expected, rest.Apply(before.ToDictionary(r => r.Key, r => r.Json)));
            boundaries++;
        }

        Assert.True(boundaries > 20, $"Only {boundaries} boundaries.");
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Documents_come_as_they_were_indexed(ServerKind kind)
    {
        (string Id, string Json)[] documents =
        [
            ("big", """{"a":9007199254740993,"b":-9223372036854775808,"c":1.7976931348623157e308,"d":0.1000}"""),
            ("blanks", """{ "a" : [ 1 , [ 2 , 3 ] ] , "b" : { } }"""),
            ("escapes", """{"v":"\"quoted\" \\ \/ \b\f\n\r\t \u0001 \\\\\" }{][ \ud83d\ude00"}"""),
            ("braces", """{"v":"}}}{{{","w":["]","[","\\"],"x":"\\","y":{"z":"\\\\"}}"""),
            ("empty", "{}"),
            ("null", """{"v":null,"w":""}"""),
            ("long", $$"""{"v":"{{new string('x', 200_000)}}"}"""),
            ("nested", """{"items":[{"a":1},{"a":2}],"hits":{"hits":[{"_id":"no","_source":{}}]},"_id2":"x","sort":[1]}"""),
            ("schlüssel 鍵 😀/..?#%&\"\\\n", """{"n":1}"""),
            ("x\"}}\n{\"delete\":{}}", """{"n":2}"""),
            (new string('ü', 256), """{"n":3}"""),
            (new string('"', 512), """{"n":4}"""),
        ];
        await using var index = await TestIndex.CreateAsync(
            await servers.OfAsync(kind, Sources.Ct), mappings: """{"dynamic":false,"properties":{"items":{"type":"nested"}}}""");
        await index.PutAsync(documents);
        await using var source = index.Open(pageSize: 5);
        Assert.Equal(documents.ToDictionary(d => d.Id, d => d.Json), (await source.SnapshotAsync()).Unique().Apply());
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task An_index_with_few_live_numbers_is_read_in_wide_windows(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        for (var round = 0; round < 30; round++) await index.PutAsync(0, 1000, $",\"round\":{round}", refresh: false);
        await index.DeleteAsync(Enumerable.Range(0, 990).Select(TestIndex.IdOf));
        await index.PutAsync(5000, 10);
        await using var source = index.Open(pageSize: 50);
        var pass = (await source.SnapshotAsync()).Unique();
        Assert.Equal(
            [.. Enumerable.Range(990, 10).Concat(Enumerable.Range(5000, 10)).Select(TestIndex.IdOf)],
            pass.Records.Select(r => r.Key).Order());
        Assert.True(pass.Batches.Count < 15, $"{pass.Batches.Count} pages for 20 documents among 31,000 numbers.");
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Updates_during_the_snapshot_do_not_show_in_it_and_are_not_lost(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        await index.PutAsync(0, 400);
        await using var source = index.Open(pageSize: 20);
        var snapshot = await source.SnapshotAsync(1, onBatch: async batch =>
        {
            // In the middle: some that were read, some that were not, some that are new.
            if (batch == 4) await index.PutAsync(100, 400, ",\"new\":true");
        });
        Assert.Equal(400, snapshot.Unique().Records.Count());
        Assert.False(source.SnapshotContinues);
        var changes = await source.ChangesAsync(snapshot.Saved);
        var held = changes.Apply(snapshot.Apply());
        Assert.Equal(500, held.Count);
        Assert.All(Enumerable.Range(100, 400), i => Assert.Equal(TestIndex.DocumentOf(i, ",\"new\":true"), held[TestIndex.IdOf(i)]));
    }

    [Fact]
    public async Task An_empty_index_ends_cleanly()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), 3);
        await using var source = index.Open();
        var snapshot = await source.SnapshotAsync(4);
        Assert.Empty(snapshot.Records);
        Assert.Equal(3, snapshot.Partitions.Count);
        Assert.Empty((await source.ChangesAsync(snapshot.Saved)).Records);
    }

    [Fact]
    public async Task A_document_far_larger_than_a_page_is_read_alone()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), mappings: """{"enabled":false}""");
        await index.PutAsync(0, 300);
        for (var i = 0; i < 6; i++) await index.PutAsync([($"large-{i}", $$"""{"v":"{{new string('x', 15 << 20)}}"}""")]);
        await index.PutAsync(300, 300);
        await using var source = index.Open(pageSize: 10_000);
        var pass = (await source.SnapshotAsync()).Unique();
        Assert.Equal(606, pass.Records.Count());
        Assert.All(pass.Batches, b => Assert.True(b.Records.Count(r => r.Json.Length > 1 << 20) <= 2, "Several large documents came in one page."));
    }

    [Fact]
    public async Task An_index_that_allows_only_small_pages_is_read_in_small_pages()
    {
        await using var index = await TestIndex.CreateAsync(
            await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), settings: "\"max_result_window\":30");
        await index.PutAsync(0, 200);
        await using var source = index.Open(pageSize: 10_000);
        Assert.Equal(200, (await source.SnapshotAsync()).Unique().Records.Count());
    }

    [Fact]
    public async Task The_whole_hit_comes_where_it_is_asked_for_and_the_index_in_the_key()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync([("a\"b", """{"n":1}""")]);
        await using var source = index.Open(index.Options with { Envelope = Envelope.Hit, Key = KeyForm.IndexId });
        var record = Assert.Single((await source.SnapshotAsync()).Records);
        Assert.Equal($"{index.Name}/a\"b", record.Key);
        var hit = JsonSerializer.Deserialize<JsonElement>(record.Json);
        Assert.Equal(index.Name, hit.GetProperty("_index").GetString());
        Assert.Equal("a\"b", hit.GetProperty("_id").GetString());
        Assert.Equal(1, hit.GetProperty("_source").GetProperty("n").GetInt32());
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task The_whole_hit_is_the_same_at_every_read(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), mappings: """{"dynamic":false}""");
        await index.PutAsync([("a\"b", """{"n":1,"_score":2,"sort":[3]}"""), ("gone", "{}"), ("c", """{ "n" : [1, {"m": "x"}] }"""), ("d", "{}")]);
        await index.SendAsync(HttpMethod.Post, "/_doc/routed?routing=r&refresh=true", """{"n":4}""");
        await index.DeleteAsync(["gone"]);
        var options = index.Options with { Envelope = Envelope.Hit };
        await using var source = index.Open(options);
        var first = (await source.SnapshotAsync()).Apply();
        Assert.Equal(4, first.Count);
        Assert.Equal($$$"""{"_index":"{{{index.Name}}}","_id":"a\"b","_source":{"n":1,"_score":2,"sort":[3]}}""", first["a\"b"]);
        Assert.Equal($$$"""{"_index":"{{{index.Name}}}","_id":"routed","_routing":"r","_source":{"n":4}}""", first["routed"]);
        await index.SendAsync(HttpMethod.Post, "/_forcemerge?max_num_segments=1");
        await using var second = index.Open(options);
        Assert.Equal(first, (await second.SnapshotAsync()).Apply());

        // As a change it is the same again.
        var empty = await source.SnapshotAsync(selection: new Selection("""{"match_none":{}}"""));
        await index.PutAsync([("d", "{}")]);
        Assert.Equal(first["d"], (await source.ChangesAsync(empty.Saved)).Apply()["d"]);
    }

    [Fact]
    public async Task A_place_is_told_as_a_sequence_number_of_a_shard()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 3);
        await using var source = index.Open();
        var partition = Assert.Single(await source.GetPartitionsAsync(new(Core.Sources.ReadKind.Snapshot, Core.Sources.Selection.Everything, 1, new Dictionary<PartitionId, Position>()), Sources.Ct));
        await foreach (var batch in source.ReadAsync(partition, partition.Start, Sources.Ct))
        {
            using (batch)
            {
                if (batch.Count > 0) Assert.Equal($"{index.Name}[0] seq_no 2", batch.PlaceOf(batch.Records.Span[2].Place));
            }
        }
    }
}
