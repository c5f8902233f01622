using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Verification;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Fields that documents lose between two runs of a job, whose source says nothing of them, into a table that somebody else has made.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlLostFieldTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_field_that_a_document_loses_after_a_restart_becomes_null_and_comparing_knows_it()
    {
        await using var database = await DatabaseAsync();
        using var state = new TemporaryFolder();
        Document[] documents = [new("a", """{"title":"x"}"""), new("b", """{"title":"y"}"""), new("a", "{}"), new("b", """{"late":1}""")];
        Assert.Equal(["a x by hand", "b y -"], await CopyAsync(documents[..2]));
        Assert.Equal(["a - by hand", "b - -"], await CopyAsync(documents));

        await database.ExecuteAsync("UPDATE docs SET title='stale' WHERE id='a'");
        await using (var sink = database.Sink())
        {
            var compared = await EngineRun.CompareAsync(new ListSource(documents[2..]), sink, state.Path, Ct);
            Assert.Equal(("a", 1L), (Assert.Single(compared.Different.Examples).Key, compared.Equal));
        }

        await using (var sink = database.Sink())
        {
            var repaired = await EngineRun.CompareAsync(new ListSource(documents[2..]), sink, state.Path, Ct, new VerifyOptions { Repair = true });
            Assert.Equal((1L, true), (repaired.Repair!.Account.Written, repaired.IsClean));
        }

        async Task<IEnumerable<string?>> CopyAsync(Document[] all)
        {
            await using var source = new ListSource(all);
            await using var sink = database.Sink();
            Assert.Null((await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Error);
            return (await database.RowsAsync($"SELECT CONCAT_WS(' ',id,COALESCE(title,'-'),COALESCE(notes,'-')) FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]);
        }
    }

    [Fact]
    public async Task The_first_documents_say_which_columns_are_theirs_whichever_is_written_first()
    {
        await using var database = await DatabaseAsync();
        using var state = new TemporaryFolder();
        Document[] documents = [new("a", "{}"), .. Enumerable.Range(0, 3000).Select(i => new Document($"n{i}", """{"title":"x"}"""))];
        await using var source = new ListSource(documents, 10);
        await using var sink = database.Sink();
        Assert.Null((await EngineRun.CopyAsync(source, sink, state.Path, Ct, setup => setup with { BatchSize = (10, null, null) })).Error);
        Assert.Equal((string?[])[null, "by hand"], Assert.Single(await database.RowsAsync($"SELECT title, notes FROM {database.Name}.docs WHERE id='a'")));
    }

    [Fact]
    public async Task It_is_said_once_which_columns_stay_as_they_are_and_which_fields_came_late()
    {
        await using var database = await DatabaseAsync();
        using var state = new TemporaryFolder();
        Document[] documents = [new("b", """{"title":"y"}"""), new("c", """{"title":"y"}"""), new("d", """{"late":5}""")];
        Assert.Equal(["'late',"], await CopyAsync(documents[..2]));
        Assert.Equal(["'late'", "'notes'"], await CopyAsync(documents));

        async Task<IEnumerable<string>> CopyAsync(Document[] all)
        {
            var log = new ListLog<MySqlSink>();
            await using var source = new ListSource(all, 1);
            await using var sink = database.Sink(log: log);
            Assert.Null((await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Error);
            return log.Lines.Select(l => l.Split("columns ")[1].Split(' ')[0]);
        }
    }

    private async Task<MySqlDatabase> DatabaseAsync()
    {
        var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "CREATE TABLE docs (id VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, title TEXT, late INT, notes TEXT)",
            "INSERT INTO docs VALUES ('a','old',NULL,'by hand')");
        return database;
    }
}
