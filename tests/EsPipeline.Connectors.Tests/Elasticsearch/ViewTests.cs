using System.Collections.Concurrent;
using EsPipeline.Conformance;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Points in time that are lost, renewed, closed, or not to be had.</summary>
public sealed class ViewTests(SharedServers servers)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_lost_view_is_opened_anew_and_nothing_is_missed_or_doubled(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        await index.PutAsync(0, 300);
        await using var proxy = new AnswerProxy(index.Server);
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 20);
        var (last, held, passes) = await source.WholeSnapshotAsync(3, onBatch: async batch =>
        {
            if (batch is not (4 or 9)) return;

            // What was read, what was not, and what is new all move ahead; then the server forgets every view.
            await index.PutAsync(50 * batch, 120, $",\"v\":{batch}");
            await CloseAllAsync(index.Server, proxy);
        });
        Assert.Equal(2, passes);
        Assert.False(source.SnapshotContinues);
        Assert.All(last.Partitions, p => Assert.False(p.UniqueKeys));
        var expected = Enumerable.Range(0, 300).ToDictionary(TestIndex.IdOf, i => TestIndex.DocumentOf(i));
        foreach (var i in Enumerable.Range(200, 120)) expected[TestIndex.IdOf(i)] = TestIndex.DocumentOf(i, ",\"v\":4");
        foreach (var i in Enumerable.Range(450, 120)) expected[TestIndex.IdOf(i)] = TestIndex.DocumentOf(i, ",\"v\":9");
        Assert.Equal(expected.OrderBy(p => p.Key), held.OrderBy(p => p.Key));
        Assert.Empty((await source.ChangesAsync(last.Saved)).Records);
    }

    [Fact]
    public async Task Keys_come_once_in_the_pass_even_when_the_view_is_lost_again_and_again()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 200);
        await using var proxy = new AnswerProxy(index.Server);
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 10);
        var pass = await source.SnapshotAsync(4, onBatch: async batch =>
        {
            await index.PutAsync(batch * 7 % 200, 15, $",\"v\":{batch}");
            await CloseAllAsync(index.Server, proxy);
        });
        pass.Unique();
        Assert.True(source.SnapshotContinues);
        var rest = await source.SnapshotAsync(4, pass.Saved);
        await using var fresh = index.Open();
        Assert.Equal((await fresh.SnapshotAsync()).Apply().OrderBy(p => p.Key), rest.Apply(pass.Apply()).OrderBy(p => p.Key));
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_snapshot_that_is_resumed_reads_what_changed_meanwhile(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), 2);
        await index.PutAsync(0, 300);
        await using var first = index.Open(pageSize: 20);
        var whole = await first.SnapshotAsync(2);
        var (saved, before) = (whole.Partitions.ToDictionary(p => p.Id, p => p.Start), new Dictionary<string, string>());
        foreach (var batch in whole.Batches.Take(5))
        {
            saved[batch.Partition] = batch.End;
            foreach (var record in batch.Records) before[record.Key] = record.Json;
        }

        await index.PutAsync(0, 320, ",\"later\":true");
        await using var second = index.Open(pageSize: 20);
        var (last, held, passes) = await second.WholeSnapshotAsync(2, saved);
        Assert.Equal(2, passes);
        foreach (var (key, json) in held) before[key] = json;
        Assert.Equal(Enumerable.Range(0, 320).ToDictionary(TestIndex.IdOf, i => TestIndex.DocumentOf(i, ",\"later\":true")), before);

        // A crash after the first of the two passes, or in the second, goes on there.
        await using var third = index.Open(pageSize: 20);
        Assert.Empty((await third.WholeSnapshotAsync(2, last.Saved)).Held);
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task The_newest_id_is_used_each_time_and_closed_at_the_end(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        await index.PutAsync(0, 100);
        await using var proxy = new AnswerProxy(index.Server);

        // The server says another id with each answer; ids differ in what stands before them only, and are told apart here.
        var real = new ConcurrentDictionary<string, string>();
        var number = 0;
        proxy.Change = (_, answer) => answer with { Body = System.Text.Encoding.UTF8.GetBytes(Renamed(answer.Text)) };
        proxy.ChangeRequest = body =>
        {
            foreach (var (shown, id) in real)
            {
                if (!body.Contains($"\"{shown}\"", StringComparison.Ordinal)) continue;
                Assert.Equal($"id-{number}", shown);
                return body.Replace($"\"{shown}\"", $"\"{id}\"", StringComparison.Ordinal);
            }

            return body;
        };
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 10);
        Assert.Equal(100, (await source.SnapshotAsync()).Unique().Records.Count());
        Assert.True(number > 8, $"Only {number} ids.");
        Assert.Contains(proxy.Requests, r => r.Method == "DELETE" && r.Body.Contains($"\"id-{number}\"", StringComparison.Ordinal));

        string Renamed(string text)
        {
            foreach (var name in (string[])["pit_id", "id"])
            {
                var at = text.IndexOf($"\"{name}\":\"", StringComparison.Ordinal);
                if (at is not (0 or 1)) continue;
                var start = at + name.Length + 4;
                var end = text.IndexOf('"', start);
                var shown = $"id-{Interlocked.Increment(ref number)}";
                real[shown] = text[start..end];
                return text[..start] + shown + text[end..];
            }

            return text;
        }
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Nothing_stays_open_when_reading_ends_early(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct));
        await index.PutAsync(0, 100);
        await using (var source = index.Open(pageSize: 10))
        {
            var partitions = await source.GetPartitionsAsync(new(Core.Sources.ReadKind.Snapshot, Core.Sources.Selection.Everything, 2, new Dictionary<PartitionId, Position>()), Sources.Ct);
            await foreach (var batch in source.ReadAsync(partitions[0], partitions[0].Start, Sources.Ct))
            {
                batch.Dispose();
                break;
            }
        }

        // The server ends a cancelled search when it comes to look.
        await Eventually.IsAsync(async () => await OpenAsync() == 0, "no search is open");

        async Task<int> OpenAsync()
        {
            var statistics = await index.SendAsync(HttpMethod.Get, "/_stats/search");
            return statistics.GetProperty("_all").GetProperty("total").GetProperty("search").GetProperty("open_contexts").GetInt32();
        }
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_server_without_points_in_time_is_read_in_two_passes(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), 2);
        await index.PutAsync(0, 200);
        await using var proxy = new AnswerProxy(index.Server) { Change = OldVersion };
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 20);
        var (_, held, passes) = await source.WholeSnapshotAsync(2, onBatch: async batch =>
        {
            if (batch == 3) await index.PutAsync(50, 200, ",\"v\":2");
        });
        Assert.Equal(2, passes);
        Assert.DoesNotContain(proxy.Requests, r => r.Path.Contains("_pit", StringComparison.Ordinal) || r.Path.Contains("point_in_time", StringComparison.Ordinal));
        Assert.Equal(250, held.Count);
        Assert.All(Enumerable.Range(50, 200), i => Assert.Equal(TestIndex.DocumentOf(i, ",\"v\":2"), held[TestIndex.IdOf(i)]));
    }

    [Fact]
    public async Task A_server_that_loses_every_view_at_once_is_a_passing_failure()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 10);
        await using var proxy = new AnswerProxy(index.Server)
        {
            Instead = (_, path, body) => path.StartsWith("/_search", StringComparison.Ordinal) && body.Contains("\"pit\"", StringComparison.Ordinal)
                ? ProxiedAnswer.Json(404, """{"error":{"root_cause":[{"type":"search_context_missing_exception","reason":"No search context found for id [1]"}],"type":"search_phase_execution_exception","reason":"all shards failed"},"status":404}""")
                : null,
        };
        await using var source = index.Open(index.Options with { Url = proxy.Address });
        var failures = new List<PipelineException>();
        await Assert.ThrowsAsync<InvalidOperationException>(() => source.SnapshotAsync(onFailure: e =>
        {
            failures.Add(e);
            return failures.Count == 2 ? throw new InvalidOperationException("Enough.") : Task.CompletedTask;
        }));
        Assert.All(failures, f => Assert.Equal("elasticsearch.view_lost", f.Code));
    }

    [Fact]
    public async Task A_view_that_went_with_its_node_is_given_up_and_nothing_is_missed()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 200);
        string? first = null;
        var (pages, refused) = (0, 0);
        await using var proxy = new AnswerProxy(index.Server);
        proxy.Instead = (_, path, body) =>
        {
            if (!path.StartsWith("/_search?", StringComparison.Ordinal)) return null;
            var id = body.Split("\"pit\":{\"id\":\"")[1].Split('"')[0];
            first ??= id;
            if (id != first || ++pages < 4) return null;
            refused++;
            return ProxiedAnswer.Json(500, """{"error":{"root_cause":[],"type":"illegal_state_exception","reason":"node [x] is not available"},"status":500}""");
        };
        await using var source = index.Open(index.Options with { Url = proxy.Address }, 20);
        var (_, held, passes) = await source.WholeSnapshotAsync();
        Assert.Equal((200, 2), (held.Count, passes));
        Assert.InRange(refused, 2, 4);
    }

    internal static ProxiedAnswer OldVersion(string path, ProxiedAnswer answer) => path == "/"
        ? answer with { Body = System.Text.Encoding.UTF8.GetBytes(answer.Text.Replace("\"8.", "\"7.9.", StringComparison.Ordinal).Replace("\"2.", "\"1.", StringComparison.Ordinal)) }
        : answer;

    // Every view that the source has opened through the proxy.
    private static async Task CloseAllAsync(ElasticsearchServer server, AnswerProxy proxy)
    {
        string[] ids;
        lock (proxy.Requests)
        {
            ids = [.. proxy.Requests.Select(r => r.Body).Where(b => b.Contains("\"pit\":{\"id\":\"", StringComparison.Ordinal))
                .Select(b => b.Split("\"pit\":{\"id\":\"")[1].Split('"')[0]).Distinct()];
        }

        foreach (var id in ids)
        {
            using var request = server.Kind == ServerKind.OpenSearch
                ? new HttpRequestMessage(HttpMethod.Delete, "_search/point_in_time") { Content = Body($$"""{"pit_id":["{{id}}"]}""") }
                : new HttpRequestMessage(HttpMethod.Delete, "_pit") { Content = Body($$"""{"id":"{{id}}"}""") };
            using var response = await server.Http.SendAsync(request, Sources.Ct);
        }

        static StringContent Body(string json) => new(json, System.Text.Encoding.UTF8, "application/json");
    }
}
