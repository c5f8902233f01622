using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>What the servers themselves make of writes.</summary>
public sealed class BulkWriteTests(SharedServers servers, SecuredServer secured)
{
    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task An_older_version_never_replaces_a_newer_one_in_whatever_order_they_come(ServerKind kind)
    {
        await using var target = await TargetAsync(kind);
        await using var sink = await target.ReadyAsync();
        Assert.Equal((1, 0), Counts(await sink.WriteAsync("a", """{"v":5}""", 5)));
        Assert.Equal((1, 0), Counts(await sink.WriteAsync("a", """{"v":5}""", 5)));
        Assert.Equal((0, 1), Counts(await sink.WriteAsync("a", """{"v":4}""", 4)));
        Assert.Equal((0, 1), Counts(await sink.WriteAsync("a", null, 4)));
        Assert.Equal((1, 0), Counts(await sink.WriteAsync("b", """{"v":1}""", 1)));
        Assert.Equal((1, 0), Counts(await sink.WriteAsync("b", null, 2)));
        Assert.Equal((0, 1), Counts(await sink.WriteAsync("b", """{"v":1}""", 1)));
        Assert.Equal((1, 0), Counts(await sink.WriteAsync("c", """{"v":1}""", long.MaxValue)));
        ContentAssert.Same([new Document("a", """{"v":5}"""), new Document("c", """{"v":1}""")], await target.ReadAllAsync(Sources.Ct));
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_key_that_looks_like_another_operation_is_only_a_key(ServerKind kind)
    {
        await using var target = await TargetAsync(kind);
        await using var sink = await target.ReadyAsync();
        Document[] documents =
        [
            new("victim", """{"v":1}"""),
            new("x\"}}\n{\"delete\":{\"_id\":\"victim\"}}\n{\"index\":{\"_id\":\"y", """{"v":2}"""),
            new("x\",\"_index\":\"elsewhere", """{"v":3}"""),
            new("back\\\\slash\u0000\u001f", """{"v":4}"""),
            new("status\":1,\"", """{"status":5}"""),
        ];
        Assert.Equal(5, (await sink.WriteAsync(documents)).Written);
        ContentAssert.Same(documents, await target.ReadAllAsync(Sources.Ct));
        foreach (var document in documents) Assert.Equal(document.Json, System.Text.Encoding.UTF8.GetString((await sink.ReadAsync(document.KeyBytes, Sources.Ct))!));
    }

    [Theory]
    [InlineData(Compression.Off)]
    [InlineData(Compression.On)]
    public async Task Documents_with_line_breaks_and_larger_than_the_buffer_arrive_whole(Compression compress)
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        await using var sink = await target.ReadyAsync(target.Options with { Compress = compress });
        var large = new string('x', 300_000);
        Document[] documents =
        [
            new("lines", "{\r\n  \"a\": 1,\n  \"b\": [\n    2\n  ]\n}"),
            new("large", $"{{\n\"v\":\"{large}\"\n}}"),
            .. Enumerable.Range(0, 20).Select(i => Corpus.OfBytes($"edge-{i}", (128 * 1024) - 3200 + (i * 20))),
            .. Corpus.Plain(1000),
        ];
        Assert.Equal(documents.Length, (await sink.WriteAsync(documents)).Written);
        ContentAssert.Same(documents, await target.ReadAllAsync(Sources.Ct));
    }

    [Fact]
    public async Task What_was_written_is_read_by_its_key_at_once()
    {
        await using var target = await TargetAsync(ServerKind.OpenSearch);
        await using var sink = await target.ReadyAsync();
        foreach (var key in (string[])["..", ".", "a/b", "_search", " ", "ü😀"])
        {
            await sink.WriteAsync(new Document(key, """{"v":1}"""));
            Assert.Equal("""{"v":1}"""u8.ToArray(), await sink.ReadAsync(new Document(key, "").KeyBytes, Sources.Ct));
            await sink.WriteAsync(key, null, 0);
            Assert.Null(await sink.ReadAsync(new Document(key, "").KeyBytes, Sources.Ct));
        }
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch, "index.blocks.write")]
    [InlineData(ServerKind.Elasticsearch, "index.blocks.read_only")]
    [InlineData(ServerKind.Elasticsearch, "index.blocks.read_only_allow_delete")]
    [InlineData(ServerKind.OpenSearch, "index.blocks.write")]
    [InlineData(ServerKind.OpenSearch, "index.blocks.read_only_allow_delete")]
    public async Task A_block_is_for_a_person_to_lift_and_then_writing_goes_on(ServerKind kind, string block)
    {
        await using var target = await TargetAsync(kind);
        await using var sink = await target.ReadyAsync();
        await SettingAsync(target, block, "true");
        var result = await sink.WriteAsync(Corpus.Plain(3));
        Assert.Equal(3, result.Failures.Count);
        Assert.All(result.Failures, f => Assert.Equal(ElasticsearchErrors.Blocked, f.Error));
        Assert.Equal(ElasticsearchErrors.Blocked, (await Health.OfAsync(sink)).Problem?.Error);
        await SettingAsync(target, block, "null");
        Assert.Equal(3, (await sink.WriteAsync(Corpus.Plain(3))).Written);
    }

    [Fact]
    public async Task An_index_that_is_closed_meanwhile_is_told()
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        await using var sink = await target.ReadyAsync();
        await Api.SendAsync(target.Host, HttpMethod.Post, target.Name + "/_close");
        Assert.All((await sink.WriteAsync(Corpus.Plain(2))).Failures, f => Assert.Equal(ElasticsearchErrors.IndexClosed, f.Error));
        Assert.Equal(ElasticsearchErrors.IndexClosed, (await Health.OfAsync(sink)).Problem?.Error);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task An_index_that_is_deleted_meanwhile_is_noticed_though_the_server_makes_it_again(bool inPass)
    {
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        var clock = new ForwardClock();
        await using var sink = new ElasticsearchSink(target.Options, clock, NullLogger.Instance, ClientPatience.Default);
        await sink.PrepareAsync(target.Schema, Sources.Ct);
        await sink.WriteAsync(Corpus.Plain(10));
        await Api.SendAsync(target.Host, HttpMethod.Delete, target.Name);
        if (inPass)
        {
            clock.Forward(TimeSpan.FromSeconds(6));
            Assert.Equal(ElasticsearchErrors.IndexReplaced, (await sink.FailsAsync(Corpus.Plain(10))).Error);
        }

        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name);
        var again = await Assert.ThrowsAsync<PipelineException>(() => sink.CompleteAsync(Sources.Ct));
        Assert.Equal(ElasticsearchErrors.IndexReplaced, again.Error);
    }

    [Fact]
    public async Task A_queue_that_is_full_refuses_some_records_and_all_arrive_in_the_end()
    {
        await using var server = await ElasticsearchServer.StartAsync(
            ServerKind.Elasticsearch, Sources.Ct, new ServerStart { Settings = ["node.processors=1", "thread_pool.write.size=1", "thread_pool.write.queue_size=1"] });
        await using var target = new IndexTarget(server);
        await using var sink = await target.ReadyAsync();
        Document[] documents = [.. Corpus.Plain(40_000)];
        var throttled = 0;
        await Task.WhenAll(documents.Chunk(1000).Select(async chunk =>
        {
            var rest = chunk;
            while (rest.Length > 0)
            {
                try
                {
                    var failures = (await sink.WriteAsync(rest)).Failures;
                    Assert.All(failures, f => Assert.Equal(ElasticsearchErrors.Throttled, f.Error));
                    Interlocked.Add(ref throttled, failures.Count);
                    rest = [.. failures.Select(f => rest[f.Index])];
                }
                catch (PipelineException e) when (e.Error == ElasticsearchErrors.Throttled)
                {
                    Interlocked.Add(ref throttled, rest.Length);
                }
            }
        }));
        Assert.True(throttled > 0, "The queue was never full.");
        ContentAssert.Same(documents, await target.ReadAllAsync(Sources.Ct));
    }

    [Fact]
    public async Task A_user_who_may_not_write_is_told_which_privilege_is_missing()
    {
        var name = $"secured-{Guid.NewGuid():n}";
        var admin = await secured.OptionsAsync(name);
        await Api.SendAsync(await secured.ServerAsync(), HttpMethod.Put, name);
        await using var target = await TargetAsync(ServerKind.Elasticsearch);
        foreach (var privilege in (string[])["view_index_metadata", "read"])
        {
            var user = await secured.UserAsync(admin, name, privilege);
            var options = new ElasticsearchSinkOptions { Url = user.Url, Index = name, User = user.User, Password = user.Password, CaFile = user.CaFile };
            await using var sink = await target.ReadyAsync(options);
            var refused = await sink.FailsAsync(Corpus.Plain(2));
            Assert.Equal((ElasticsearchErrors.Forbidden, FailureKind.Environment), (refused.Error, refused.Kind));
            Assert.Contains("privilege write is missing", refused.Message, StringComparison.Ordinal);
        }

        // With as little as writing takes, it works, though nobody sees the index's mapping.
        var writer = await secured.UserAsync(admin, name, "write");
        await using var works = await target.ReadyAsync(
            new ElasticsearchSinkOptions { Url = writer.Url, Index = name, User = writer.User, Password = writer.Password, CaFile = writer.CaFile });
        Assert.Equal(2, (await works.WriteAsync(Corpus.Plain(2))).Written);
        await Api.SendAsync(await secured.ServerAsync(), HttpMethod.Delete, name);
    }

    private static (int Written, int Unchanged) Counts(Core.Sinks.WriteResult result)
    {
        Assert.Empty(result.Failures);
        return (result.Written, result.Unchanged);
    }

    private static async Task SettingAsync(IndexTarget target, string name, string value) =>
        await Api.SendAsync(target.Host, HttpMethod.Put, target.Name + "/_settings", $$"""{"{{name}}":{{value}}}""");

    private async Task<IndexTarget> TargetAsync(ServerKind kind) => new(await servers.OfAsync(kind, Sources.Ct), secured);
}
