using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Verification;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Comparing documents with the rows of a table with a column for each field, whose types write values in their own way.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlComparisonTests(MySqlServers servers)
{
    // Values that come back otherwise than they were sent: padded, in another zone, as numbers, or left to the server.
    private static readonly Document[] Documents =
    [
        new("1", """{"flag":true,"price":"12.5","ratio":0.1,"single":0.3,"at":"2024-02-29T12:00:00.5+02:00","day":"2024-02-29","more":{"b":1.0,"a":[1e2]},"kind":"b","bits":5}"""),
        new("2", """{"price":1234567890123456.123456,"ratio":1e-7,"at":"2024-03-01","more":[1, 2],"name":"Grüße \"q\" \\","y":2024}"""),
        new("3", "{}"),
        new("4", """{"big":9007199254740993,"bytes":"Cv8=","more":"text","zero":42}"""),
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_row_that_is_what_its_document_says_is_no_difference()
    {
        await using var database = await FilledAsync();
        var result = await CompareAsync(database, Documents);
        Assert.Empty(result.Different.Examples.SelectMany(e => e.Differences));
        Assert.Equal((Documents.Length, true), (result.Equal, result.IsClean));
    }

    [Theory]
    [InlineData("price = 12.51", "1", "price")]
    [InlineData("at = at + interval 1 microsecond", "1", "at")]
    [InlineData("more = '{\"b\":1.0,\"a\":[100,1]}'", "1", "more")]
    [InlineData("single = 0.30001", "1", "single")]
    [InlineData("bits = 4", "1", "bits")]
    [InlineData("name = NULL", "2", "name")]
    [InlineData("flag = 0", "3", "flag")]
    public async Task A_value_that_was_changed_is_found_with_its_field(string change, string id, string field)
    {
        await using var database = await FilledAsync();
        await database.ExecuteAsync($"UPDATE docs SET {change} WHERE id = '{id}'");
        var result = await CompareAsync(database, Documents);
        var different = Assert.Single(result.Different.Examples);
        Assert.Equal((id, 0, 0), (different.Key, result.Missing.Count, result.Extra!.Count));
        Assert.StartsWith(field, Assert.Single(different.Differences), StringComparison.Ordinal);
        Assert.True((await CompareAsync(database, Documents, new VerifyOptions { Repair = true })).IsClean);
        Assert.True((await CompareAsync(database, Documents)).IsClean);
    }

    [Fact]
    public async Task What_the_server_fills_by_itself_does_not_count()
    {
        await using var database = await FilledAsync();
        await database.ExecuteAsync("ALTER TABLE docs ADD seen TIMESTAMP DEFAULT CURRENT_TIMESTAMP, ADD doubled DECIMAL(40,6) AS (price * 2) STORED, ADD n INT AUTO_INCREMENT UNIQUE");
        Assert.True((await CompareAsync(database, Documents)).IsClean);
    }

    [Fact]
    public async Task A_server_that_makes_no_table_without_a_primary_key_compares_as_well()
    {
        await using var database = await FilledAsync(await servers.OwnAsync());
        await database.ExecuteAsync("ALTER TABLE docs ADD espipe_row INT");
        await database.Server.ExecuteAsync("SET GLOBAL innodb_force_primary_key=ON");
        try
        {
            Assert.True((await CompareAsync(database, [.. Documents[..3], Documents[3] with { Json = """{"espipe_row":1,"big":9007199254740993}""" }], new VerifyOptions { Repair = true })).IsClean);
        }
        finally
        {
            await database.Server.ExecuteAsync("SET GLOBAL innodb_force_primary_key=OFF");
        }
    }

    [Fact]
    public async Task What_the_table_does_not_take_is_told_with_its_reason()
    {
        await using var database = await FilledAsync();
        var result = await CompareAsync(database, [.. Documents, new Document("5", """{"price":"dear"}"""), new Document("6", """{"colour":"red"}""")]);
        Assert.Equal(2, result.Unwritable.Sum(p => p.Count));
        Assert.Equal((0, 0, 0), (result.Missing.Count, result.Different.Count, result.Extra!.Count));
        Assert.False(result.IsClean);
    }

    [Theory]
    [InlineData(MySqlShape.Document, "key", "a,b", "Grüße")]
    [InlineData(MySqlShape.Columns, "Cv8=", "QQ==", "AAAA")]
    public async Task A_key_kept_as_bytes_is_told_as_the_source_has_it(MySqlShape shape, params string[] keys)
    {
        await using var database = await servers.NewDatabaseAsync();
        var options = database.SinkOptions with { Shape = shape, KeyType = MySqlKeyType.Bytes };
        Document[] documents = [.. keys.Select((key, i) => new Document(key, $$"""{"n":{{i}}}"""))];
        using var state = new TemporaryFolder();
        await using (var sink = database.Sink(options))
        {
            await using var source = new ListSource(documents[1..]);
            Assert.Null((await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Error);
        }

        await database.ExecuteAsync($"UPDATE docs SET {(shape == MySqlShape.Document ? "content = '{}'" : "n = 7")} WHERE id = {(shape == MySqlShape.Document ? "'a,b'" : "'A'")}");
        await using var all = new ListSource(documents);
        await using var found = database.Sink(options);
        var result = await EngineRun.CompareAsync(all, found, state.Path, Ct);
        Assert.Equal((keys[0], keys[1]), (Assert.Single(result.Missing.Examples).Key, Assert.Single(result.Different.Examples).Key));
        Assert.Equal((3, 1, 0L), (result.Read, result.Equal, result.Settled));

        await using var again = new ListSource(documents);
        await using var mended = database.Sink(options);
        Assert.True((await EngineRun.CompareAsync(again, mended, state.Path, Ct, new VerifyOptions { Repair = true })).IsClean);
    }

    private async Task<MySqlDatabase> FilledAsync(MariaDbServer? server = null)
    {
        var database = await MySqlDatabase.CreateAsync(server ?? await servers.SharedAsync());
        await database.ExecuteAsync(
            "CREATE TABLE docs (id VARCHAR(64) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin PRIMARY KEY, flag TINYINT(1), big BIGINT, zero INT(8) ZEROFILL, price DECIMAL(30,6), ratio DOUBLE, "
            + "single FLOAT, at DATETIME(6), day DATE, more JSON, kind ENUM('a','b'), bits BIT(4), name VARCHAR(40), bytes VARBINARY(20), y YEAR)");
        using var state = new TemporaryFolder();
        await using var source = new ListSource(Documents);
        await using var sink = Sink(database);
        var result = await EngineRun.CopyAsync(source, sink, state.Path, Ct);
        Assert.Equal((null, Documents.Length), (result.Error, (int)result.Account.Written));
        return database;
    }

    private static async Task<VerifyResult> CompareAsync(MySqlDatabase database, IReadOnlyList<Document> documents, VerifyOptions? options = null)
    {
        using var state = new TemporaryFolder();
        await using var source = new ListSource(documents);
        await using var sink = Sink(database);
        return await EngineRun.CompareAsync(source, sink, state.Path, Ct, options);
    }

    private static MySqlSink Sink(MySqlDatabase database) => database.Sink(database.Options with { Shape = MySqlShape.Columns });
}
