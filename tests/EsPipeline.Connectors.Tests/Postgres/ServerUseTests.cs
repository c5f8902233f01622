using System.Net.NetworkInformation;
using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Npgsql;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>How many connections are used, and what tables and transactions of unusual kinds come to.</summary>
public sealed class ServerUseTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task The_pool_is_never_exceeded_but_for_the_stream_of_changes_and_its_session(int pool)
    {
        var server = await shared.GetAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(20_000)], FollowWay.Changes, Ct);
        var user = "pool" + Guid.NewGuid().ToString("N")[..12];
        await server.ExecuteAsync($"CREATE ROLE {user} LOGIN SUPERUSER");
        using var ended = new CancellationTokenSource();
        var most = MostSessionsAsync(server, user, ended.Token);
        await using (var source = new PostgresSource(
            set.Options with { PoolSize = pool, User = user }, new RunOptions(), TimeProvider.System, new ListLog<PostgresSource>(), new SourceTuning { LeastBlocks = 1 }))
        {
            var partitions = await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 8, new Dictionary<PartitionId, Position>()), Ct);
            Assert.Equal(Math.Max(2, pool) - 1, partitions.Count);
            var counts = await Task.WhenAll(partitions.Select(async p =>
            {
                var records = 0;
                await foreach (var batch in source.ReadAsync(p, p.Start, Ct))
                {
                    records += batch.Count;
                    batch.Dispose();
                }

                return records;
            }));
            Assert.Equal(20_000, counts.Sum());
        }

        await using (var following = new Following(set.Options with { PoolSize = pool, User = user }))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            await set.PutAsync([.. Corpus.Plain(500, seed: 2)], Ct);
            await following.PassAsync(ReadKind.Changes, Ct);
            Assert.Equal(1, (await SessionsAsync(server, user)).Streams);
        }

        await ended.CancelAsync();
        var (pooled, streams) = await most;

        // How many of them are seen depends on when the server is looked at; that there are never more is what counts.
        Assert.InRange(pooled, 1, Math.Max(2, pool) + 1);
        Assert.InRange(streams, 0, 1);
        await server.DropSlotAsync(set.Table);
        await server.ExecuteAsync($"DROP ROLE {user}");
    }

    [Theory]
    [InlineData(FollowWay.Changes, true)]
    [InlineData(FollowWay.Changes, false)]
    [InlineData(FollowWay.UpdatedColumn, true)]
    public async Task Partitions_that_are_added_and_rows_that_move_between_them_are_followed(FollowWay way, bool published)
    {
        var server = await shared.GetAsync();
        var table = "parts_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE TABLE {table} (id int PRIMARY KEY, word text, updated timestamptz NOT NULL DEFAULT now()) PARTITION BY RANGE (id)");
        await server.ExecuteAsync($"CREATE TABLE {table}_a PARTITION OF {table} FOR VALUES FROM (0) TO (100); CREATE TABLE {table}_b PARTITION OF {table} FOR VALUES FROM (100) TO (200)");
        await server.ExecuteAsync($"INSERT INTO {table} SELECT i, 'first ' || i FROM generate_series(50, 149) i");

        // What an earlier test has left open a moment longer than its session would hold the rows back.
        if (way == FollowWay.UpdatedColumn) await server.IsAtRestAsync();
        if (published) await server.ExecuteAsync($"CREATE PUBLICATION {table} FOR TABLE {table}");
        var options = new PostgresSourceOptions
        {
            Host = server.Host, Port = server.Port, User = server.User, Table = table, Follow = way, UpdatedColumn = "updated", Slot = table, Publication = table,
        };
        await using (var following = new Following(options))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            await SameAsync();
            await server.ExecuteAsync($"UPDATE {table} SET word = 'second', updated = clock_timestamp() WHERE id % 10 = 0");
            await following.PassAsync(ReadKind.Changes, Ct);
            await SameAsync();

            // A new partition gets rows, and others move into it.
            await server.ExecuteAsync($"CREATE TABLE {table}_c PARTITION OF {table} FOR VALUES FROM (200) TO (300)");
            await server.ExecuteAsync($"INSERT INTO {table} SELECT i, 'third ' || i, clock_timestamp() FROM generate_series(200, 220) i");
            if (way == FollowWay.Changes) await server.ExecuteAsync($"UPDATE {table} SET id = id + 100, updated = clock_timestamp() WHERE id BETWEEN 140 AND 145");
            await following.PassAsync(ReadKind.Changes, Ct);
            await SameAsync();

            async Task SameAsync() => ContentAssert.Same(
                (await server.RowsAsync($"SELECT id::text, row_to_json(t)::text FROM {table} t")).Select(r => new Document(r[0], r[1])), following.Held);
        }

        await server.DropSlotAsync(table);
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Theory]
    [InlineData(FollowWay.Changes)]
    [InlineData(FollowWay.UpdatedColumn)]
    public async Task A_prepared_transaction_is_followed_once_it_is_committed(FollowWay way)
    {
        // On a server of its own: while one is open, nobody's updated column can be followed.
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(50)], way, Ct);
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(set.Options, log: log);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await using (var connection = await server.Pool.OpenConnectionAsync(Ct))
        {
            await using var command = new NpgsqlCommand($"BEGIN; INSERT INTO {set.Table} VALUES ('prepared', '{{\"n\":1}}'); PREPARE TRANSACTION 'late'", connection);
            await command.ExecuteNonQueryAsync(Ct);
        }

        await set.PutAsync([.. Corpus.Plain(60).Skip(50)], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.DoesNotContain("prepared", following.Held.Keys);
        if (way == FollowWay.UpdatedColumn) Assert.Contains(log.Lines, l => l.Contains("pg_prepared_xacts", StringComparison.Ordinal));
        else Assert.Equal(60, following.Held.Count);
        await server.ExecuteAsync("COMMIT PREPARED 'late'");
        await following.PassAsync(ReadKind.Changes, Ct);
        ContentAssert.Same(Corpus.Plain(60).Append(new Document("prepared", "{\"n\":1}")), following.Held);
    }

    private static async Task<(int Pooled, int Streams)> MostSessionsAsync(PostgresServer server, string user, CancellationToken ended)
    {
        var (pooled, streams) = (0, 0);
        while (!ended.IsCancellationRequested)
        {
            var now = await SessionsAsync(server, user);
            (pooled, streams) = (Math.Max(pooled, now.Pooled), Math.Max(streams, now.Streams));
        }

        return (pooled, streams);
    }

    // The server takes a moment to see that a session has ended: those count whose connection is still open here after the server was asked.
    private static async Task<(int Pooled, int Streams)> SessionsAsync(PostgresServer server, string user)
    {
        var sessions = await server.RowsAsync($"SELECT backend_type, client_port::text FROM pg_stat_activity WHERE usename = '{user}'");
        var open = IPGlobalProperties.GetIPGlobalProperties().GetActiveTcpConnections()
            .Where(c => c.State == TcpState.Established && c.RemoteEndPoint.Port == server.Port)
            .Select(c => c.LocalEndPoint.Port.ToString(System.Globalization.CultureInfo.InvariantCulture)).ToHashSet();
        var types = sessions.Where(s => open.Contains(s[1])).Select(s => s[0]).ToArray();
        return (types.Count(t => t == "client backend"), types.Count(t => t == "walsender"));
    }
}
