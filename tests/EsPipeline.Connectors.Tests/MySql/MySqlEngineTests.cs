using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What following by time can know of open writes: of storage engines that do not tell, and of transactions that outlive a restart.</summary>
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
        var warnings = (await following.CheckAsync(Ct)).Warnings;
        Assert.Equal(named is not null, warnings.Any(w => w.Contains($"engine {named} ", StringComparison.Ordinal) && w.Contains("180 s", StringComparison.Ordinal)));
        Assert.Equal(named is null ? 0 : 1, warnings.Count);
        await using var once = database.Source(options, new RunOptions { Mode = RunMode.FullSync });
        Assert.Empty((await once.CheckAsync(Ct)).Warnings);
    }

    [Fact]
    public async Task What_was_prepared_before_a_restart_and_is_committed_after_it_is_not_missed()
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
            server.Kill();
        }

        await server.LaunchAsync(Ct);
        await set.PutAsync([.. Corpus.Plain(30).Skip(20)], Ct);
        await server.RowsAsync("SELECT SLEEP(1.1)");
        var log = new Elasticsearch.ListLog<MySqlSource>();
        var during = await ReadAsync(snapshot.Saved);
        await server.ExecuteAsync("XA COMMIT 'late'");
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
