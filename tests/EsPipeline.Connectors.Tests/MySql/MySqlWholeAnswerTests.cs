using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What a server's settings would cut or add to what is read: limits, warnings, rows that were never committed.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlWholeAnswerTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("GROUP_CONCAT(v ORDER BY v)", "\"aaaaaaaa,bbbbbbbb,cccccccc\"")]
    [InlineData("JSON_ARRAYAGG(v ORDER BY v)", "[\"aaaaaaaa\",\"bbbbbbbb\",\"cccccccc\"]")]
    public async Task What_is_put_together_of_many_rows_comes_whole_whatever_the_server_would_cut_it_to(string expression, string json)
    {
        var server = await servers.OwnAsync();
        await using var database = await MySqlDatabase.CreateAsync(server);
        var query = $"SELECT 1 AS id, {expression} AS vs FROM {database.Name}.docs";
        await database.ExecuteAsync(
            "CREATE TABLE docs (k INT PRIMARY KEY, v VARCHAR(10))", "INSERT INTO docs VALUES (1,'aaaaaaaa'),(2,'bbbbbbbb'),(3,'cccccccc')", $"CREATE VIEW all_of_it AS {query}");
        await server.ExecuteAsync("SET GLOBAL group_concat_max_len=10");
        try
        {
            await using var source = database.Source();
            var read = Assert.Single((await MySqlDatabase.ReadAsync(source, new Selection(query))).Records).Json;
            Assert.Equal($$"""{"id":1,"vs":{{json}}}""", read);
            await using var view = database.Source(database.Options with { Table = "all_of_it" });
            Assert.Equal(read, Assert.Single((await MySqlDatabase.ReadAsync(view)).Records).Json);
        }
        finally
        {
            await server.ExecuteAsync("SET GLOBAL group_concat_max_len=DEFAULT");
        }
    }

    [Theory]
    [InlineData("SELECT k AS id, (SELECT GROUP_CONCAT(REPEAT('x',1000000)) FROM seq_1_to_20) AS v FROM {0}.docs", "1260")]
    [InlineData("SELECT k AS id, IF(k=2,REPEAT('x',17000000),'short') AS v FROM {0}.docs", "1301")]
    [InlineData("SELECT k AS id FROM {0}.docs LIMIT ROWS EXAMINED 2", "1931")]
    public async Task An_answer_that_the_server_has_cut_ends_the_run(string query, string number)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (k INT PRIMARY KEY)", "INSERT INTO docs SELECT seq FROM seq_1_to_3");
        query = string.Format(System.Globalization.CultureInfo.InvariantCulture, query, database.Name);
        await using var source = database.Source();
        var cut = await Assert.ThrowsAsync<PipelineException>(() => MySqlDatabase.ReadAsync(source, new Selection(query)));
        Assert.Equal(TableErrors.BadQuery, cut.Error);
        Assert.Contains($"(warning {number})", cut.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_warning_that_is_about_the_query_itself_is_told_once_and_ends_nothing()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "CREATE TABLE docs (k INT PRIMARY KEY, v VARCHAR(10), n INT AS (k DIV 0))", "INSERT INTO docs (k,v) SELECT seq,IF(seq%2,'7','seven') FROM seq_1_to_20");
        var log = new ListLog<MySqlSource>();
        await using var source = database.Source(log: log);
        Assert.Equal(10, (await MySqlDatabase.ReadAsync(source, new Selection($"SELECT k AS id FROM {database.Name}.docs WHERE v=7"))).Records.Count());
        Assert.Equal(10, (await MySqlDatabase.ReadAsync(source, new Selection($"SELECT k AS id FROM {database.Name}.docs WHERE v<>7"))).Records.Count());
        Assert.Contains("seven", Assert.Single(log.Lines), StringComparison.Ordinal);

        var paged = new ListLog<MySqlSource>();
        await using var table = database.Source(database.Options with { Shape = MySqlShape.Columns }, pageSize: 3, log: paged);
        Assert.Equal(20, (await MySqlDatabase.ReadAsync(table)).Records.Count());
        Assert.Contains("ivision by 0", Assert.Single(paged.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_was_never_committed_is_not_read_whatever_the_server_allows()
    {
        var server = await servers.OwnAsync();
        await using var database = await MySqlDatabase.CreateAsync(server);
        await database.ExecuteAsync("CREATE TABLE docs (k INT PRIMARY KEY, v INT) ENGINE=InnoDB", "INSERT INTO docs VALUES (1,1)");
        await server.ExecuteAsync("SET GLOBAL TRANSACTION ISOLATION LEVEL READ UNCOMMITTED");
        try
        {
            await using var writer = await server.ConnectAsync();
            await RunAsync("BEGIN", $"UPDATE {database.Name}.docs SET v=2", $"INSERT INTO {database.Name}.docs VALUES (2,2)");
            await using var source = database.Source(database.Options with { Shape = MySqlShape.Columns });
            Assert.Equal("""{"k":1,"v":1}""", Assert.Single((await MySqlDatabase.ReadAsync(source)).Records).Json);
            await RunAsync("ROLLBACK");

            Task RunAsync(params string[] statements) => writer.RunAsync(
                session =>
                {
                    foreach (var statement in statements) session.Execute(statement);
                    return true;
                },
                Ct);
        }
        finally
        {
            await server.ExecuteAsync("SET GLOBAL TRANSACTION ISOLATION LEVEL REPEATABLE READ");
        }
    }

    // Such an account is not shown the checks by which MariaDB's JSON is known.
    [Fact]
    public async Task Json_is_json_for_an_account_that_may_read_some_columns_only()
    {
        await using var database = await servers.NewDatabaseAsync();
        var user = "c_" + database.Name;
        await database.ExecuteAsync(
            "CREATE TABLE docs (k INT PRIMARY KEY, j JSON, t LONGTEXT, hidden INT)", """INSERT INTO docs VALUES (1,'{"a":1}','{}',7)""",
            $"CREATE USER '{user}' IDENTIFIED BY 'x'", $"GRANT SELECT (k,j,t) ON {database.Name}.docs TO '{user}'");
        try
        {
            await using var source = database.Source(database.Options with { User = user, Password = new Secret("x"), Shape = MySqlShape.Columns });
            Assert.Equal("""{"k":1,"j":{"a":1},"t":"{}"}""", Assert.Single((await MySqlDatabase.ReadAsync(source)).Records).Json);
        }
        finally
        {
            await database.ExecuteAsync($"DROP USER '{user}'");
        }
    }
}
