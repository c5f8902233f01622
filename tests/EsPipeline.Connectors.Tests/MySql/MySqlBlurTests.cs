using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What a server would change, merge or leave out without a word, if nobody looked.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlBlurTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_key_of_zero_is_zero_in_a_column_that_counts_by_itself()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id INT AUTO_INCREMENT PRIMARY KEY, n INT)");
        await using var sink = await database.Sink(Columns(database)).ReadyAsync();
        for (var pass = 0; pass < 2; pass++) Assert.Empty((await sink.WriteAsync(new Document("0", """{"n":1}"""), new("7", """{"n":2}"""))).Failures);
        Assert.Equal(["0,1", "7,2"], (await database.RowsAsync($"SELECT CONCAT(id,',',n) FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]));
    }

    [Theory]
    [InlineData("VARCHAR(5)", "\"abc     \"", "mysql.too_long")]
    [InlineData("CHAR(5)", "\"ab \"", "mysql.wrong_type")]
    [InlineData("VARCHAR(5) CHARACTER SET utf8mb3", "\"😀\"", "mysql.wrong_type")]
    [InlineData("VARCHAR(5) CHARACTER SET latin1", "\"ł\"", "mysql.wrong_type")]
    [InlineData("BINARY(4)", "\"AQ==\"", "mysql.wrong_type")]
    [InlineData("ENUM('a','b')", "\"A\"", "mysql.wrong_type")]
    [InlineData("SET('a','b')", "\"b,a\"", "mysql.wrong_type")]
    [InlineData("YEAR", "5", "mysql.out_of_range")]
    [InlineData("YEAR", "0", "mysql.out_of_range")]
    [InlineData("DATE", "\"2024-02-29T12:00:00Z\"", "mysql.inexact")]
    [InlineData("DATE", "\"0000-00-00\"", "mysql.wrong_type")]
    [InlineData("DATETIME", "\"2024-02-29T12:00:00.5Z\"", "mysql.inexact")]
    [InlineData("TIMESTAMP", "\"2040-01-01T00:00:00Z\"", "mysql.wrong_type")]
    [InlineData("TIME", "\"25:00:00.5\"", "mysql.inexact")]
    [InlineData("BIT(3)", "8", "mysql.out_of_range")]
    [InlineData("BIGINT UNSIGNED", "18446744073709551616", "mysql.out_of_range")]
    [InlineData("DECIMAL(65,30)", "1e36", "mysql.out_of_range")]
    [InlineData("DECIMAL(65,30)", "1e-31", "mysql.inexact")]
    [InlineData("DECIMAL(5,2)", "1.005", "mysql.inexact")]
    [InlineData("DOUBLE", "9007199254740993", "mysql.inexact")]
    [InlineData("FLOAT", "16777217", "mysql.inexact")]
    [InlineData("DOUBLE(10,2)", "1.239", "mysql.inexact")]
    [InlineData("FLOAT(7,4)", "1.00009", "mysql.inexact")]
    [InlineData("INT", "\"00501\"", "mysql.wrong_type")]
    [InlineData("DECIMAL(9,2)", "\"-007.5\"", "mysql.wrong_type")]
    [InlineData("DOUBLE(10,2)", "1.25", null)]
    [InlineData("TINYINT", "true", null)]
    [InlineData("BIGINT UNSIGNED", "18446744073709551615", null)]
    [InlineData("DECIMAL(65,30)", "-99999999999999999999999999999999999.999999999999999999999999999999", null)]
    [InlineData("JSON", """{"a":1,"a":2,"n":1.0000000000000000001}""", null)]
    public async Task A_value_stands_in_its_column_as_it_is_or_not_at_all(string type, string json, string? code)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync($"CREATE TABLE docs (id VARCHAR(9) COLLATE utf8mb4_nopad_bin PRIMARY KEY, v {type} NULL)");
        await using var sink = await database.Sink(Columns(database)).ReadyAsync();
        var result = await sink.WriteAsync(new Document("a", $$"""{"v":{{json}}}"""), new("b", """{"v":null}"""));
        Assert.Equal(code is null ? [] : [code], result.Failures.Select(f => f.Error.Code));
        Assert.Equal(code is null ? ["a", "b"] : ["b"], (await database.RowsAsync($"SELECT id FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]));
        if (code is not null || type == "TINYINT") return;
        await using var source = database.Source(Columns(database));
        Assert.Equal($$"""{"id":"a","v":{{json}}}""", (await MySqlDatabase.ReadAsync(source)).Records.Single(r => r.Key == "a").Json);
    }

    // MySQL's own type, which no server here has.
    [Theory]
    [InlineData("""{"a":{"b":1,"b":2}}""", "twice")]
    [InlineData("""{"a":1,"\u0061":2}""", "twice")]
    [InlineData("""{"n":9007199254740993.5}""", "digits")]
    [InlineData("""{"a":{"b":1},"b":[{"a":1},{"a":2}],"n":18446744073709551615}""", null)]
    public void What_native_json_would_change_is_refused(string json, string? reason)
    {
        var misfit = NativeJson.Misfit(new MySqlColumn("v", "json", "json"), System.Text.Encoding.UTF8.GetBytes(json));
        if (reason is null) Assert.Null(misfit);
        else Assert.Contains(reason, misfit!.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Keys_that_a_collation_merges_are_told_however_they_are_spread()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_unicode_ci PRIMARY KEY, content JSON)");
        string[] groups = ["straße,STRASSE", "é,e,E,É", "x,x ,x  ", "ａ,a", "ı,I", "\u00e5,a\u030a"];
        Document[] documents = [.. groups.SelectMany(g => g.Split(',')).Select((k, i) => new Document(k, $$"""{"n":{{i}}}"""))];
        using var state = new TemporaryFolder();
        await using var sink = database.Sink();
        await using var source = new ListSource(documents, 2);
        var result = await EngineRun.CopyAsync(source, sink, state.Path, Ct, setup => setup with { BatchSize = (1, null, null) });
        Assert.Null(result.Error);
        var rows = (await database.RowsAsync($"SELECT id,content FROM {database.Name}.docs")).ToDictionary(r => r[0]!, r => r[1]!);
        Assert.Equal(documents.Length, result.Account.Written + result.Account.DeadLettered);
        Assert.Equal(rows.Count, result.Account.Written);
        Assert.True(result.Account.DeadLettered >= 6);
        Assert.All(rows, row => Assert.Equal(documents.Single(d => d.Key == row.Key).Json, row.Value));
    }

    [Fact]
    public async Task Zeros_before_a_number_stay_where_the_column_has_them()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARCHAR(9) COLLATE utf8mb4_nopad_bin PRIMARY KEY, v INT(5) ZEROFILL, w INT)");
        await using var sink = await database.Sink(Columns(database)).ReadyAsync();
        Assert.Empty((await sink.WriteAsync(new Document("a", """{"v":"00501","w":"-12"}"""), new("b", """{"v":"0","w":"0"}"""))).Failures);
        Assert.Equal(["00501,-12", "00000,0"], (await database.RowsAsync($"SELECT CONCAT(v,',',w) FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]));
    }

    [Fact]
    public async Task An_index_of_the_beginning_of_the_key_does_not_put_a_document_into_another_ones_row()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_nopad_bin PRIMARY KEY, content JSON, UNIQUE (id(10)))");
        await using var sink = await database.Sink().ReadyAsync();
        Assert.Empty((await sink.WriteAsync(new Document("abcdefghij1", """{"n":1}"""))).Failures);
        var result = await sink.WriteAsync(new Document("abcdefghij2", """{"n":2}"""));
        Assert.Equal(["mysql.key_collides"], result.Failures.Select(f => f.Error.Code));
        Assert.Equal([("abcdefghij1", """{"n":1}""")], (await database.RowsAsync($"SELECT id,content FROM {database.Name}.docs")).Select(r => (r[0]!, r[1]!)));
    }

    [Fact]
    public async Task Text_is_what_it_is_on_a_server_that_does_not_take_a_clients_word_for_its_characters()
    {
        await using var server = await MariaDbServer.StartAsync(Ct, "--character-set-server=latin1", "--skip-character-set-client-handshake");
        await using var database = await MySqlDatabase.CreateAsync(server);
        Document[] documents = [new("Ж€", """{"t":"é€Ж😀"}""")];
        await using var sink = await database.Sink().ReadyAsync();
        Assert.Empty((await sink.WriteAsync(documents)).Failures);
        Assert.Equal(
            [$"{Convert.ToHexString("Ж€"u8)} {Convert.ToHexString("""{"t":"é€Ж😀"}"""u8)}"],
            (await database.RowsAsync($"SELECT CONCAT(HEX(id),' ',HEX(content)) FROM {database.Name}.docs")).Select(r => r[0]));
        await using var source = database.Source();
        ContentAssert.Same(documents, (await MySqlDatabase.ReadAsync(source)).Records.ToDictionary(r => r.Key, r => r.Json));
    }

    [Fact]
    public async Task A_field_that_differs_from_its_column_in_case_is_told_once()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARCHAR(9) COLLATE utf8mb4_nopad_bin PRIMARY KEY, name TEXT)");
        var log = new ListLog<MySqlSink>();
        await using var sink = await database.Sink(Columns(database), log: log).ReadyAsync();
        for (var i = 0; i < 3; i++) Assert.Empty((await sink.WriteAsync(new Document($"{i}", """{"Name":"x"}"""))).Failures);
        Assert.Single(log.Lines, l => l.Contains("'Name'", StringComparison.Ordinal) && l.Contains("'name'", StringComparison.Ordinal));
    }

    [Fact]
    public async Task What_the_server_does_by_itself_is_told_before_a_run()
    {
        await using var server = await MariaDbServer.StartAsync(Ct, "--innodb-flush-log-at-trx-commit=2", "--sql-mode=ANSI_QUOTES,NO_BACKSLASH_ESCAPES");
        await using var database = await MySqlDatabase.CreateAsync(server);
        await database.ExecuteAsync(
            "SET GLOBAL sql_notes=0",
            "CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_nopad_bin PRIMARY KEY, n INT, twice INT AS (n*2) STORED)",
            "CREATE TRIGGER t BEFORE INSERT ON docs FOR EACH ROW SET @x=1");
        await using var sink = await database.Sink(Columns(database)).ReadyAsync();
        var warnings = (await Health.OfAsync(sink)).Warnings;
        Assert.Equal(3, warnings.Count);
        Assert.Contains(warnings, w => w.Contains("innodb_flush_log_at_trx_commit=2", StringComparison.Ordinal));
        Assert.Contains(warnings, w => w.Contains("'twice'", StringComparison.Ordinal));
        Assert.Contains(warnings, w => w.Contains("triggers", StringComparison.Ordinal));

        // The server's own mode would take the backslash for a character.
        Assert.Equal(2, (await sink.WriteAsync(new Document(@"back\slash'", """{"n":1}"""), new("b", """{"n":2,"twice":4}"""))).Written);
        Assert.Equal(["b,4", @"back\slash',2"], (await database.RowsAsync($"SELECT CONCAT(id,',',twice) FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]));
    }

    [Fact]
    public async Task A_key_column_that_may_be_null_is_refused_and_a_null_in_a_querys_key_is_told()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id INT PRIMARY KEY, b VARCHAR(9) NULL)", "INSERT INTO docs VALUES (1,NULL),(2,''),(3,'x')");
        await using var table = database.Source(Columns(database) with { Key = ["b", "id"] });
        var refused = (await Health.OfAsync(table)).Problem!;
        Assert.Equal(TableErrors.NoKey, refused.Error);
        Assert.Contains("'b'", refused.Message, StringComparison.Ordinal);
        await using var query = database.Source(Columns(database) with { Key = ["b", "id"] });
        var read = await MySqlDatabase.ReadAsync(query, Selection.Everything with { Query = $"SELECT * FROM {database.Name}.docs" });
        Assert.Equal([",2", "x,3"], read.Records.Select(r => r.Key));
        Assert.Equal(TableErrors.EmptyKey, Assert.Single(read.Malformed).Found.Error);
    }

    [Theory]
    [InlineData("SELECT 1 AS id, 2 AS v, 3 AS v", "Duplicate column name")]
    [InlineData("SELECT 1 AS id, 2 AS V, 3 AS v", "Duplicate column name")]
    [InlineData("SELECT 1 AS id INTO OUTFILE '/tmp/x'", "mysql.query")]
    [InlineData("SELECT 1 AS id; DROP TABLE docs", "mysql.query")]
    [InlineData("DELETE FROM docs", "mysql.query")]
    [InlineData("SELECT 1 AS id, 2 AS ``", "name is empty")]
    public async Task A_query_that_can_not_be_read_whole_is_refused(string query, string named)
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var source = database.Source(Columns(database));
        var refused = await Assert.ThrowsAsync<PipelineException>(() => MySqlDatabase.ReadAsync(source, Selection.Everything with { Query = query }));
        Assert.Equal(FailureKind.Environment, refused.Kind);
        Assert.Contains(named, $"{refused.Code}: {refused.Message}", StringComparison.Ordinal);
    }

    [Fact]
    public async Task Odd_names_of_a_querys_columns_are_the_fields_names()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var source = database.Source(Columns(database) with { Key = ["a`b"] });
        var read = await MySqlDatabase.ReadAsync(source, Selection.Everything with { Query = "SELECT 'k' AS `a``b`, 1+1, 2 AS `x\"y`, 3 AS 'it''s', 4 AS `日本` -- comment" });
        Assert.Equal("""{"a`b":"k","1+1":2,"x\"y":2,"it's":3,"日本":4}""", Assert.Single(read.Records).Json);
    }

    [Theory]
    [InlineData("DATE", "'0000-00-00'", "'2024-00-00'", "'2024-01-02'")]
    [InlineData("DATETIME", "'0000-00-00 00:00:00'", "'2024-01-00 00:00:00'", "'2024-01-02 00:00:00'")]
    public async Task Dates_that_are_none_are_read_as_they_are_page_by_page(string type, string zero, string half, string whole)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "SET sql_mode=''", $"CREATE TABLE docs (k {type} PRIMARY KEY, updated {type} NOT NULL)", $"INSERT INTO docs VALUES ({zero},{whole}),({half},{half}),({whole},{zero})");
        await using var source = database.Source(Columns(database), pageSize: 1);
        var keys = (await MySqlDatabase.ReadAsync(source)).Records.Select(r => r.Key).ToArray();
        Assert.Equal([zero.Trim('\''), half.Trim('\''), whole.Trim('\'').Replace(" 00:00:00", "T00:00:00Z", StringComparison.Ordinal)], keys);
    }

    [Fact]
    public async Task Rows_without_a_time_are_told_where_times_select()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "SET sql_mode=''", "CREATE TABLE docs (id INT PRIMARY KEY, t TIMESTAMP NULL)", "INSERT INTO docs VALUES (1,NULL),(2,'0000-00-00'),(3,'2024-01-01')");
        var log = new ListLog<MySqlSource>();
        await using var source = database.Source(database.SourceOptions with { Shape = MySqlShape.Columns, UpdatedColumn = "t" }, new RunOptions { Overlap = TimeSpan.Zero }, log: log);
        var read = await MySqlDatabase.ReadAsync(source, Selection.Everything with { Since = new DateTimeOffset(2023, 1, 1, 0, 0, 0, TimeSpan.Zero) });
        Assert.Equal(["3"], read.Records.Select(r => r.Key));
        Assert.Contains(log.Lines, m => m.StartsWith("2 rows", StringComparison.Ordinal));
    }

    private static MySqlOptions Columns(MySqlDatabase database) => database.Options with { Shape = MySqlShape.Columns };
}
