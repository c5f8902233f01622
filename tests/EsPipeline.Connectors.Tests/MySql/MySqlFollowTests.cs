using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Changes that reading by time can miss: a row that becomes what it was, a statement that is held up, a clock that is put back.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlFollowTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_row_that_becomes_what_it_was_before_is_handed_on_again()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var set = await MySqlDataSet.CreateAsync(database, [.. Corpus.Plain(6)]);
        var options = database.SourceOptions with { UpdatedColumn = "updated_at", Shape = MySqlShape.Document };
        await using var source = database.Source(options, new RunOptions { Overlap = TimeSpan.FromHours(1) }, pageSize: 2);
        var (reading, held) = (await SourceReader.ReadAsync(source, Plan(ReadKind.Snapshot, null), Ct), new Dictionary<string, string>());
        (reading, held) = await PassAsync(new ReadHooks());

        // By time: 4, 5 | 0, 1 | 2, 3 | and 0 once more, which has changed back after it was handed on.
        var (before, other) = (Corpus.Plain(1).ToArray(), Corpus.Plain(4, seed: 2).ToArray());
        foreach (var document in other) await set.PutAsync([document], Ct);
        (reading, held) = await PassAsync(new ReadHooks { OnBatch = batch => batch == 2 ? set.PutAsync(before, Ct) : Task.CompletedTask });
        Assert.Contains(reading.Records, r => r.Key == other[0].Key && r.Json == set.Expected(other[0]).Json);
        ContentAssert.Same(before.Concat(other.Skip(1)).Concat(Corpus.Plain(6).Skip(4)).Select(set.Expected), held);

        // What is as it was handed on last is left out.
        (reading, held) = await PassAsync(new ReadHooks());
        Assert.Empty(reading.Records);

        async Task<(SourceReading Reading, Dictionary<string, string> Held)> PassAsync(ReadHooks hooks)
        {
            var pass = await SourceReader.ReadAsync(source, Plan(ReadKind.Changes, reading.Saved), Ct, hooks);
            return (pass, pass.Apply(held));
        }
    }

    // Unless told otherwise, a server sorts by the first 1,024 bytes where no index has the order.
    [Fact]
    public async Task Keys_that_differ_only_far_behind_their_beginning_are_all_read()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "CREATE TABLE docs (n INT PRIMARY KEY, id VARBINARY(3000) NOT NULL UNIQUE, v INT, changed TIMESTAMP(6) NOT NULL) ENGINE=InnoDB",
            "INSERT INTO docs SELECT seq,CONCAT(REPEAT('x',2000),(seq*37)%101),1,'2024-01-01' FROM seq_1_to_100");
        await using var source = database.Source(
            database.SourceOptions with { UpdatedColumn = "changed", Key = ["id"], Shape = MySqlShape.Columns }, new RunOptions { Overlap = TimeSpan.Zero }, pageSize: 7);
        var snapshot = await SourceReader.ReadAsync(source, Plan(ReadKind.Snapshot, null), Ct);
        await database.ExecuteAsync("UPDATE docs SET v=2,changed=NOW(6)");
        var changes = await SourceReader.ReadAsync(source, Plan(ReadKind.Changes, snapshot.Saved), Ct);
        Assert.Equal((100, 100), (snapshot.Apply().Count, changes.Records.Select(r => r.Key).Distinct(StringComparer.Ordinal).Count()));
    }

    [Fact]
    public async Task A_statement_that_waits_for_everything_to_be_unlocked_is_not_missed()
    {
        // Everything on it stands still for a while.
        var server = await servers.OwnAsync();
        await using var set = await MySqlDataSet.CreateAsync(await MySqlDatabase.CreateAsync(server), [.. Corpus.Plain(20)]);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        await using var locker = await server.ConnectAsync();
        await locker.RunAsync(session => Run(session, "FLUSH TABLES WITH READ LOCK"), Ct);
        var late = set.PutAsync([.. Corpus.Plain(5, seed: 2)], Ct);
        await Eventually.IsAsync(
            async () => (await server.RowsAsync("SELECT COUNT(*) FROM information_schema.PROCESSLIST WHERE STATE LIKE 'Waiting for%lock'"))[0][0] != "0", "the statement waits for the lock");
        await server.RowsAsync("SELECT SLEEP(2.1)");
        var during = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);
        await locker.RunAsync(session => Run(session, "UNLOCK TABLES"), Ct);
        await late;
        var after = await SourceReader.ReadChangesAsync(set, during.Saved, Ct);
        ContentAssert.Same(Corpus.Plain(5, seed: 2).Concat(Corpus.Plain(20).Skip(5)).Select(set.Expected), after.Apply(during.Apply(snapshot.Apply())));

        static bool Run(MySqlSession session, string statement)
        {
            session.Execute(statement);
            return true;
        }
    }

    [Fact]
    public async Task After_the_clock_was_put_back_everything_is_read_again_and_nothing_is_missed()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var set = await MySqlDataSet.CreateAsync(database, [.. Corpus.Plain(20)]);
        var snapshot = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        var changes = await SourceReader.ReadChangesAsync(set, snapshot.Saved, Ct);

        // As the position is where the clock of the server was an hour ahead before.
        var ahead = ServerTime.Of(TimeProvider.System.GetUtcNow().AddHours(1));
        var saved = changes.Saved.ToDictionary(s => s.Key, s => (MySqlPosition.Parse(s.Value) with { Follow = ahead }).ToPosition());
        await set.PutAsync([.. Corpus.Plain(5, seed: 2)], Ct);
        var log = new ListLog<MySqlSource>();
        await using var source = database.Source(
            database.SourceOptions with { UpdatedColumn = "updated_at", Shape = MySqlShape.Document }, new RunOptions { Overlap = TimeSpan.Zero }, log: log);
        var again = await SourceReader.ReadAsync(source, Plan(ReadKind.Changes, saved), Ct);
        ContentAssert.Same(Corpus.Plain(5, seed: 2).Concat(Corpus.Plain(20).Skip(5)).Select(set.Expected), again.Apply(changes.Apply(snapshot.Apply())));
        Assert.Single(log.Lines, l => l.Contains("it was put back", StringComparison.Ordinal));
        Assert.All(again.Saved.Values, p => Assert.True(MySqlPosition.Parse(p).Follow < ahead));
    }

    private static ReadPlan Plan(ReadKind kind, IReadOnlyDictionary<PartitionId, Position>? saved) =>
        new(kind, Selection.Everything, 1, saved ?? new Dictionary<PartitionId, Position>());
}
