using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What is refused for a record's, a row's or the server's sake, by its code.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlRefusalTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("id INT PRIMARY KEY, n INT", "x1", """{"n":1}""", "mysql.bad_key")]
    [InlineData("id INT PRIMARY KEY, n INT", "007", """{"n":1}""", "mysql.bad_key")]
    [InlineData("id VARCHAR(3) COLLATE utf8mb4_nopad_bin PRIMARY KEY, n INT", "long", """{"n":1}""", "mysql.bad_key")]
    [InlineData("id VARBINARY(64) PRIMARY KEY, n INT", "not base64!", """{"n":1}""", "mysql.bad_key")]
    [InlineData("id VARCHAR(64) COLLATE utf8mb4_nopad_bin PRIMARY KEY, n INT", "a", """{"id":"b","n":1}""", "mysql.key_differs")]
    [InlineData("id INT PRIMARY KEY, n INT", "7", """{"id":8,"n":1}""", "mysql.key_differs")]
    [InlineData("id INT PRIMARY KEY, n INT", "7", """{"id":[7],"n":1}""", "mysql.key_differs")]
    public async Task A_record_that_does_not_fit_is_refused_alone(string columns, string key, string json, string code)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync($"CREATE TABLE docs ({columns})");
        await using var sink = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync();
        var good = columns.Contains("VARBINARY", StringComparison.Ordinal) ? "YQ==" : "1";
        var result = await sink.WriteAsync(new Document(key, json), new Document(good, """{"n":2}"""));
        Assert.Equal((0, code, FailureKind.Permanent), Assert.Single(result.Failures) is var failure ? (failure.Index, failure.Error.Code, failure.Error.Kind) : default);
        Assert.Equal((1, "2"), (result.Written, (await database.RowsAsync($"SELECT n FROM {database.Name}.docs"))[0][0]));
    }

    // What MySQL says, which no server here is: of its own JSON columns, before it closes a connection that was idle (8.0.24), of a statement
    // that was prepared before a table changed, and of sql_require_primary_key.
    [Theory]
    [InlineData(3140, "mysql.invalid_json", FailureKind.Permanent)]
    [InlineData(3157, "mysql.invalid_json", FailureKind.Permanent)]
    [InlineData(4031, "mysql.connection_lost", FailureKind.Transient)]
    [InlineData(1615, "mysql.conflict", FailureKind.Transient)]
    [InlineData(3750, "mysql.no_key", FailureKind.Environment)]
    public void A_number_of_mysql_has_its_meaning(uint number, string code, FailureKind kind)
    {
        var failure = ServerFailure.Of(number, "The server's words.", "MySQL 8.0.36");
        Assert.Equal((code, kind), (failure.Code, failure.Kind));
        Assert.Contains("The server's words", failure.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("[1]")]
    [InlineData("{")]
    [InlineData("")]
    [InlineData("{} {}")]
    public async Task A_row_whose_content_is_no_document_is_set_aside_with_its_key(string content)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, content LONGTEXT)", $"INSERT INTO docs VALUES ('a','{{}}'),('b','{content}'),('c','{{}}')");
        await using var source = database.Source(database.Options with { Shape = MySqlShape.Document });
        var partition = (await source.GetPartitionsAsync(new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<Core.Records.PartitionId, Core.Records.Position>()), Ct)).Single();
        var (keys, malformed) = (new List<string>(), new List<(string, string)>());
        await foreach (var batch in source.ReadAsync(partition, partition.Start, Ct))
        {
            using (batch)
            {
                foreach (var record in batch.Records.ToArray()) keys.Add(System.Text.Encoding.UTF8.GetString(record.Key.Span));
                foreach (var row in batch.Malformed) malformed.Add((System.Text.Encoding.UTF8.GetString(row.Key.Span), row.Error.Code));
            }
        }

        Assert.Equal(["a", "c"], keys);
        Assert.Equal([("b", "mysql.not_a_document")], malformed);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_database_that_is_not_there_is_told_as_that(bool writing)
    {
        await using var database = await servers.NewDatabaseAsync();
        var options = database.Options with { Database = "no_such_database" };
        await using var sink = database.Sink(options);
        await using var source = database.Source(options);
        var problem = (writing ? await Health.OfAsync(sink) : await Health.OfAsync(source)).Problem!;
        Assert.Equal(("mysql.no_database", FailureKind.Environment), (problem.Code, problem.Kind));
    }
}
