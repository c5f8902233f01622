using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Tests.Firestore;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What a server that copies another can promise of its times, and what a machine's clock says around the end of summer time.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlReplicaTests
{
    private const string Table = "CREATE TABLE docs (id INT PRIMARY KEY, updated_at TIMESTAMP(6) NOT NULL)";
    private const long Second = 1_000_000;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_server_that_takes_no_writes_is_warned_of_once_and_by_the_health_check()
    {
        await using var server = await MariaDbServer.StartAsync(Ct);
        await using var database = await MySqlDatabase.CreateAsync(server);
        await database.ExecuteAsync(Table, "SET GLOBAL read_only=1");
        await using var source = database.Source(database.SourceOptions with { UpdatedColumn = "updated_at" }, new RunOptions { Mode = RunMode.Single });
        Assert.Contains("--overlap", Assert.Single((await Health.OfAsync(source)).Warnings), StringComparison.Ordinal);

        var log = new LogLines();
        var horizon = new FollowHorizon(TimeSpan.Zero, log);
        Assert.NotEqual(0, await AskAsync(server, horizon));
        Assert.NotEqual(0, await AskAsync(server, horizon));
        Assert.Single(log.Lines, l => l.Contains("--overlap", StringComparison.Ordinal));

        await server.ExecuteAsync("SET GLOBAL read_only=0");
        await using var writable = database.Source(database.SourceOptions with { UpdatedColumn = "updated_at" }, new RunOptions { Mode = RunMode.Single });
        Assert.Empty((await Health.OfAsync(writable)).Warnings);
    }

    [Theory]
    [InlineData("wsrep_on", "ON", true)]
    [InlineData("wsrep_on", "OFF", false)]
    [InlineData("group_replication_group_name", "aaaaaaaa-aaaa-aaaa-aaaa-aaaaaaaaaaaa", true)]
    [InlineData("group_replication_group_name", "", false)]
    public void One_of_a_cluster_is_warned_of_as_a_replica_is(string variable, string value, bool isWarned)
    {
        var server = MySqlServer.Of([["version", "10.11.6-MariaDB"], [variable, value]]);
        var warning = ReplicaState.Alone(server).Warning(server, TimeSpan.FromMinutes(2));
        Assert.Equal(isWarned, warning?.Contains("is one of a cluster", StringComparison.Ordinal) == true && warning.Contains("--overlap", StringComparison.Ordinal));
        Assert.Equal(isWarned, warning is not null);
    }

    [Fact]
    public async Task Nothing_is_complete_on_a_replica_that_is_stopped_and_what_it_is_behind_is_taken_off_where_it_runs()
    {
        await using var primary = await MariaDbServer.StartAsync(Ct, "--log-bin", "--server-id=1");
        await using var replica = await MariaDbServer.StartAsync(Ct, "--server-id=2");
        await primary.ExecuteAsync("CREATE DATABASE shop");
        await replica.ExecuteAsync($"CHANGE MASTER TO MASTER_HOST='127.0.0.1',MASTER_PORT={primary.Options.Port},MASTER_USER='root',MASTER_DELAY=3600");
        var log = new LogLines();
        var horizon = new FollowHorizon(TimeSpan.Zero, log);
        Assert.Equal(0, await AskAsync(replica, horizon));
        Assert.Contains("stopped", Assert.Single(log.Lines), StringComparison.Ordinal);

        await replica.ExecuteAsync("START SLAVE");
        await UntilBehindAsync(replica);
        var now = ServerTime.Of(TimeProvider.System.GetUtcNow());
        var complete = await AskAsync(replica, horizon);
        Assert.InRange(complete, now - (600 * Second), now - (3 * Second));
    }

    // The summer time of Central Europe ends at 1:00 UTC of 25 October 2026, when 3:00 becomes 2:00 again.
    [Fact]
    public async Task The_age_of_a_transaction_is_never_taken_for_less_than_it_may_be()
    {
        (string Started, string Now, string Age)[] cases =
        [
            ("2026-10-25 02:30:00", "2026-10-25 00:40:00", "600"),
            ("2026-10-25 02:30:00", "2026-10-25 01:10:00", "2400"),
            ("2026-10-25 02:05:00", "2026-10-25 01:10:00", "3900"),
            ("2026-10-25 02:30:00", "2026-10-25 01:40:00", "4200"),
            ("2026-10-25 04:30:00", "2026-10-25 03:40:00", "600"),
            ("2026-03-29 01:50:00", "2026-03-29 01:10:00", "4800"),
            ("2026-07-01 12:00:00", "2026-07-01 10:00:05", "5"),
        ];
        await using var server = await MariaDbServer.StartInAsync("CET-1CEST,M3.5.0,M10.5.0/3", Ct);
        await using var connection = await server.ConnectAsync();
        foreach (var (started, now, age) in cases)
        {
            Assert.Equal((started, now, age), (started, now, await connection.RunAsync(Ask, Ct)));

            string? Ask(MySqlSession session)
            {
                session.Execute($"SET timestamp=UNIX_TIMESTAMP('{now}')");
                return session.Rows($"SELECT {FollowHorizon.MostAge} FROM (SELECT TIMESTAMPDIFF(SECOND,'{started}',{FollowHorizon.MachineTime}) AS age) AS open")[0][0];
            }
        }
    }

    private static async Task<long> AskAsync(MariaDbServer server, FollowHorizon horizon)
    {
        await using var connection = await server.ConnectAsync();
        return await connection.RunAsync(s => horizon.Ask(s).Complete, Ct);
    }

    // A replica tells of a delay once it waits with what it has got.
    private static async Task UntilBehindAsync(MariaDbServer replica)
    {
        await using var connection = await replica.ConnectAsync();
        for (var i = 0; i < 240; i++)
        {
            var state = await connection.RunAsync(ReplicaState.Of, Ct);
            if (state is { IsStopped: false } && state.Lag > TimeSpan.FromSeconds(3)) return;
            await connection.RunAsync(session => session.Rows("SELECT SLEEP(0.5)"), Ct);
        }

        Assert.Fail("The replica was not behind within 2 minutes.");
    }
}
