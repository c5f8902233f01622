using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Partitions that come, go, and are emptied while their table is followed.</summary>
public sealed class PartitionTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_partition_that_is_emptied_ends_the_run_like_a_whole_table()
    {
        await using var table = await DividedTable.MakeAsync(await shared.GetAsync());
        await using var following = new Following(table.Options);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await table.Server.ExecuteAsync($"TRUNCATE {table.Name}_b; INSERT INTO {table.Name} VALUES (150, 'after')");
        var error = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Changes, Ct));
        Assert.Equal(PostgresErrors.Truncated, error.Error);
        Assert.Contains($"public.{table.Name}_b was emptied", error.Message, StringComparison.Ordinal);
        await following.DisposeAsync();
        var log = new ListLog<PostgresSource>();
        await using var keeping = new Following(table.Options with { Truncate = TruncateAnswer.Keep }, log: log) { Saved = following.Saved };
        await keeping.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains(log.Lines, l => l.Contains($"public.{table.Name}_b was emptied", StringComparison.Ordinal));
        Assert.Contains("150", keeping.Held.Keys);
    }

    [Fact]
    public async Task A_publication_that_does_not_tell_partitions_is_refused()
    {
        await using var table = await DividedTable.MakeAsync(await shared.GetAsync());
        await table.Server.ExecuteAsync($"CREATE PUBLICATION {table.Name} FOR TABLE {table.Name} WITH (publish_via_partition_root = true)");
        await using var following = new Following(table.Options);
        var error = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Snapshot, Ct));
        Assert.Equal(PostgresErrors.CannotReplicate, error.Error);
        await table.Server.ExecuteAsync(error.Remedy);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        Assert.Equal(100, following.Held.Count);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_partition_is_attached_with_its_rows_and_another_is_detached(bool restarts)
    {
        await using var table = await DividedTable.MakeAsync(await shared.GetAsync());
        var log = new ListLog<PostgresSource>();
        await using var first = new Following(table.Options, log: log);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.PassAsync(ReadKind.Changes, Ct);
        await table.Server.ExecuteAsync($"CREATE TABLE {table.Name}_c (LIKE {table.Name} INCLUDING ALL); INSERT INTO {table.Name}_c SELECT i, 'attached ' || i FROM generate_series(200, 1199) i");
        await table.Server.ExecuteAsync($"ALTER TABLE {table.Name} ATTACH PARTITION {table.Name}_c FOR VALUES FROM (200) TO (2000); UPDATE {table.Name} SET word = 'changed' WHERE id % 50 = 0");
        if (restarts) await first.DisposeAsync();
        await using var second = new Following(table.Options, log: log) { Saved = first.Saved };
        var following = restarts ? second : first;
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains(log.Lines, l => l.Contains($"public.{table.Name}_c came to public.{table.Name}", StringComparison.Ordinal));
        Assert.Equal(1000, following.Held.Count(h => int.Parse(h.Key) >= 200));
        Assert.Contains("changed", following.Held["1000"], StringComparison.Ordinal);

        // It is read once.
        Assert.Equal(0, await following.PassAsync(ReadKind.Changes, Ct));
        await table.Server.ExecuteAsync($"ALTER TABLE {table.Name} DETACH PARTITION {table.Name}_a");
        Assert.Equal(0, await following.PassAsync(ReadKind.Changes, Ct));
        Assert.Equal(0, await following.PassAsync(ReadKind.Changes, Ct));
        Assert.Single(log.Lines, l => l.Contains($"public.{table.Name}_a went from public.{table.Name}", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Rows_of_a_partition_that_was_made_after_the_pass_was_planned_are_not_missed()
    {
        await using var table = await DividedTable.MakeAsync(await shared.GetAsync());
        await using var first = new Following(table.Options);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.DisposeAsync();
        await using var source = new PostgresSource(table.Options, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>(), new SourceTuning());
        var log = (await source.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 1, first.Saved), Ct)).Single(p => p.Id.Value.EndsWith("!log", StringComparison.Ordinal));
        await table.Server.ExecuteAsync($"CREATE TABLE {table.Name}_c PARTITION OF {table.Name} FOR VALUES FROM (200) TO (2000)");
        await table.Server.ExecuteAsync($"INSERT INTO {table.Name} SELECT i, 'new ' || i FROM generate_series(200, 299) i");
        var records = 0;
        await foreach (var batch in source.ReadAsync(log, log.Start, Ct))
        {
            records += batch.Count;
            batch.Dispose();
        }

        Assert.Equal(100, records);
    }

    [Fact]
    public async Task A_partition_that_is_detached_in_the_middle_of_a_transaction_that_is_read_hides_no_other_changes()
    {
        await using var table = await DividedTable.MakeAsync(await shared.GetAsync());
        await table.Server.ExecuteAsync($"CREATE TABLE {table.Name}_c PARTITION OF {table.Name} FOR VALUES FROM (1000) TO (3000); CREATE TABLE {table.Name}_d PARTITION OF {table.Name} FOR VALUES FROM (3000) TO (6000)");
        await using var first = new Following(table.Options);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.PassAsync(ReadKind.Changes, Ct);
        await first.DisposeAsync();
        await table.Server.ExecuteAsync($"INSERT INTO {table.Name} SELECT i, 'one transaction' FROM generate_series(1000, 5999) i");

        // 1,000 changes are read at once: of the partition that is detached then.
        var tuning = new SourceTuning { BatchRecords = 1000 };
        await using var source = new PostgresSource(table.Options, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>(), tuning);
        var log = (await source.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 1, first.Saved), Ct)).Single(p => p.Id.Value.EndsWith("!log", StringComparison.Ordinal));
        var saved = first.Saved.ToDictionary();
        await foreach (var batch in source.ReadAsync(log, saved.GetValueOrDefault(log.Id, log.Start), Ct))
        {
            using (batch) saved[log.Id] = batch.End;
            if (PostgresPosition.Parse(saved[log.Id]) is LogPosition { Index: 1000 }) break;
        }

        Assert.Equal(1000, Assert.IsType<LogPosition>(PostgresPosition.Parse(saved[log.Id])).Index);
        await source.DisposeAsync();
        await table.Server.ExecuteAsync($"ALTER TABLE {table.Name} DETACH PARTITION {table.Name}_c");
        await using var second = new Following(table.Options, tuning) { Saved = saved };
        await second.PassAsync(ReadKind.Changes, Ct);
        Assert.Equal(Enumerable.Range(3000, 3000), second.Held.Keys.Select(int.Parse).Where(k => k >= 3000).Order());
        await table.Server.ExecuteAsync($"DROP TABLE {table.Name}_c");
    }

    [Fact]
    public async Task Documents_follow_when_partitions_of_another_of_their_tables_come_and_go()
    {
        var server = await shared.GetAsync();
        await using var tags = await DividedTable.MakeAsync(server);
        using var folder = new TemporaryFolder();
        var options = await RootOfAsync(tags, folder);
        var log = new ListLog<PostgresSource>();
        await using (var following = new Following(options, log: log))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            await following.PassAsync(ReadKind.Changes, Ct);
            Assert.EndsWith("\"word\":\"first 60\"}", following.Held["60"], StringComparison.Ordinal);
            await server.ExecuteAsync($"DROP TABLE {tags.Name}_a");
            await following.PassAsync(ReadKind.Changes, Ct);
            Assert.EndsWith("\"word\":null}", following.Held["60"], StringComparison.Ordinal);
            Assert.Contains(log.Lines, l => l.Contains($"partitions of public.{tags.Name} came or went", StringComparison.Ordinal));
            Assert.Equal(0, await following.PassAsync(ReadKind.Changes, Ct));
        }

        await server.ExecuteAsync($"DROP TABLE {tags.Name}_root");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Rows_that_come_with_a_partition_of_another_of_their_tables_change_their_documents_only(bool isBrokenOff)
    {
        var server = await shared.GetAsync();
        await using var tags = await DividedTable.MakeAsync(server);
        using var folder = new TemporaryFolder();
        var options = await RootOfAsync(tags, folder);
        var log = new ListLog<PostgresSource>();
        await using var first = new Following(options, log: log);
        await first.PassAsync(ReadKind.Snapshot, Ct);
        await first.PassAsync(ReadKind.Changes, Ct);
        await server.ExecuteAsync($"CREATE TABLE {tags.Name}_c (LIKE {tags.Name} INCLUDING ALL); INSERT INTO {tags.Name}_c SELECT i, 'attached ' || i FROM generate_series(200, 249) i");
        await server.ExecuteAsync($"ALTER TABLE {tags.Name} ATTACH PARTITION {tags.Name}_c FOR VALUES FROM (200) TO (2000); UPDATE {tags.Name} SET word = 'changed' WHERE id = 100");
        await first.DisposeAsync();
        await using var second = new Following(options, log: log) { Saved = first.Saved };
        foreach (var (key, json) in first.Held) second.Held[key] = json;
        if (isBrokenOff)
        {
            // Of what was planned the beginning is saved, and nothing is read.
            await using var source = new PostgresSource(options, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>(), new SourceTuning());
            var parts = await source.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 1, first.Saved), Ct);
            second.Saved = parts.ToDictionary(p => p.Id, p => p.Id.Value.EndsWith("!log", StringComparison.Ordinal) ? first.Saved[p.Id] : p.Start);
        }

        Assert.Equal(51, await second.PassAsync(ReadKind.Changes, Ct));
        Assert.EndsWith("\"word\":\"attached 249\"}", second.Held["249"], StringComparison.Ordinal);
        Assert.EndsWith("\"word\":\"changed\"}", second.Held["100"], StringComparison.Ordinal);
        Assert.Equal(isBrokenOff ? 0 : 1, log.Lines.Count(l => l.Contains($"public.{tags.Name}_c came to public.{tags.Name}", StringComparison.Ordinal)));
        Assert.DoesNotContain(log.Lines, l => l.Contains("copied anew", StringComparison.Ordinal));

        // It is read once, and followed.
        Assert.Equal(0, await second.PassAsync(ReadKind.Changes, Ct));
        Assert.DoesNotContain(second.Partitions, p => p.Id.Value.Contains("attached", StringComparison.Ordinal));
        await server.ExecuteAsync($"UPDATE {tags.Name} SET word = 'later' WHERE id = 220");
        await second.PassAsync(ReadKind.Changes, Ct);
        Assert.EndsWith("\"word\":\"later\"}", second.Held["220"], StringComparison.Ordinal);
        await second.DisposeAsync();
        await server.ExecuteAsync($"DROP TABLE {tags.Name}_root");
    }

    // Documents of ids 1 to 250, each with the word of its row in a table of partitions.
    private static async Task<PostgresSourceOptions> RootOfAsync(DividedTable tags, TemporaryFolder folder)
    {
        var name = tags.Name + "_root";
        await tags.Server.ExecuteAsync($"CREATE TABLE {name} (id int PRIMARY KEY); INSERT INTO {name} SELECT i FROM generate_series(1, 250) i");
        var file = folder.File("documents.yaml");
        await File.WriteAllTextAsync(file, $"""
            root: {name}
            document: SELECT r.id, (SELECT max(t.word) FROM {tags.Name} t WHERE t.id = r.id) AS word FROM {name} r WHERE r.id = ANY(@keys)
            tables:
              - table: {tags.Name}
                roots: SELECT id FROM {tags.Name} WHERE id = ANY(@keys)
            """, Ct);
        return tags.Options with { Table = "", Documents = file };
    }

    [Fact]
    public async Task Following_by_the_rows_themselves_tells_that_partitions_came()
    {
        await using var table = await DividedTable.MakeAsync(await shared.GetAsync());
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(table.Options with { Follow = FollowWay.UpdatedColumn }, log: log);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        await table.Server.ExecuteAsync($"CREATE TABLE {table.Name}_c PARTITION OF {table.Name} FOR VALUES FROM (200) TO (2000)");
        await following.PassAsync(ReadKind.Changes, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Single(log.Lines, l => l.Contains($"Partitions of public.{table.Name} came or went", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_partition_of_which_the_log_tells_nothing_is_refused(bool isFollowed)
    {
        await using var table = await DividedTable.MakeAsync(await shared.GetAsync());
        await using var following = new Following(table.Options);
        if (isFollowed) await following.PassAsync(ReadKind.Snapshot, Ct);
        await table.Server.ExecuteAsync($"CREATE UNLOGGED TABLE {table.Name}_u PARTITION OF {table.Name} FOR VALUES FROM (200) TO (300)");
        var refused = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(isFollowed ? ReadKind.Changes : ReadKind.Snapshot, Ct));
        Assert.Equal(PostgresErrors.CannotReplicate, refused.Error);
        Assert.Contains($"{table.Name}_u is UNLOGGED", refused.Message, StringComparison.Ordinal);
        await table.Server.ExecuteAsync($"ALTER TABLE {table.Name}_u SET LOGGED; INSERT INTO {table.Name} VALUES (200, 'logged')");
        await using var second = new Following(table.Options) { Saved = following.Saved };
        await second.PassAsync(isFollowed ? ReadKind.Changes : ReadKind.Snapshot, Ct);
        Assert.Contains("200", second.Held.Keys);
    }

    /// <summary>A table of 100 rows in two partitions, <c>_a</c> up to 99 and <c>_b</c> from 100 on.</summary>
    private sealed class DividedTable(PostgresServer server, string name) : IAsyncDisposable
    {
        public PostgresServer Server => server;

        public string Name => name;

        public PostgresSourceOptions Options => new()
        {
            Host = server.Host, Port = server.Port, User = server.User, Table = name, Follow = FollowWay.Changes, Slot = name, Publication = name,
        };

        public static async Task<DividedTable> MakeAsync(PostgresServer server)
        {
            var name = "divided_" + Guid.NewGuid().ToString("N")[..16];
            await server.ExecuteAsync($"CREATE TABLE {name} (id int PRIMARY KEY, word text) PARTITION BY RANGE (id)");
            await server.ExecuteAsync($"CREATE TABLE {name}_a PARTITION OF {name} FOR VALUES FROM (0) TO (100); CREATE TABLE {name}_b PARTITION OF {name} FOR VALUES FROM (100) TO (200)");
            await server.ExecuteAsync($"INSERT INTO {name} SELECT i, 'first ' || i FROM generate_series(50, 149) i");
            return new DividedTable(server, name);
        }

        public async ValueTask DisposeAsync()
        {
            await server.DropSlotAsync(name);
            await server.ExecuteAsync($"DROP TABLE IF EXISTS {name}, {name}_a CASCADE");
        }
    }
}
