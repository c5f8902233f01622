using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Elasticsearch;

/// <summary>Selecting and following by a time field.</summary>
public sealed class TimestampTests(SharedServers servers)
{
    private static readonly DateTimeOffset Noon = new(2024, 5, 1, 12, 0, 0, TimeSpan.Zero);

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task A_time_range_means_the_same_whatever_the_format_of_the_field(ServerKind kind)
    {
        (string Mapping, Func<DateTimeOffset, string> Value)[] fields =
        [
            ("""{"type":"date"}""", t => $"\"{t:yyyy-MM-dd'T'HH:mm:ss.fff'Z'}\""),
            ("""{"type":"date","format":"epoch_millis"}""", t => $"{t.ToUnixTimeMilliseconds()}"),
            ("""{"type":"date","format":"epoch_second"}""", t => $"{t.ToUnixTimeSeconds()}"),
            ("""{"type":"date","format":"yyyy/MM/dd HH:mm:ss||epoch_millis"}""", t => $"\"{t:yyyy'/'MM'/'dd HH:mm:ss}\""),
            ("""{"type":"date_nanos"}""", t => $"\"{t:yyyy-MM-dd'T'HH:mm:ss.fffffff'Z'}\""),
        ];
        foreach (var (mapping, value) in fields)
        {
            await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), mappings: $$$$"""{"properties":{"at":{{{{mapping}}}}}}""");
            await index.PutAsync(Enumerable.Range(0, 60).Select(i => ($"{i:00}", $$"""{"at":{{value(Noon.AddSeconds(i))}}}""")));
            await using var source = index.Open();
            var selection = new Selection(Since: Noon.AddSeconds(10), Until: Noon.AddSeconds(20), TimestampField: "at");
            Assert.Equal(Enumerable.Range(10, 11).Select(i => $"{i:00}"), (await source.SnapshotAsync(selection: selection)).Records.Select(r => r.Key));
        }
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Ties_lose_and_repeat_nothing(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), 2);
        await index.PutAsync(Enumerable.Range(0, 500).Select(i => (TestIndex.IdOf(i), """{"@timestamp":"2024-01-01T00:00:00Z"}""")));
        foreach (var size in (int[])[10, 25, 50])
        {
            await using var source = index.Open(ByTime(index), size);
            var selection = new Selection(Since: new DateTimeOffset(2024, 1, 1, 0, 0, 0, TimeSpan.Zero));
            var snapshot = await source.SnapshotAsync(2, selection: selection);
            Assert.Equal(500, snapshot.Unique().Records.Count());

            await index.PutAsync(Enumerable.Range(0, 300).Select(i => ($"size-{size}-{i}", """{"@timestamp":"2024-01-01T00:00:00Z"}""")));
            var changes = await source.ChangesAsync(snapshot.Saved);
            Assert.All(Enumerable.Range(0, 300), i => Assert.Contains(changes.Records, r => r.Key == $"size-{size}-{i}"));
            Assert.Empty((await source.ChangesAsync(changes.Saved)).Records);
            await index.DeleteAsync(Enumerable.Range(0, 300).Select(i => $"size-{size}-{i}"));
        }
    }

    [Theory]
    [InlineData(ServerKind.Elasticsearch)]
    [InlineData(ServerKind.OpenSearch)]
    public async Task Following_by_time_finds_what_arrives_within_the_overlap_and_writes_it_once(ServerKind kind)
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(kind, Sources.Ct), 2);
        await index.PutAsync(0, 100);
        await using var source = index.Open(ByTime(index), 20, new RunOptions { Overlap = TimeSpan.FromSeconds(30) });
        var snapshot = await source.SnapshotAsync(2);
        Assert.Equal(100, snapshot.Unique().Records.Count());

        // The first look reaches back over the overlap; the next one knows what it has seen there.
        var changes = await source.ChangesAsync(snapshot.Saved);
        Assert.Equal(Enumerable.Range(69, 31).Select(TestIndex.IdOf), changes.Records.Select(r => r.Key).Order());
        Assert.Empty((await source.ChangesAsync(changes.Saved)).Records);

        // Late but within the overlap, changed within it, and new.
        await index.PutAsync([("late", TestIndex.DocumentOf(75)), (TestIndex.IdOf(80), TestIndex.DocumentOf(80, ",\"v\":2")), ("new", TestIndex.DocumentOf(150))]);
        changes = await source.ChangesAsync(changes.Saved);
        Assert.Equal([TestIndex.IdOf(80), "late", "new"], changes.Records.Select(r => r.Key).Order(StringComparer.Ordinal));
        Assert.Empty((await source.ChangesAsync(changes.Saved)).Records);

        // In another process nothing is known, and the overlap is read once more.
        await using var another = index.Open(ByTime(index), 20, new RunOptions { Overlap = TimeSpan.FromSeconds(30) });
        Assert.Equal(["new"], (await another.ChangesAsync(changes.Saved)).Records.Select(r => r.Key));
    }

    [Fact]
    public async Task A_time_in_the_future_does_not_hide_what_comes_after_it()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 10);
        await index.PutAsync([("future", """{"@timestamp":"2999-01-01T00:00:00Z"}""")]);
        await using var source = index.Open(ByTime(index));
        var changes = await source.ChangesAsync((await source.SnapshotAsync()).Saved);
        await index.PutAsync([("now", TestIndex.DocumentOf(20))]);
        changes = await source.ChangesAsync(changes.Saved);
        Assert.Equal(["now"], changes.Records.Select(r => r.Key));
    }

    [Fact]
    public async Task A_pass_by_time_is_gone_on_with_in_the_middle()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct));
        await index.PutAsync(0, 50);
        await using var source = index.Open(ByTime(index), 10);
        var snapshot = await source.SnapshotAsync();
        await index.PutAsync(1000, 45);
        var changes = await source.ChangesAsync(snapshot.Saved);
        var seen = new HashSet<string>();
        foreach (var batch in changes.Batches)
        {
            seen.UnionWith(batch.Records.Select(r => r.Key));
            await using var another = index.Open(ByTime(index), 10);
            var rest = await another.ChangesAsync(new Dictionary<PartitionId, Position> { [batch.Partition] = batch.End });
            Assert.All(Enumerable.Range(1000, 45), i => Assert.True(seen.Contains(TestIndex.IdOf(i)) || rest.Records.Any(r => r.Key == TestIndex.IdOf(i))));
        }
    }

    [Fact]
    public async Task A_field_that_is_no_date_is_an_error_that_names_it()
    {
        await using var index = await TestIndex.CreateAsync(
            await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), mappings: """{"properties":{"n":{"type":"long"}}}""");
        await index.PutAsync([("a", """{"n":1}""")]);
        await using var source = index.Open();
        foreach (var (field, said) in new[] { ("n", "of type long"), ("nothing", "has a field 'nothing'"), ("*", "not the name of one field") })
        {
            var error = await Assert.ThrowsAsync<PipelineException>(() => source.SnapshotAsync(selection: new Selection(Since: Noon, TimestampField: field)));
            Assert.Equal("elasticsearch.no_time_field", error.Code);
            Assert.Contains(said, error.Message, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Documents_without_the_field_are_counted_and_named_once()
    {
        var server = await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct);
        var name = $"timeless-{Guid.NewGuid():n}";
        await using var some = await TestIndex.CreateAsync(server, name: name + "-some");
        await using var all = await TestIndex.CreateAsync(server, name: name + "-all", mappings: "{}");
        await some.PutAsync(0, 10);
        await some.PutAsync([("without", "{}")]);
        await all.PutAsync([("a", "{}"), ("b", "{}")]);
        var log = new ListLog<ElasticsearchSource>();
        await using var source = Sources.Open(some.Options with { Index = name + "-*", Follow = FollowWay.Timestamp }, log: log);
        var pass = await source.SnapshotAsync();
        Assert.Equal(13, pass.Records.Count());
        var line = Assert.Single(log.Lines, l => l.Contains("3 documents have no '@timestamp'", StringComparison.Ordinal));
        Assert.Contains(some.Name, line, StringComparison.Ordinal);
        Assert.Contains(all.Name, line, StringComparison.Ordinal);

        // Said again only when there are more.
        pass = await source.ChangesAsync(pass.Saved);
        Assert.Single(log.Lines, l => l.Contains("documents have no", StringComparison.Ordinal));
        await all.PutAsync([("c", "{}")]);
        await source.ChangesAsync(pass.Saved);
        Assert.Single(log.Lines, l => l.Contains("4 documents have no", StringComparison.Ordinal));
    }

    [Fact]
    public async Task An_empty_index_may_lack_the_field()
    {
        await using var index = await TestIndex.CreateAsync(await servers.OfAsync(ServerKind.Elasticsearch, Sources.Ct), mappings: "{}");
        await using var source = index.Open();
        Assert.Empty((await source.SnapshotAsync(selection: new Selection(Since: Noon))).Records);
    }

    private static ElasticsearchSourceOptions ByTime(TestIndex index) => index.Options with { Follow = FollowWay.Timestamp };
}
