using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Who may read, and what happens to whom some privilege is missing.</summary>
public sealed class AccessTests(SecuredServer secured)
{
    [Fact]
    public async Task A_wrong_password_and_none_at_all_are_told_as_that()
    {
        var options = await secured.OptionsAsync("any*");
        foreach (var wrong in new[]
        {
            options with { Password = new Secret("wrong") },
            options with { User = "", Password = null },
            options with { User = "", Password = null, ApiKey = new Secret("aWQ6a2V5") },
        })
        {
            await using var source = Sources.Open(wrong);
            var problem = (await Health.OfAsync(source)).Problem;
            Assert.Equal(("elasticsearch.auth", FailureKind.Environment), (problem?.Code, problem?.Kind));
        }
    }

    [Fact]
    public async Task User_and_password_may_stand_in_the_address()
    {
        var options = await secured.OptionsAsync("any*");
        var userInfo = $"elastic:{Uri.EscapeDataString(SecuredServer.Password)}@";
        await using var source = Sources.Open(options with { User = "", Password = null, Url = options.Url.Replace("://", "://" + userInfo, StringComparison.Ordinal) });
        var health = await Health.OfAsync(source);
        Assert.Null(health.Problem);
        Assert.DoesNotContain(SecuredServer.Password, string.Join(' ', health.Identity.Values), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_API_key_works_encoded_and_not()
    {
        var options = await secured.OptionsAsync("any*");
        var made = await Api.SendAsync(await secured.ServerAsync(), HttpMethod.Post, "_security/api_key", """{"name":"test"}""");
        var plain = $"{made.GetProperty("id").GetString()}:{made.GetProperty("api_key").GetString()}";
        foreach (var key in new[] { plain, made.GetProperty("encoded").GetString()!, Convert.ToBase64String(Encoding.UTF8.GetBytes(plain)) })
        {
            await using var source = Sources.Open(options with { User = "", Password = null, ApiKey = new Secret(key) });
            Assert.Null((await Health.OfAsync(source)).Problem);
        }
    }

    [Fact]
    public async Task A_missing_privilege_is_named()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync());
        await index.PutAsync(0, 1);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "monitor");
        await using var source = Sources.Open(options);
        var error = await Assert.ThrowsAsync<PipelineException>(() => source.SnapshotAsync());
        Assert.Equal(("elasticsearch.forbidden", FailureKind.Environment), (error.Code, error.Kind));
        Assert.Contains("privilege read is missing", error.Message, StringComparison.Ordinal);
        Assert.Contains("Grant the index privilege read", error.Remedy, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_and_monitor_are_enough_and_without_maintenance_it_waits_for_the_refresh()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync(), 2);
        await index.PutAsync(0, 100);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read", "monitor");
        var log = new ListLog<ElasticsearchSource>();
        await using var source = Sources.Open(options, 20, log: log);
        Assert.Null((await Health.OfAsync(source)).Problem);
        Assert.Empty((await source.DescribeAsync(Sources.Ct)).Fields);
        var snapshot = await source.SnapshotAsync(2);
        Assert.Equal(100, snapshot.Unique().Records.Count());
        await index.PutAsync(50, 100, ",\"v\":2", refresh: false);
        Assert.Equal(100, (await source.ChangesAsync(snapshot.Saved)).Unique().Records.Count());
        Assert.Contains(log.Lines, l => l.Contains("maintenance", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_index_that_never_refreshes_can_not_be_followed_without_maintenance()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync(), settings: "\"refresh_interval\":\"-1\"");
        await index.PutAsync(0, 10);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read", "monitor");
        await using var source = Sources.Open(options);
        Assert.Equal("elasticsearch.never_refreshes", (await Assert.ThrowsAsync<PipelineException>(() => source.SnapshotAsync())).Code);
    }

    [Fact]
    public async Task With_read_alone_everything_is_copied_and_changes_are_followed_by_time()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync(), 3);
        await index.PutAsync(0, 300);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read", "maintenance");
        var log = new ListLog<ElasticsearchSource>();
        await using var source = Sources.Open(options, 20, new RunOptions { Query = """{"match_all":{}}""" }, log);
        Assert.Null((await Health.OfAsync(source)).Problem);
        var snapshot = await source.SnapshotAsync(2);
        Assert.Equal(300, snapshot.Unique().Records.Count());
        Assert.Single(log.Lines, l => l.Contains("privilege monitor", StringComparison.Ordinal));

        await index.PutAsync(300, 50);
        var changes = await source.ChangesAsync(snapshot.Saved);
        Assert.Equal(350, changes.Apply(snapshot.Apply()).Count);
        Assert.Empty((await source.ChangesAsync(changes.Saved)).Records);

        // What was interrupted begins anew, and says so.
        await using var again = Sources.Open(options, 20);
        var restarted = await again.SnapshotAsync(2, snapshot.Saved);
        Assert.All(restarted.Partitions, p => Assert.Contains("monitor", p.StartsOverBecause, StringComparison.Ordinal));
        Assert.Equal(350, restarted.Unique().Records.Count());
    }

    [Fact]
    public async Task With_read_alone_a_lost_view_begins_the_snapshot_anew()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync(), 2);
        await index.PutAsync(0, 200);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read", "maintenance");
        await using var source = Sources.Open(options, 20);
        var (_, held, passes) = await source.WholeSnapshotAsync(2, onBatch: async batch =>
        {
            if (batch != 3) return;
            await index.PutAsync(100, 150, ",\"v\":2");
            await Api.SendAsync(index.Server, HttpMethod.Post, $"{index.Name}/_close");
            await Api.SendAsync(index.Server, HttpMethod.Post, $"{index.Name}/_open?wait_for_active_shards=all");
        });
        Assert.Equal(2, passes);
        Assert.Equal(250, held.Count);
        Assert.All(Enumerable.Range(100, 150), i => Assert.Equal(TestIndex.DocumentOf(i, ",\"v\":2"), held[TestIndex.IdOf(i)]));
    }

    [Fact]
    public async Task With_read_alone_and_without_a_time_field_a_snapshot_works_and_changes_say_what_is_missing()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync(), mappings: "{}");
        await index.PutAsync([("a", """{"n":1}""")]);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read", "maintenance");
        await using var source = Sources.Open(options);
        var snapshot = await source.SnapshotAsync();
        Assert.Single(snapshot.Records);
        Assert.Equal("elasticsearch.no_time_field", (await Assert.ThrowsAsync<PipelineException>(() => source.ChangesAsync(snapshot.Saved))).Code);
    }

    [Fact]
    public async Task Losing_the_privilege_in_between_stops_instead_of_missing_something()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync());
        await index.PutAsync(0, 10);
        var all = await secured.OptionsAsync(index.Name);
        await using var before = Sources.Open(all);
        var followed = await before.ChangesAsync((await before.SnapshotAsync()).Saved);
        await using var after = Sources.Open(await secured.UserAsync(all, index.Name, "read", "maintenance"));
        var error = await Assert.ThrowsAsync<PipelineException>(() => after.ChangesAsync(followed.Saved));
        Assert.Equal(("elasticsearch.cannot_follow", FailureKind.Environment), (error.Code, error.Kind));
    }

    [Theory]
    [InlineData("read", "monitor", "maintenance", "view_index_metadata")]
    [InlineData("read", "maintenance")]
    public async Task Who_may_read_through_an_alias_only_reads_through_it(params string[] privileges)
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync(), 2);
        await index.PutAsync(0, 100);
        var alias = $"alias-{Guid.NewGuid():n}";
        await index.SendAsync(HttpMethod.Put, $"/_alias/{alias}", """{"filter":{"range":{"n":{"lt":30}}}}""");
        var options = await secured.UserAsync(await secured.OptionsAsync(alias), alias, privileges);
        await using var source = Sources.Open(options, 10);
        Assert.Null((await Health.OfAsync(source)).Problem);
        var (last, held, passes) = await source.WholeSnapshotAsync(2);
        Assert.Equal(2, passes);
        Assert.Equal(Enumerable.Range(0, 30).ToDictionary(TestIndex.IdOf, i => TestIndex.DocumentOf(i)), held);
        await index.PutAsync(25, 20, ",\"v\":3");
        held = (await source.ChangesAsync(last.Saved)).Apply(held);
        Assert.All(Enumerable.Range(25, 5), i => Assert.Equal(TestIndex.DocumentOf(i, ",\"v\":3"), held[TestIndex.IdOf(i)]));
        await using var direct = Sources.Open(options with { Index = index.Name });
        Assert.NotNull((await Health.OfAsync(direct)).Problem);
    }

    [Fact]
    public async Task A_query_is_tried_where_it_may_not_be_validated()
    {
        await using var index = await TestIndex.CreateAsync(await secured.ServerAsync());
        await index.PutAsync(0, 1);
        var options = await secured.UserAsync(await secured.OptionsAsync(index.Name), index.Name, "read");
        foreach (var (query, code) in new[] { ("""{"match":{"n":{"query":1,"bad":2}}}""", "elasticsearch.query"), ("""{"match_all":{}}""", null) })
        {
            await using var source = Sources.Open(options, run: new RunOptions { Query = query });
            Assert.Equal(code, (await Health.OfAsync(source)).Problem?.Code);
        }
    }
}
