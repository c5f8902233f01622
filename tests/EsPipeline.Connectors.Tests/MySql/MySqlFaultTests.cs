using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What other clients, administrators and crashes do to a write.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlFaultTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task The_victim_of_a_deadlock_is_told_as_transient_and_writes_again()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink().ReadyAsync();
        Document[] documents = [.. Corpus.Plain(500)], changed = [.. Corpus.Plain(2, seed: 2)];
        await sink.WriteAsync(documents);
        await using var other = await database.Server.ConnectAsync();

        // The other holds the second row and, having changed most, is not the one to be ended.
        await RunAsync(other, $"USE {database.Name}", "BEGIN", "UPDATE docs SET content='{}' WHERE id>='doc-0000001'");
        var write = sink.WriteAsync(changed);
        await WaitsAsync(database, "INSERT", write);
        await RunAsync(other, "UPDATE docs SET content='{}' WHERE id='doc-0000000'");
        var deadlock = await Assert.ThrowsAsync<PipelineException>(() => write);
        Assert.Equal((MySqlErrors.Conflict, FailureKind.Transient), (deadlock.Error, deadlock.Kind));
        await RunAsync(other, "ROLLBACK");
        Assert.Equal(2, (await sink.WriteAsync(changed)).Written);
        ContentAssert.Same(changed.Concat(documents[2..]), await new MySqlTarget(database, database.Options).ReadAllAsync(Ct));
    }

    [Fact]
    public async Task A_run_that_is_the_victim_of_a_deadlock_goes_on_and_loses_nothing()
    {
        await using var database = await servers.NewDatabaseAsync();
        Document[] documents = [.. Corpus.Plain(2000)], changed = [.. Corpus.Plain(2, seed: 2)];
        await using (var before = await database.Sink().ReadyAsync()) await before.WriteAsync(documents);
        await using var other = await database.Server.ConnectAsync();
        await RunAsync(other, $"USE {database.Name}", "BEGIN", "UPDATE docs SET content='{}' WHERE id>='doc-0000001'");
        await using var sink = database.Sink();
        await using var source = new ListSource([.. changed, .. documents[2..]], 2000);
        using var state = new TemporaryFolder();
        var copy = EngineRun.CopyAsync(source, sink, state.Path, Ct);
        await WaitsAsync(database, "INSERT", copy);
        await RunAsync(other, "UPDATE docs SET content='{}' WHERE id='doc-0000000'", "ROLLBACK");
        var result = await copy;
        Assert.Equal((RunOutcome.Done, 2000L), (result.Outcome, result.Account.Read));
        Assert.True(result.Account.Retries > 0, "Nothing had to be written again: the run was not the victim.");
        ContentAssert.Same(changed.Concat(documents[2..]), await new MySqlTarget(database, database.Options).ReadAllAsync(Ct));
    }

    // A statement that waits for a lock does not notice by itself that its client has gone, and would keep its own locks meanwhile.
    [Fact]
    public async Task A_write_that_is_cancelled_while_it_waits_for_a_row_keeps_no_lock()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink().ReadyAsync();
        Document[] documents = [.. Corpus.Plain(100)], changed = [.. Corpus.Plain(100, seed: 2)];
        await sink.WriteAsync(documents);
        await using var other = await database.Server.ConnectAsync();
        await RunAsync(other, $"USE {database.Name}", "BEGIN", "UPDATE docs SET content='{}' WHERE id='doc-0000050'");
        using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
        using var batch = Slices.Of(changed);
        var write = sink.WriteAsync(batch.Slice(), cancel.Token);
        var waiting = await WaitsAsync(database, "INSERT", write);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => write.WaitAsync(TimeSpan.FromSeconds(15), Ct));

        // The other one still holds its row: what was cancelled has to go without having got it.
        var cancelled = TimeProvider.System.GetTimestamp();
        while ((await database.RowsAsync($"SELECT 1 FROM information_schema.innodb_trx WHERE trx_mysql_thread_id={waiting}")).Count > 0)
        {
            Assert.True(TimeProvider.System.GetElapsedTime(cancelled) < TimeSpan.FromSeconds(15), "The server still has the transaction of a write that was cancelled.");
            await Task.Delay(TimeSpan.FromMilliseconds(200), Ct);
        }

        await RunAsync(other, "ROLLBACK");
        ContentAssert.Same(documents, await new MySqlTarget(database, database.Options).ReadAllAsync(Ct));
    }

    [Fact]
    public async Task A_connection_that_is_killed_in_a_statement_leaves_nothing_of_it()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink().ReadyAsync();
        Document[] documents = [.. Corpus.Plain(100)], changed = [.. Corpus.Plain(100, seed: 2)];
        await sink.WriteAsync(documents);
        await using var other = await database.Server.ConnectAsync();
        await RunAsync(other, $"USE {database.Name}", "BEGIN", "UPDATE docs SET content='{}' WHERE id='doc-0000050'");
        var write = sink.WriteAsync(changed);
        await database.Server.ExecuteAsync($"KILL {await WaitsAsync(database, "INSERT", write)}");
        Assert.Equal((MySqlErrors.ConnectionLost, FailureKind.Transient), (await Assert.ThrowsAsync<PipelineException>(() => write)) is var lost ? (lost.Error, lost.Kind) : default);
        await RunAsync(other, "ROLLBACK");
        ContentAssert.Same(documents, await new MySqlTarget(database, database.Options).ReadAllAsync(Ct));
        Assert.Equal(100, (await sink.WriteAsync(changed)).Written);
    }

    [Fact]
    public async Task A_row_that_stays_locked_is_waited_for_within_the_time_out_and_told_as_transient()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink(database.Options with { Timeout = TimeSpan.FromSeconds(30) }).ReadyAsync();
        await sink.WriteAsync([.. Corpus.Plain(10)]);
        await using var other = await database.Server.ConnectAsync();
        await RunAsync(other, $"USE {database.Name}", "BEGIN", "UPDATE docs SET content='{}' WHERE id='doc-0000005'");
        var waited = await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync([.. Corpus.Plain(10, seed: 2)]));
        Assert.Equal(MySqlErrors.Conflict, waited.Error);
    }

    [Fact]
    public async Task A_server_that_crashes_and_comes_back_in_a_copy_loses_nothing()
    {
        // It goes with its server, which may be down when the test fails: dropping it would hide why.
        var database = await servers.NewDatabaseAsync(mayBeKilled: true);
        Document[] documents = [.. Corpus.Plain(60_000)];
        var killed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        // The second half is not there before the server has gone: however late it is killed, the copy is at work.
        await using var source = new ListSource(documents, 500) { BeforeBatch = at => at < documents.Length / 2 ? Task.CompletedTask : killed.Task };
        await using var sink = database.Sink(database.Options with { Timeout = TimeSpan.FromSeconds(5) });
        using var state = new TemporaryFolder();
        var patient = new RetryOptions(1000, TimeSpan.FromMilliseconds(20), TimeSpan.FromMinutes(5), Forever: false);
        var copy = EngineRun.CopyAsync(source, sink, state.Path, Ct, setup => setup with { Retry = patient });
        while (await CountAsync() < 5000) Assert.False(copy.IsCompleted, "The copy ended before the server was killed.");
        database.Server.Kill();
        killed.SetResult();
        await database.Server.LaunchAsync(Ct);
        var result = await copy;
        Assert.Null(result.Error);
        Assert.Equal((RunOutcome.Done, (long)documents.Length), (result.Outcome, result.Account.Read));
        Assert.True(result.Account.Retries > 0, "Nothing had to be written again: the crash came too late to be met.");
        ContentAssert.Same(documents, await new MySqlTarget(database, database.Options).ReadAllAsync(Ct));

        async Task<int> CountAsync()
        {
            var there = await database.RowsAsync($"SELECT COUNT(*) FROM information_schema.TABLES WHERE TABLE_SCHEMA='{database.Name}'");
            return there[0][0] == "0" ? 0 : int.Parse((await database.RowsAsync($"SELECT COUNT(*) FROM {database.Name}.docs"))[0][0]!, System.Globalization.CultureInfo.InvariantCulture);
        }
    }

    [Fact]
    public async Task A_small_packet_splits_statements_and_refuses_only_what_can_never_fit()
    {
        await using var server = await MariaDbServer.StartAsync(Ct, "--max-allowed-packet=65536");
        await using var database = await MySqlDatabase.CreateAsync(server);
        await using var sink = await database.Sink().ReadyAsync();
        Assert.True(sink.Limits.MaxBytes < 65536 && sink.Limits.MaxRecordBytes < 65536);
        Document[] documents = [.. Enumerable.Range(0, 30).Select(i => Corpus.OfBytes($"large-{i:00}", 20_000)), Corpus.OfBytes("too-large", 70_000), .. Corpus.Plain(10)];
        var result = await sink.WriteAsync(documents);
        Assert.Equal((30, TableErrors.PacketTooLarge), (Assert.Single(result.Failures).Index, result.Failures[0].Error));
        Assert.Equal(40, result.Written);
    }

    [Theory]
    [InlineData(MySqlShape.Document)]
    [InlineData(MySqlShape.Columns)]
    public async Task A_table_that_was_dropped_since_is_not_made_anew_as_though_everything_were_there(MySqlShape shape)
    {
        await using var database = await servers.NewDatabaseAsync();
        using var state = new TemporaryFolder();
        Assert.Null((await RunAsync()).Error);
        await database.ExecuteAsync("DROP TABLE docs");
        Assert.Equal("checkpoint.job_changed", (await RunAsync()).Error?.Code);
        Assert.Empty(await database.RowsAsync($"SELECT 1 FROM information_schema.TABLES WHERE TABLE_SCHEMA='{database.Name}'"));

        async Task<Core.Engine.RunResult> RunAsync()
        {
            await using var sink = database.Sink(database.Options with { Shape = shape });
            await using var source = new ListSource([.. Corpus.Plain(10)]);
            return await EngineRun.CopyAsync(source, sink, state.Path, Ct);
        }
    }

    [Theory]
    [InlineData("REVOKE INSERT ON {0}.* FROM '{1}'", "mysql.not_allowed")]
    [InlineData("REVOKE ALL ON {0}.* FROM '{1}'", "mysql.not_allowed")]
    [InlineData("DROP TABLE {0}.docs", "mysql.no_table")]
    [InlineData("ALTER TABLE {0}.docs DROP COLUMN content", "mysql.table_changed")]
    [InlineData("SET GLOBAL read_only=1", "mysql.read_only")]
    public async Task What_an_administrator_takes_away_stops_the_run_with_its_cause(string statement, string code)
    {
        await using var database = await servers.NewDatabaseAsync(mayBeKilled: true);
        var user = "u_" + database.Name;
        await database.ExecuteAsync($"CREATE USER '{user}' IDENTIFIED BY 'x'", $"GRANT SELECT,INSERT,UPDATE,DELETE,CREATE ON {database.Name}.* TO '{user}'");
        await using var sink = await database.Sink(database.Options with { User = user, Password = new Secret("x") }).ReadyAsync();
        await sink.WriteAsync([.. Corpus.Plain(10)]);
        try
        {
            if (statement.StartsWith("REVOKE INSERT", StringComparison.Ordinal)) await database.ExecuteAsync($"REVOKE ALL ON {database.Name}.* FROM '{user}'", $"GRANT SELECT,INSERT,UPDATE ON {database.Name}.* TO '{user}'");
            await database.ExecuteAsync(string.Format(System.Globalization.CultureInfo.InvariantCulture, statement, database.Name, user));

            // Rights on a database are looked at when a connection begins to use it: what is revoked is missed by the next connection.
            await using var next = database.Sink(database.Options with { User = user, Password = new Secret("x") });
            var stopped = statement.StartsWith("REVOKE", StringComparison.Ordinal)
                ? (await Health.OfAsync(next)).Problem!
                : await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync([.. Corpus.Plain(10, seed: 2)]));
            Assert.Equal((code, FailureKind.Environment), (stopped.Code, stopped.Kind));
        }
        finally
        {
            await database.ExecuteAsync("SET GLOBAL read_only=0", $"DROP USER '{user}'");
        }
    }

    private static Task<bool> RunAsync(MySqlConnection connection, params string[] statements) => connection.RunAsync(
        session =>
        {
            foreach (var statement in statements) session.Execute(statement);
            return true;
        },
        Ct);

    // The number of the connection that waits for a row, as soon as it does; nothing but asking tells.
    private static async Task<string> WaitsAsync(MySqlDatabase database, string statement, Task write)
    {
        while (true)
        {
            var waiting = await database.RowsAsync(
                $"SELECT p.id FROM information_schema.innodb_trx t JOIN information_schema.processlist p ON p.id=t.trx_mysql_thread_id WHERE t.trx_state='LOCK WAIT' AND p.db='{database.Name}' AND p.info LIKE '{statement}%'");
            if (waiting.Count > 0) return waiting[0][0]!;
            Assert.False(write.IsCompleted, "The write ended without having waited.");

            // InnoDB looks anew only where nobody has asked for a tenth of a second.
            await Task.Delay(TimeSpan.FromMilliseconds(200), Ct);
        }
    }
}
