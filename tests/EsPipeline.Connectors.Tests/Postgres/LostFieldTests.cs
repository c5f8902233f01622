using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Verification;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Fields that documents lose between two runs of a job, whose source says nothing of them, into a table that somebody else has made.</summary>
public sealed class LostFieldTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_field_that_a_document_loses_after_a_restart_becomes_null_and_comparing_knows_it()
    {
        var server = await shared.GetAsync();
        var table = await TableAsync(server);
        using var state = new TemporaryFolder();
        Document[] documents = [new("a", """{"title":"x"}"""), new("b", """{"title":"y"}"""), new("a", "{}"), new("b", """{"late":1}""")];
        Assert.Equal(["a x by hand", "b y -"], await CopyAsync(documents[..2]));
        Assert.Equal(["a - by hand", "b - -"], await CopyAsync(documents));

        await server.ExecuteAsync($"UPDATE {table} SET title = 'stale' WHERE id = 'a'");
        await using (var sink = Open(server, table))
        {
            var compared = await EngineRun.CompareAsync(new ListSource(documents[2..]), sink, state.Path, Ct);
            Assert.Equal(("a", 1L), (Assert.Single(compared.Different.Examples).Key, compared.Equal));
        }

        await using (var sink = Open(server, table))
        {
            var repaired = await EngineRun.CompareAsync(new ListSource(documents[2..]), sink, state.Path, Ct, new VerifyOptions { Repair = true });
            Assert.Equal((1L, true), (repaired.Repair!.Account.Written, repaired.IsClean));
        }

        await server.ExecuteAsync($"DROP TABLE {table}");

        async Task<IEnumerable<string>> CopyAsync(Document[] all)
        {
            await using var source = new ListSource(all);
            await using var sink = Open(server, table);
            Assert.Null((await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Error);
            return (await server.RowsAsync($"SELECT concat_ws(' ', id, coalesce(title, '-'), coalesce(notes, '-')) FROM {table} ORDER BY id")).Select(r => r[0]);
        }
    }

    [Fact]
    public async Task A_table_that_was_dropped_since_is_not_made_anew_as_though_everything_were_there()
    {
        var server = await shared.GetAsync();
        var table = await TableAsync(server);
        using var state = new TemporaryFolder();
        Assert.Null((await RunAsync()).Error);
        await server.ExecuteAsync($"DROP TABLE {table}");
        Assert.Equal("checkpoint.job_changed", (await RunAsync()).Error?.Code);
        Assert.Equal(["-"], Assert.Single(await server.RowsAsync($"SELECT coalesce(to_regclass('{table}')::text, '-')")));

        async Task<Core.Engine.RunResult> RunAsync()
        {
            await using var source = new ListSource([new Document("a", """{"title":"x"}""")]);
            await using var sink = Open(server, table);
            return await EngineRun.CopyAsync(source, sink, state.Path, Ct);
        }
    }

    [Fact]
    public async Task The_first_documents_say_which_columns_are_theirs_whichever_is_written_first()
    {
        var server = await shared.GetAsync();
        var table = await TableAsync(server);
        using var state = new TemporaryFolder();
        Document[] documents = [new("a", "{}"), .. Enumerable.Range(0, 3000).Select(i => new Document($"n{i}", """{"title":"x"}"""))];
        await using var source = new ListSource(documents, 10);
        await using var sink = Open(server, table);
        Assert.Null((await EngineRun.CopyAsync(source, sink, state.Path, Ct, setup => setup with { BatchSize = (10, null, null) })).Error);
        Assert.Equal(["", "by hand"], Assert.Single(await server.RowsAsync($"SELECT title, notes FROM {table} WHERE id = 'a'")));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Fact]
    public async Task It_is_said_once_which_columns_stay_as_they_are_and_which_fields_came_late_unless_the_job_began_with_an_empty_table()
    {
        var server = await shared.GetAsync();
        foreach (var empty in (bool[])[false, true])
        {
            var table = await TableAsync(server);
            if (empty) await server.ExecuteAsync($"DELETE FROM {table}");
            using var state = new TemporaryFolder();
            Document[] documents = [new("b", """{"title":"y"}"""), new("c", """{"title":"y"}"""), new("d", """{"late":5}""")];
            Assert.Equal(empty ? 0 : 1, (await CopyAsync(documents[..2])).Count(l => l.Contains("'late', 'notes' stay as they are", StringComparison.Ordinal)));
            var second = await CopyAsync(documents);
            Assert.Equal(empty ? [] : ["'late'", "'notes'"], second.Select(l => l.Split("columns ")[1].Split(' ')[0]));
            await server.ExecuteAsync($"DROP TABLE {table}");

            async Task<IReadOnlyList<string>> CopyAsync(Document[] all)
            {
                var log = new ListLog<PostgresSink>();
                await using var source = new ListSource(all, 1);
                await using var sink = Open(server, table, log);
                Assert.Null((await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Error);
                return log.Lines;
            }
        }
    }

    private static async Task<string> TableAsync(PostgresServer server)
    {
        var table = "lost_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (id text PRIMARY KEY, title text, late int, notes text); INSERT INTO {table} VALUES ('a', 'old', NULL, 'by hand')");
        return table;
    }

    private static PostgresSink Open(PostgresServer server, string table, ListLog<PostgresSink>? log = null) =>
        new(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System, log);
}
