using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Tables that can't be read by the places and keys of their rows.</summary>
public sealed class ReadableTableTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("heap_tableam_handler", true)]
    [InlineData("{0}", false)]
    public async Task A_table_of_another_access_method_than_heap_is_refused(string handler, bool isRead)
    {
        var server = await shared.GetAsync();
        var table = "method_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE FUNCTION {table}(internal) RETURNS table_am_handler LANGUAGE internal AS 'heap_tableam_handler'");
        await server.ExecuteAsync($"CREATE ACCESS METHOD {table} TYPE TABLE HANDLER {handler.Replace("{0}", table, StringComparison.Ordinal)}");
        await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY) USING {table}; INSERT INTO {table} SELECT generate_series(1, 10)");
        await using (var following = new Following(Options(server, table)))
        {
            if (isRead) Assert.Equal(10, await following.PassAsync(ReadKind.Snapshot, Ct));
            else await IsRefusedAsync(following, PostgresErrors.NotATable, $"the access method {table}");
        }

        await server.ExecuteAsync($"DROP TABLE {table}; DROP ACCESS METHOD {table}; DROP FUNCTION {table}");
    }

    // Extensions that keep rows elsewhere are not to be had here: to one user the server tells that every file is empty.
    [Fact]
    public async Task A_table_whose_rows_do_not_lie_in_its_own_file_is_refused()
    {
        var server = await shared.GetAsync();
        var table = "elsewhere_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY); CREATE ROLE {table} LOGIN; GRANT SELECT ON {table} TO {table}; CREATE SCHEMA {table}");
        await server.ExecuteAsync($"CREATE FUNCTION {table}.pg_relation_size(oid) RETURNS bigint LANGUAGE sql AS 'SELECT 0::bigint'");
        await server.ExecuteAsync($"GRANT USAGE ON SCHEMA {table} TO {table}; ALTER ROLE {table} SET search_path = {table}, pg_catalog, public");
        await using (var following = new Following(Options(server, table) with { User = table }))
        {
            Assert.Equal(0, await following.PassAsync(ReadKind.Snapshot, Ct));
        }

        await server.ExecuteAsync($"INSERT INTO {table} SELECT generate_series(1, 10)");
        await using (var following = new Following(Options(server, table) with { User = table })) await IsRefusedAsync(following, PostgresErrors.NotATable, "its own file is empty");
        await server.ExecuteAsync($"DROP SCHEMA {table} CASCADE; DROP TABLE {table}; DROP ROLE {table}");
    }

    [Theory]
    [InlineData("CREATE UNIQUE INDEX ON {0} (a, b)", "a,b", true)]
    [InlineData("CREATE UNIQUE INDEX ON {0} (a)", "a,b", true)]
    [InlineData("CREATE UNIQUE INDEX ON {0} (b) INCLUDE (a)", "a,b", true)]
    [InlineData("CREATE UNIQUE INDEX ON {0} (a, b)", "a", false)]
    [InlineData("CREATE UNIQUE INDEX ON {0} (a) INCLUDE (b)", "b", false)]
    [InlineData("CREATE UNIQUE INDEX ON {0} (a) WHERE a > 0", "a", false)]
    [InlineData("CREATE UNIQUE INDEX ON {0} ((a + 1))", "a", false)]
    [InlineData("CREATE INDEX ON {0} (a)", "a", false)]
    [InlineData("SELECT 1", "a,b", false)]
    public async Task A_key_that_no_unique_index_keeps_is_refused(string index, string key, bool isRead)
    {
        var server = await shared.GetAsync();
        var table = "keyed_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (a int NOT NULL, b int NOT NULL, n int); INSERT INTO {table} SELECT i, i + 1, i FROM generate_series(1, 10) i");
        await server.ExecuteAsync(index.Replace("{0}", table, StringComparison.Ordinal));
        await using (var following = new Following(Options(server, table) with { Key = key.Split(',') }))
        {
            if (isRead) Assert.Equal(10, await following.PassAsync(ReadKind.Snapshot, Ct));
            else await IsRefusedAsync(following, PostgresErrors.NoKey, "no unique index");
        }

        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    // A unique index of the whole table would have to have the column that divides it.
    [Theory]
    [InlineData("a", true)]
    [InlineData("n", false)]
    public async Task A_key_of_each_partition_is_taken_for_one_of_the_whole_table(string key, bool isRead)
    {
        var server = await shared.GetAsync();
        var table = "keyed_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (a int NOT NULL, day int NOT NULL, n int NOT NULL, PRIMARY KEY (a, day)) PARTITION BY RANGE (day)");
        await server.ExecuteAsync($"CREATE TABLE {table}_1 PARTITION OF {table} FOR VALUES FROM (0) TO (5); CREATE TABLE {table}_2 PARTITION OF {table} FOR VALUES FROM (5) TO (20)");
        await server.ExecuteAsync($"CREATE UNIQUE INDEX ON {table}_1 (a); CREATE UNIQUE INDEX ON {table}_2 (a); INSERT INTO {table} SELECT i, i, i FROM generate_series(1, 10) i");
        await using (var following = new Following(Options(server, table) with { Key = [key] }))
        {
            if (isRead) Assert.Equal(10, await following.PassAsync(ReadKind.Snapshot, Ct));
            else await IsRefusedAsync(following, PostgresErrors.NoKey, "no unique index");
        }

        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Fact]
    public async Task A_key_that_may_be_null_is_refused_but_of_a_materialized_view()
    {
        var server = await shared.GetAsync();
        var table = "keyed_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (a int UNIQUE, n int); INSERT INTO {table} SELECT i, i FROM generate_series(1, 10) i");
        await server.ExecuteAsync($"CREATE MATERIALIZED VIEW {table}_view AS SELECT * FROM {table}; CREATE UNIQUE INDEX ON {table}_view (a)");
        await using (var following = new Following(Options(server, table) with { Key = ["a"] })) await IsRefusedAsync(following, PostgresErrors.NoKey, "'a' of public." + table);
        await using (var following = new Following(Options(server, table + "_view") with { Key = ["a"] })) Assert.Equal(10, await following.PassAsync(ReadKind.Snapshot, Ct));
        await server.ExecuteAsync($"DROP TABLE {table} CASCADE");
    }

    [Fact]
    public async Task That_tables_which_inherit_may_repeat_keys_is_told_and_of_rows_that_are_read_again_each_but_one_is_set_aside()
    {
        var server = await shared.GetAsync();
        var table = "parent_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY, word text); CREATE TABLE {table}_child () INHERITS ({table})");
        await server.ExecuteAsync($"INSERT INTO {table} VALUES (1, 'a'), (2, 'b'); INSERT INTO {table}_child VALUES (2, 'c'), (3, 'd')");
        var log = new ListLog<PostgresSource>();
        await using (var source = new PostgresSource(Options(server, table), new Core.Configuration.RunOptions(), TimeProvider.System, log))
        {
            var reading = await SourceReader.ReadAsync(source, new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<Core.Records.PartitionId, Core.Records.Position>()), Ct);
            Assert.Equal(3, reading.Apply().Count);
            Assert.Single(log.Lines, l => l.StartsWith("No index keeps the keys", StringComparison.Ordinal));
            await server.ExecuteAsync($"UPDATE {table} SET word = 'e'");
            var changes = await SourceReader.ReadAsync(source, new ReadPlan(ReadKind.Changes, Selection.Everything, 1, reading.Saved), Ct);
            Assert.Equal(PostgresErrors.KeyTwice, Assert.Single(changes.Batches.SelectMany(b => b.Malformed).Select(m => m.Found.Error).Distinct()));
            Assert.Single(log.Lines, l => l.StartsWith("No index keeps the keys", StringComparison.Ordinal));
        }

        await server.ExecuteAsync($"DROP TABLE {table} CASCADE");
    }

    private static PostgresSourceOptions Options(PostgresServer server, string table) => new() { Host = server.Host, Port = server.Port, User = server.User, Table = table };

    private static async Task IsRefusedAsync(Following following, ErrorCode error, string named)
    {
        var refused = await Assert.ThrowsAsync<PipelineException>(() => following.PassAsync(ReadKind.Snapshot, Ct));
        Assert.Equal(error, refused.Error);
        Assert.Contains(named, refused.Message, StringComparison.Ordinal);
    }
}
