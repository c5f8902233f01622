using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Npgsql;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>How long the server may be silent, and what it may be set to that would end reading before.</summary>
public sealed class PatienceTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_select_may_be_silent_as_long_as_it_is_told_and_leaves_nothing_behind_when_it_is_given_up()
    {
        var server = await shared.GetAsync();
        var mark = "patience_" + Guid.NewGuid().ToString("N")[..16];
        var options = new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Key = ["id"], Timeout = TimeSpan.FromSeconds(1) };
        var query = $"SELECT '{mark}' AS id, pg_sleep(2)::text AS slept";
        var refused = await Assert.ThrowsAsync<PipelineException>(() => CountAsync(options, $"SELECT '{mark}' AS id, pg_sleep(3000)::text AS slept"));
        Assert.Equal(PostgresErrors.Timeout, refused.Error);
        Assert.Contains("--pg-timeout", refused.Remedy, StringComparison.Ordinal);
        Assert.Equal(1, await CountAsync(options with { Timeout = TimeSpan.FromSeconds(30) }, query));

        // The server finds out by itself that nobody waits for an answer.
        var active = $"SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%{mark}%' AND pid <> pg_backend_pid()";
        await Eventually.IsAsync(async () => await server.ScalarAsync<long>(active) == 0, "the server has ended the statement that was given up");
    }

    [Theory]
    [InlineData("statement_timeout = '2s'")]
    [InlineData("lock_timeout = '2s'")]
    [InlineData("idle_session_timeout = '2s'")]
    [InlineData("idle_in_transaction_session_timeout = '2s'")]
    public async Task A_limit_that_the_role_has_does_not_end_reading(string limit)
    {
        var server = await shared.GetAsync();
        var role = "limited_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE ROLE {role} LOGIN; ALTER ROLE {role} SET {limit}");
        var options = new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = role, Key = ["id"] };
        var setting = limit.Split(' ')[0];
        var found = new List<string>();
        Assert.Equal(1, await CountAsync(options, $"SELECT current_setting('{setting}') AS id, pg_sleep(2.5)::text AS slept", found));
        Assert.Equal(["0"], found);
        await server.ExecuteAsync($"DROP ROLE {role}");
    }

    [Fact]
    public async Task Rows_without_a_time_that_take_too_long_to_count_are_left_uncounted_and_reading_goes_on()
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.UpdatedColumn, Ct);
        var (tuning, log) = (new SourceTuning { Timeout = TimeSpan.FromSeconds(4) }, new ListLog<PostgresSource>());
        await using var database = new PostgresDatabase(set.Options, tuning.Timeout, readOnly: true, TimeProvider.System);
        var documents = await database.CallAsync("", (connection, stop) => DocumentCatalog.ReadAsync(connection, set.Options, Selection.Everything, tuning, stop), Ct);
        var times = new TimeSafety(database, set.Options, tuning, TimeProvider.System, log);
        await using (var holder = await server.Pool.OpenConnectionAsync(Ct))
        {
            await using var transaction = await holder.BeginTransactionAsync(Ct);
            await using (var command = new NpgsqlCommand($"LOCK TABLE {set.Table} IN ACCESS EXCLUSIVE MODE", holder, transaction)) await command.ExecuteNonQueryAsync(Ct);
            Assert.True(await times.IsSafeAsync(documents.Root, Ct));
        }

        Assert.Single(log.Lines, l => l.Contains("could not be counted within 4 s", StringComparison.Ordinal));
        Assert.True(await times.IsSafeAsync(documents.Root, Ct));
    }

    [Fact]
    public async Task Changes_are_looked_for_by_age_in_windows_of_blocks()
    {
        // On a server of its own, which logs its statements.
        await using var server = await PostgresServer.StartAsync("log_statement=all");
        var options = new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Table = "aged" };
        await server.ExecuteAsync("CREATE TABLE aged (id int PRIMARY KEY, word text) WITH (fillfactor = 50)");
        await server.ExecuteAsync("INSERT INTO aged SELECT i, repeat('x', 100) FROM generate_series(1, 2000) i");
        var blocks = await server.ScalarAsync<long>("SELECT pg_relation_size('aged') / 8192");
        Assert.InRange(blocks, 40, 200);
        await using var following = new Following(options, new SourceTuning { HorizonMargin = TimeSpan.Zero, BatchRecords = 10, WindowBlocks = 3 });
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);

        // The first and the last row of each block.
        await server.ExecuteAsync("""
            UPDATE aged SET word = 'changed' WHERE id IN (SELECT min(id) FROM aged GROUP BY split_part(ctid::text, ',', 1) UNION SELECT max(id) FROM aged GROUP BY split_part(ctid::text, ',', 1))
            """);
        await following.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same((await server.RowsAsync("SELECT id::text, row_to_json(t)::text FROM aged t")).Select(r => new Document(r[0], r[1])), following.Held);
        Assert.Equal(0, await following.PassAsync(ReadKind.Changes, Ct));
        var log = await server.ScalarAsync<string>("SELECT pg_read_file(current_setting('data_directory') || '/../log')");
        var looks = log!.Split('\n').Where(l => l.Contains("DECLARE changed", StringComparison.Ordinal)).ToArray();
        Assert.All(looks, l => Assert.Contains("ctid <", l, StringComparison.Ordinal));
        Assert.InRange(looks.Length, 3 * blocks / 3, 6 * blocks / 3);
    }

    private static async Task<long> CountAsync(PostgresSourceOptions options, string query, List<string>? keys = null)
    {
        await using var source = new PostgresSource(options, new RunOptions { Query = query, Mode = RunMode.Custom }, TimeProvider.System, new ListLog<PostgresSource>());
        var part = Assert.Single(await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, new Selection(query), 1, new Dictionary<PartitionId, Position>()), Ct));
        var records = 0L;
        await foreach (var batch in source.ReadAsync(part, part.Start, Ct))
        {
            using (batch)
            {
                records += batch.Count;
                for (var i = 0; i < batch.Count; i++) keys?.Add(System.Text.Encoding.UTF8.GetString(batch.Records.Span[i].Key.Span));
            }
        }

        return records;
    }
}
