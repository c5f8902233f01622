using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What following by time can know of open writes: of storage engines that do not tell, and of transactions that outlive their connection, or a restart.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlEngineTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("ENGINE=MyISAM", "MyISAM")]
    [InlineData("ENGINE=Aria", "Aria")]
    [InlineData("ENGINE=MyISAM PARTITION BY HASH (id) PARTITIONS 2", "MyISAM")]
    [InlineData("ENGINE=InnoDB", null)]
    [InlineData("ENGINE=InnoDB PARTITION BY HASH (id) PARTITIONS 2", null)]
    public async Task A_table_whose_engine_does_not_tell_of_open_writes_is_warned_of(string engine, string? named)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync($"CREATE TABLE docs (id INT PRIMARY KEY, updated_at TIMESTAMP(6) NOT NULL) {engine}");
        var options = database.SourceOptions with { UpdatedColumn = "updated_at" };
        await using var following = database.Source(options, new RunOptions { Mode = RunMode.Continuous, Overlap = TimeSpan.FromMinutes(3) });
        var warnings = (await Health.OfAsync(following)).Warnings;
        Assert.Equal(named is not null, warnings.Any(w => w.Contains($"engine {named} ", StringComparison.Ordinal) && w.Contains("180 s", StringComparison.Ordinal)));
        Assert.Equal(named is null ? 0 : 1, warnings.Count);
        await using var once = database.Source(options, new RunOptions { Mode = RunMode.FullSync });
        Assert.Empty((await Health.OfAsync(once)).Warnings);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_prepared_by_a_connection_that_is_gone_and_is_committed_later_is_not_missed(bool isRestarted)
    {
        var server = await servers.OwnAsync();
        var database = await MySqlDatabase.CreateAsync(server);
        await using var set = await MySqlDataSet.CreateAsync(database, [.. Corpus.Plain(20)]);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await using (var preparing = await server.ConnectAsync())
        {
            await preparing.RunAsync(
                session =>
                {
                    session.Execute($"USE {set.Database}");
                    session.Execute("XA START 'late'");
                    foreach (var insert in MySqlDatabase.Inserts("docs", Corpus.Plain(5, seed: 2))) session.Execute(insert);
                    session.Execute("XA END 'late'");
                    session.Execute("XA PREPARE 'late'");
                    return true;
                },
                Ct);
            if (isRestarted) server.Kill();
        }

        if (isRestarted) await server.LaunchAsync(Ct);
        var log = new Elasticsearch.ListLog<MySqlSource>();
        SourceReading during;
        try
        {
            // The server sees a moment later that a connection has ended.
            await Eventually.IsAsync(
                async () => (await server.RowsAsync("SELECT trx_id FROM information_schema.INNODB_TRX WHERE trx_mysql_thread_id=0")).Count > 0,
                "the server has let go of what was prepared");
            await set.PutAsync([.. Corpus.Plain(30).Skip(20)], Ct);
            await server.RowsAsync("SELECT SLEEP(1.1)");
            during = await ReadAsync(snapshot.Saved);
        }
        finally
        {
            // Left as it is, it would hold back all that other tests follow on this server.
            await server.ExecuteAsync("XA COMMIT 'late'");
        }

        await server.RowsAsync("SELECT SLEEP(1.1)");
        var after = await ReadAsync(during.Saved);
        ContentAssert.Same(
            Corpus.Plain(5, seed: 2).Concat(Corpus.Plain(30).Skip(5)).Select(set.Expected), after.Apply(during.Apply(snapshot.Apply())));
        Assert.Contains("XA RECOVER", Assert.Single(log.Lines), StringComparison.Ordinal);
        Assert.All(after.Saved, s => Assert.True(MySqlPosition.Parse(s.Value).Follow > MySqlPosition.Parse(during.Saved[s.Key]).Follow));

        async Task<SourceReading> ReadAsync(IReadOnlyDictionary<Core.Records.PartitionId, Core.Records.Position> saved)
        {
            await using var source = database.Source(
                database.SourceOptions with { UpdatedColumn = "updated_at", Shape = MySqlShape.Document }, new RunOptions { Overlap = TimeSpan.Zero }, log: log);
            return await SourceReader.ReadAsync(source, SourceReader.Plan(set, Core.Sources.ReadKind.Changes, 1, saved), Ct);
        }
    }
}
