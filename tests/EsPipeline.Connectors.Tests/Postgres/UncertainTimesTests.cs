using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Npgsql;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Rows whose times are not those of this server's visible transactions, or not of its time zone.</summary>
public sealed class UncertainTimesTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("")]
    [InlineData("PARTITION BY RANGE (id)")]
    public async Task What_a_subscription_brings_with_the_publisher_s_times_is_not_missed(string division)
    {
        // On a server of its own, whose other database is the publisher.
        await using var server = await PostgresServer.StartAsync();
        await server.ExecuteAsync("CREATE DATABASE publisher");
        await using var publisher = NpgsqlDataSource.Create($"Host={server.Host};Port={server.Port};Username={server.User};Database=publisher");
        const string Make = "CREATE TABLE brought (id int PRIMARY KEY, word text, updated timestamptz NOT NULL DEFAULT now())";
        await AtPublisherAsync($"{Make}; CREATE PUBLICATION brought FOR TABLE brought");
        await AtPublisherAsync("SELECT pg_create_logical_replication_slot('brought', 'pgoutput')");
        await server.ExecuteAsync($"{Make} {division}");
        if (division.Length > 0) await server.ExecuteAsync("CREATE TABLE brought_a PARTITION OF brought FOR VALUES FROM (0) TO (100)");
        await server.ExecuteAsync($"CREATE SUBSCRIPTION brought CONNECTION 'host={server.Host} port={server.Port} user={server.User} dbname=publisher' PUBLICATION brought WITH (create_slot = false, copy_data = false)");
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(
            new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Table = "brought", UpdatedColumn = "updated" }, log: log);
        await BringAsync(1, "now()");
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);

        // As one that was committed late, or came late.
        await BringAsync(2, "now() - interval '1 hour'");
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Equal(["1", "2"], following.Held.Keys.Order());
        Assert.Single(log.Lines, l => l.Contains("A subscription", StringComparison.Ordinal));

        async Task BringAsync(int id, string time)
        {
            await AtPublisherAsync($"INSERT INTO brought VALUES ({id}, 'word', {time})");
            await Eventually.IsAsync(async () => await server.ScalarAsync<long>($"SELECT count(*) FROM brought WHERE id = {id}") > 0, $"row {id} has been brought");
        }

        async Task AtPublisherAsync(string sql)
        {
            await using var command = publisher.CreateCommand(sql);
            await command.ExecuteNonQueryAsync(Ct);
        }
    }

    [Fact]
    public async Task A_transaction_that_tells_nothing_of_itself_is_waited_for()
    {
        // On a server of its own: while such a one is open, nobody's updated column can be followed.
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.UpdatedColumn, Ct);
        await server.ExecuteAsync("CREATE ROLE quiet LOGIN SUPERUSER; ALTER ROLE quiet SET track_activities = off");
        await using var quiet = NpgsqlDataSource.Create($"Host={server.Host};Port={server.Port};Username=quiet;Database=postgres");
        await using var session = await quiet.OpenConnectionAsync(Ct);
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(set.Options, log: log);
        await following.PassAsync(ReadKind.Snapshot, Ct);

        // A session between two transactions keeps nobody waiting.
        await set.PutAsync([new Document("first", "{}")], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains("first", following.Held.Keys);
        Assert.DoesNotContain(log.Lines, IsToldOfIt);

        await using (var transaction = await session.BeginTransactionAsync(Ct))
        {
            await ExecuteAsync("SELECT now()");
            await set.PutAsync([new Document("second", "{}")], Ct);
            await following.PassAsync(ReadKind.Changes, Ct);
            await following.PassAsync(ReadKind.Changes, Ct);
            Assert.DoesNotContain("second", following.Held.Keys);
            Assert.Single(log.Lines, IsToldOfIt);
            await ExecuteAsync($"INSERT INTO {set.Table} VALUES ('quiet', '{{}}')");
            await transaction.CommitAsync(Ct);
        }

        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains("second", following.Held.Keys);
        Assert.Contains("quiet", following.Held.Keys);

        bool IsToldOfIt(string line) => line.Contains($"The backends {session.ProcessID} have track_activities = off", StringComparison.Ordinal);

        async Task ExecuteAsync(string sql)
        {
            await using var command = new NpgsqlCommand(sql, session);
            await command.ExecuteNonQueryAsync(Ct);
        }
    }

    [Fact]
    public async Task A_reader_that_tells_nothing_of_its_own_transactions_finds_changes_by_age()
    {
        // On a server of its own: while such a one reads, nobody's updated column can be followed.
        await using var server = await PostgresServer.StartAsync();
        await using var set = await PostgresDataSet.SeedAsync(server, [.. Corpus.Plain(10)], FollowWay.UpdatedColumn, Ct);
        await server.ExecuteAsync($"CREATE ROLE reader LOGIN; ALTER ROLE reader SET track_activities = off; GRANT pg_read_all_stats TO reader; GRANT SELECT ON {set.Table} TO reader");
        var log = new ListLog<PostgresSource>();
        await using var following = new Following(set.Options with { User = "reader" }, log: log);
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await set.PutAsync([new Document("new", "{}")], Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Contains("new", following.Held.Keys);
        Assert.Contains(log.Lines, l => l.Contains("see when others' transactions began", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("timestamp", "America/New_York", null, true)]
    [InlineData("timestamp", "Europe/London", null, true)]
    [InlineData("timestamp", "America/New_York", "SELECT * FROM {0}", true)]
    [InlineData("date", "Asia/Tokyo", null, true)]
    [InlineData("timestamp", "Etc/GMT", null, false)]
    [InlineData("timestamptz", "America/New_York", null, false)]
    public async Task Times_without_a_zone_that_are_selected_are_told_where_they_may_not_be_utc(string type, string zone, string? query, bool told)
    {
        var server = await shared.GetAsync();
        var name = "zoned_" + Guid.NewGuid().ToString("N")[..16];
        await server.ExecuteAsync($"CREATE TABLE {name} (id int PRIMARY KEY, at {type}); CREATE ROLE {name} LOGIN; ALTER ROLE {name} SET TimeZone = '{zone}'; GRANT SELECT ON {name} TO {name}");
        var log = new ListLog<PostgresSource>();
        var options = new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = name, Table = name };
        var selection = new Selection(query?.Replace("{0}", name, StringComparison.Ordinal), Since: DateTimeOffset.UnixEpoch, TimestampField: "at");
        await using (var source = new PostgresSource(options, new RunOptions { Query = selection.Query, Mode = RunMode.Custom }, TimeProvider.System, log))
        {
            for (var i = 0; i < 2; i++) await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, selection, 1, new Dictionary<PartitionId, Position>()), Ct);
        }

        Assert.Equal(told ? 1 : 0, log.Lines.Count(l => l.Contains("'at' of", StringComparison.Ordinal) && l.Contains(zone, StringComparison.Ordinal)));
        await server.ExecuteAsync($"DROP TABLE {name}; DROP ROLE {name}");
    }
}
