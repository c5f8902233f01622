using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Engine;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>What a pass was planned with is lost while it is under way: the slot, the server's log, the server itself, a column.</summary>
public sealed class PlannedAnewTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(PipelineMode.Continuous)]
    [InlineData(PipelineMode.Single)]
    public async Task A_slot_that_is_dropped_while_a_pass_is_under_way_is_told_and_everything_is_copied_anew(PipelineMode mode)
    {
        await using var table = await WideTable.MakeAsync(await shared.GetAsync());
        await using var run = await InPassAsync(table, table.Options(), mode);
        await table.Server.LoseSlotAsync(table.Name);
        await table.Server.ExecuteAsync($"UPDATE {table.Name} SET word = 'unseen' WHERE id % 3 = 0");
        await IsCopiedAnewAsync(run, table, mode);
        Assert.Contains(run.Log.Lines, l => l.Contains($"the replication slot {table.Name} is missing", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(PipelineMode.Continuous)]
    [InlineData(PipelineMode.Single)]
    public async Task Log_that_the_server_removes_while_a_pass_is_under_way_is_told_and_everything_is_copied_anew(PipelineMode mode)
    {
        await using var server = await PostgresServer.StartAsync("max_slot_wal_keep_size=1MB", "min_wal_size=32MB", "wal_keep_size=0");
        await using var table = await WideTable.MakeAsync(server);
        await using var run = await InPassAsync(table, table.Options(), mode);
        await table.Server.ExecuteAsync($"UPDATE {table.Name} SET word = 'unseen' WHERE id % 3 = 0");
        await Eventually.IsAsync(
            async () =>
            {
                await server.ExecuteAsync("SELECT pg_switch_wal(); CREATE TABLE IF NOT EXISTS elsewhere (n int); INSERT INTO elsewhere VALUES (1); CHECKPOINT");
                return await server.ScalarAsync<string>($"SELECT wal_status FROM pg_replication_slots WHERE slot_name = '{table.Name}'") == "lost";
            },
            "the server has removed the slot's log");

        await IsCopiedAnewAsync(run, table, mode);
        Assert.Contains(run.Log.Lines, l => l.Contains($"the server has removed the log that the replication slot {table.Name} needed", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task After_a_failover_to_a_standby_that_has_no_slot_everything_is_copied_anew(bool inPass)
    {
        await using var primary = await PostgresServer.StartAsync();
        await using var standby = await primary.StartStandbyAsync();
        await using var proxy = new TcpProxy(primary.EndPoint);
        await using var table = await WideTable.MakeAsync(primary);
        var options = table.Options(port: proxy.EndPoint.Port);
        await using var run = inPass ? await InPassAsync(table, options, PipelineMode.Continuous) : new FollowedRun(options);
        if (!inPass)
        {
            await run.SnapshotAsync();
            run.Start(PipelineMode.Continuous);
            await table.Server.ExecuteAsync($"UPDATE {table.Name} SET word = 'seen' WHERE id = 1");
            await run.UntilSameAsync(table.DocumentsAsync);
        }

        await primary.ShownByAsync(standby);
        await primary.DownAsync("immediate");
        proxy.Server = standby.EndPoint;
        await standby.PromoteAsync();
        table.Server = standby;
        await standby.ExecuteAsync($"UPDATE {table.Name} SET word = 'unseen' WHERE id % 3 = 0");
        await IsCopiedAnewAsync(run, table, PipelineMode.Continuous);
    }

    // With the slot in place (which PostgreSQL 17 and extensions do) nothing but the timeline tells that the end of the log was never there.
    [Fact]
    public async Task After_a_failover_that_lost_the_end_of_the_log_everything_is_copied_anew()
    {
        await using var primary = await PostgresServer.StartAsync();
        await using var standby = await primary.StartStandbyAsync();
        await using var proxy = new TcpProxy(primary.EndPoint);
        await using var table = await WideTable.MakeAsync(primary);
        await using var run = new FollowedRun(table.Options(port: proxy.EndPoint.Port));
        await run.SnapshotAsync();
        await primary.ShownByAsync(standby);
        await standby.DownAsync("fast");
        standby.Pool.Clear();
        await primary.ExecuteAsync($"UPDATE {table.Name} SET word = 'lost'");
        run.Start(PipelineMode.Single);
        await run.EndAsync();
        Assert.All(run.Sink.Documents.Values, d => Assert.Contains("lost", d, StringComparison.Ordinal));

        await primary.DownAsync("immediate");
        proxy.Server = standby.EndPoint;
        await standby.UpAsync();
        await standby.PromoteAsync();
        table.Server = standby;
        await standby.ExecuteAsync($"SELECT pg_create_logical_replication_slot('{table.Name}', 'pgoutput')");
        for (var i = 0; i < 3; i++) await standby.ExecuteAsync($"UPDATE {table.Name} SET pad = pad || 'z' WHERE id > 10");

        // So that the new log is longer than the lost one, whatever else wrote to that.
        await standby.ExecuteAsync("SELECT pg_switch_wal()");
        await standby.ExecuteAsync($"UPDATE {table.Name} SET pad = pad || 'z' WHERE id > 10");
        run.Start(PipelineMode.Single);
        Assert.Equal(RunOutcome.Done, (await run.EndAsync()).Outcome);
        ContentAssert.Same(await table.DocumentsAsync(), run.Sink.Documents);
        Assert.Contains(run.Log.Lines, l => l.Contains("the server was promoted", StringComparison.Ordinal));
    }

    [Fact]
    public async Task By_the_age_of_rows_everything_is_read_again_where_the_server_has_not_come_as_far_as_before()
    {
        await using var table = await WideTable.MakeAsync(await shared.GetAsync());
        await using var following = new Following(table.Options(FollowWay.UpdatedColumn) with { UpdatedColumn = "" });
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Equal(0, await following.PassAsync(ReadKind.Changes, Ct));
        following.Saved = following.Saved.ToDictionary(s => s.Key, s => PostgresPosition.Parse(s.Value) is AgePosition age
            ? new AgePosition(age.Mark with { Transaction = age.Mark.Transaction + 1_000_000 }).ToPosition() : s.Value);
        Assert.Equal(50, await following.PassAsync(ReadKind.Changes, Ct));
    }

    [Theory]
    [InlineData(FollowWay.Changes, PipelineMode.Continuous)]
    [InlineData(FollowWay.Changes, PipelineMode.Single)]
    [InlineData(FollowWay.UpdatedColumn, PipelineMode.Continuous)]
    [InlineData(FollowWay.UpdatedColumn, PipelineMode.Single)]
    public async Task A_column_that_is_dropped_while_a_pass_is_under_way_is_left_out_from_then_on(FollowWay way, PipelineMode mode)
    {
        await using var table = await WideTable.MakeAsync(await shared.GetAsync());
        await using var run = await InPassAsync(table, table.Options(way), mode);
        await table.Server.ExecuteAsync($"ALTER TABLE {table.Name} DROP COLUMN gone");
        if (mode == PipelineMode.Continuous) await table.Server.ExecuteAsync($"UPDATE {table.Name} SET word = 'third', updated = clock_timestamp()");
        run.Sink.Open();
        if (mode == PipelineMode.Continuous)
        {
            await run.UntilSameAsync(table.DocumentsAsync);
            return;
        }

        // What was written before keeps the column until it is written again.
        Assert.Equal(RunOutcome.Done, (await run.EndAsync()).Outcome);
        Assert.Equal((await table.DocumentsAsync()).Select(d => d.Key).Order(StringComparer.Ordinal), run.Sink.Documents.Keys.Order(StringComparer.Ordinal));
        Assert.DoesNotContain("gone", run.Sink.Documents["2100"], StringComparison.Ordinal);
    }

    // A run whose sink has stood still since the first change of a pass that has 2,000 more to read.
    private static async Task<FollowedRun> InPassAsync(WideTable table, PostgresSourceOptions options, PipelineMode mode)
    {
        var run = new FollowedRun(options);
        await run.SnapshotAsync();
        await table.ChangeALotAsync();
        var stands = run.Sink.Close();
        run.Start(mode);
        await stands.WaitAsync(Eventually.Longest, Ct);
        return run;
    }

    private static async Task IsCopiedAnewAsync(FollowedRun run, WideTable table, PipelineMode mode)
    {
        run.Sink.Open();
        if (mode == PipelineMode.Continuous) await run.UntilSameAsync(table.DocumentsAsync);
        else Assert.Equal(RunOutcome.Done, (await run.EndAsync()).Outcome);
        ContentAssert.Same(await table.DocumentsAsync(), run.Sink.Documents);
        Assert.Contains(run.Log.Lines, l => l.Contains("everything is copied anew", StringComparison.Ordinal));
    }
}
