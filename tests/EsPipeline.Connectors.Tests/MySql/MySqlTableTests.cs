using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>What is made of tables that are there, and of what does not fit them.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlTableTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, content JSON")]
    [InlineData("record_id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, document LONGTEXT")]
    [InlineData("`key` VARBINARY(64) PRIMARY KEY, content LONGBLOB")]
    [InlineData("id VARCHAR(64) NOT NULL UNIQUE, content MEDIUMTEXT")]
    [InlineData("id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, content LONGTEXT", false)]
    [InlineData("id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, content LONGBLOB", false)]
    [InlineData("record_id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, document JSON", false)]
    public async Task A_table_of_two_columns_is_taken_as_it_is(string columns, bool isTold = true)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync($"CREATE TABLE docs ({columns})");
        Document[] documents = [.. Corpus.Plain(30)];
        var options = database.Options with { Shape = isTold ? MySqlShape.Document : null };
        await using (var sink = await database.Sink(options).ReadyAsync()) Assert.Equal(30, (await sink.WriteAsync(documents)).Written);
        await using var source = database.Source(options);
        ContentAssert.Same(documents, (await MySqlDatabase.ReadAsync(source)).Apply());
    }

    [Fact]
    public async Task A_new_row_may_have_the_unique_value_of_one_that_is_deleted_in_the_same_write()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, email VARCHAR(64) UNIQUE)");
        await using var sink = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync();
        await Firestore.Slices.WriteAsync(sink, ("a", """{"email":"x"}"""), ("c", """{"email":"y"}"""));
        Assert.Empty((await Firestore.Slices.WriteAsync(sink, ("b", """{"email":"x"}"""), ("c", """{"email":"y"}"""), ("a", null), ("never", null))).Failures);
        Assert.Equal(["b x", "c y"], (await database.RowsAsync($"SELECT CONCAT(id,' ',email) FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]));
    }

    [Theory]
    [InlineData("C:\\new\\\"")]
    [InlineData("two\nlines\r")]
    [InlineData("it's \0\t\b\u001a%_")]
    [InlineData("\\n")]
    public async Task Choices_with_odd_signs_are_choices(string choice)
    {
        await using var database = await servers.NewDatabaseAsync();
        var (text, json) = (SqlText.Literal(choice), System.Text.Json.JsonSerializer.Serialize(choice));
        await database.ExecuteAsync($"CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, e ENUM('x',{text},'y'), s SET('x',{text},'y'))");
        await using var sink = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync();
        Assert.Empty((await Firestore.Slices.WriteAsync(sink, ("a", $$"""{"e":{{json}},"s":{{json}}}"""), ("b", """{"e":"y","s":"x,y"}"""))).Failures);
        var found = await database.RowsAsync($"SELECT CONCAT(e={text},s={text}) FROM {database.Name}.docs ORDER BY id");
        Assert.Equal(["11", "00"], found.Select(r => r[0]));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ON DELETE CASCADE")]
    [InlineData("ON DELETE SET NULL")]
    public async Task A_row_that_refers_to_another_one_from_now_on_does_not_go_with_the_one_before(string rule)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync(
            "CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, parent VARCHAR(64) COLLATE utf8mb4_bin, note TEXT, "
            + $"FOREIGN KEY (parent) REFERENCES docs (id) {rule})");
        await using var sink = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync();
        await Firestore.Slices.WriteAsync(sink, ("a", """{"parent":null}"""), ("b", """{"parent":null}"""), ("c", """{"parent":"a"}"""));
        await database.ExecuteAsync("UPDATE docs SET note = 'kept' WHERE id = 'c'");
        var result = await Firestore.Slices.WriteAsync(sink, ("a", null), ("c", """{"parent":"b"}"""));
        Assert.Equal((0, 2), (result.Failures.Count, result.Written));
        Assert.Equal(["b - -", "c b kept"], (await database.RowsAsync($"SELECT CONCAT_WS(' ',id,IFNULL(parent,'-'),IFNULL(note,'-')) FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]));
    }

    [Theory]
    [InlineData("a VARCHAR(64), content JSON", "mysql.no_key", "no primary key")]
    [InlineData("id VARCHAR(64) PRIMARY KEY, content VARCHAR(100)", "mysql.table_does_not_fit", "documents")]
    [InlineData("id CHAR(64) PRIMARY KEY, content JSON", "mysql.table_does_not_fit", "'id' is char(64)")]
    [InlineData("id VARCHAR(64) PRIMARY KEY, content JSON, other INT NOT NULL", "mysql.table_does_not_fit", "'other'")]
    [InlineData("a INT, b INT, content JSON, PRIMARY KEY (a,b)", "mysql.table_does_not_fit", "documents")]
    public async Task A_table_that_does_not_fit_is_refused_with_what_is_wrong(string columns, string code, string named)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync($"CREATE TABLE docs ({columns})");
        await using var sink = database.Sink(database.Options with { Shape = MySqlShape.Document });
        var problem = (await Health.OfAsync(sink)).Problem!;
        Assert.Equal((code, FailureKind.Environment), (problem.Code, problem.Kind));
        Assert.Contains(named, problem.Message, StringComparison.Ordinal);
    }

    // The server takes a and A, and the blank after it, for one key.
    [Fact]
    public async Task A_collation_that_takes_two_keys_for_one_merges_nothing()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_general_ci PRIMARY KEY, content JSON)");
        await using var sink = await database.Sink().ReadyAsync();
        Assert.Contains("utf8mb4_general_ci", Assert.Single((await Health.OfAsync(sink)).Warnings), StringComparison.Ordinal);
        var result = await sink.WriteAsync(new Document("a", """{"v":1}"""), new("b", """{"v":2}"""), new("A", """{"v":3}"""), new("a ", """{"v":4}"""));
        Assert.All(result.Failures, f => Assert.Equal(TableErrors.Collides, f.Error));
        Assert.Equal(2, result.Failures.Count);
        Assert.Equal(2, result.Written);
        var again = await sink.WriteAsync(new Document("B", """{"v":5}"""), new("b", """{"v":6}"""));
        Assert.Equal((1, 0, 0), (again.Written, again.Unchanged, again.Failures[0].Index));
        using var deletes = Slices.Deletes("B", "nothing");
        Assert.Equal(0, (await sink.WriteAsync(deletes.Slice(), Ct)).Written);
        Assert.Equal("""{"v":6}""", (await database.RowsAsync($"SELECT content FROM {database.Name}.docs WHERE id='b'"))[0][0]);
    }

    [Fact]
    public async Task Another_unique_index_never_gives_a_record_another_records_row()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARBINARY(64) PRIMARY KEY, email VARCHAR(64) UNIQUE, n INT)");
        await using var sink = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync();
        await sink.WriteAsync(new Document("YQ==", """{"email":"x@y","n":1}"""));
        var result = await sink.WriteAsync(new Document("YQ==", """{"email":"x@y","n":2}"""), new("Yg==", """{"email":"x@y","n":3}"""), new("Yw==", """{"email":"z@y","n":4}"""));
        Assert.Equal((1, TableErrors.Collides), (Assert.Single(result.Failures).Index, result.Failures[0].Error));
        Assert.Equal(["a,x@y,2", "c,z@y,4"], (await database.RowsAsync($"SELECT CONCAT_WS(',',id,email,n) FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]));
    }

    [Fact]
    public async Task Rows_that_are_there_count_as_they_were_found()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink().ReadyAsync();
        Document[] documents = [.. Corpus.Plain(100)], half = [.. Corpus.Plain(50, seed: 2), .. documents[50..]];
        Assert.Equal((100, 0), (await sink.WriteAsync(documents)) is var first ? (first.Written, first.Unchanged) : default);
        Assert.Equal((50, 50), (await sink.WriteAsync(half)) is var second ? (second.Written, second.Unchanged) : default);
        await using var ignoring = await database.Sink(database.SinkOptions with { Write = MySqlWrite.InsertIgnore }).ReadyAsync();
        Document[] more = [.. Corpus.Plain(120, seed: 3)];
        Assert.Equal((20, 100), (await ignoring.WriteAsync(more)) is var third ? (third.Written, third.Unchanged) : default);
        ContentAssert.Same(half.Concat(more[100..]), await new MySqlTarget(database, database.Options).ReadAllAsync(Ct));
    }

    // The third is refused, so the fourth is the first of its key that the table takes.
    [Fact]
    public async Task Where_rows_that_are_there_are_left_alone_the_first_of_a_key_stays_within_a_write_and_across_writes()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_nopad_bin PRIMARY KEY, n TINYINT, CHECK (n<>13))");
        await using var sink = await database.Sink(database.SinkOptions with { Shape = MySqlShape.Columns, Write = MySqlWrite.InsertIgnore }).ReadyAsync();
        var first = await Firestore.Slices.WriteAsync(
            sink, ("a", "{\"n\":1}"), ("b", "{\"n\":1}"), ("c", "{\"n\":13}"), ("c", "{\"n\":2}"), ("a", "{\"n\":2}"), ("b", null), ("b", "{\"n\":3}"), ("b", "{\"n\":4}"), ("d", null));
        Assert.Equal((5, 3, 2), (first.Written, first.Unchanged, Assert.Single(first.Failures).Index));
        Assert.Equal((0, 2), (await Firestore.Slices.WriteAsync(sink, ("a", "{\"n\":9}"), ("c", "{\"n\":9}"))) is var again ? (again.Written, again.Unchanged) : default);
        Assert.Equal(["a 1", "b 3", "c 2"], (await database.RowsAsync($"SELECT CONCAT(id,' ',n) FROM {database.Name}.docs ORDER BY id")).Select(r => r[0]));
    }

    [Fact]
    public async Task Ignoring_rows_that_are_there_ignores_no_mistake()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_nopad_bin PRIMARY KEY, n TINYINT, d DATE, CHECK (n<>13))");
        await using var sink = await database.Sink(database.SinkOptions with { Shape = MySqlShape.Columns, Write = MySqlWrite.InsertIgnore }).ReadyAsync();
        var result = await sink.WriteAsync(
            new("a", """{"n":1}"""), new("b", """{"n":300}"""), new("c", """{"n":13}"""), new("d", """{"d":"2024-02-30"}"""), new("e", """{"d":"2024-02-29"}"""));
        Assert.Equal([1, 2, 3], result.Failures.Select(f => f.Index));
        Assert.Equal(["mysql.out_of_range", "mysql.constraint", "mysql.wrong_type"], result.Failures.Select(f => f.Error.Code));
        Assert.Equal(2, result.Written);
    }

    [Fact]
    public async Task A_new_table_gets_a_column_for_each_field_of_the_first_documents()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync();
        Document[] documents =
        [
            new("1", """{"i":1,"d":1.5,"b":true,"t":"x","o":{"k":[1,{"a":"ü"}]},"a":["x","y"],"m":1,"z":null}"""),
            new("2", """{"i":-9223372036854775808,"d":2,"b":false,"t":"'; --","o":{},"a":[],"m":"text","z":{"q":null}}"""),
        ];
        Assert.Empty((await sink.WriteAsync(documents)).Failures.Select(f => f.Reason));
        var types = (await database.RowsAsync($"SELECT COLUMN_NAME,DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='{database.Name}'")).ToDictionary(r => r[0]!, r => r[1]!);
        Assert.Equal(("bigint", "double", "tinyint", "longtext"), (types["i"], types["d"], types["b"], types["t"]));
        await using var source = database.Source(database.Options with { Shape = MySqlShape.Columns });
        ContentAssert.Same(
            [
                new("1", """{"id":"1","i":1,"d":1.5,"b":1,"t":"x","o":{"k":[1,{"a":"ü"}]},"a":["x","y"],"m":1,"z":null}"""),
                new("2", """{"id":"2","i":-9223372036854775808,"d":2,"b":0,"t":"'; --","o":{},"a":[],"m":"text","z":{"q":null}}"""),
            ],
            (await MySqlDatabase.ReadAsync(source)).Apply());
        Assert.Equal(TableErrors.UnknownField, Assert.Single((await sink.WriteAsync(new Document("3", """{"new":1}"""))).Failures).Error);
        await database.ExecuteAsync("ALTER TABLE docs ADD COLUMN new INT");
        await using var next = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync();
        Assert.Equal(1, (await next.WriteAsync(new Document("3", """{"new":1}"""))).Written);
    }

    [Fact]
    public async Task The_schema_of_the_source_makes_the_columns()
    {
        await using var database = await servers.NewDatabaseAsync();
        var schema = new SourceSchema(
        [
            new("at", FieldKind.Timestamp, "date", "epoch_millis"), new("user.name", FieldKind.Keyword, "keyword"), new("user.age", FieldKind.Integer, "long"),
            new("blob", FieldKind.Binary, "binary"),
        ]);
        await using var sink = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync(schema);
        Assert.Equal(1, (await sink.WriteAsync(new Document("1", """{"at":1709208000123,"user":{"name":"x","age":3},"blob":"AP8="}"""))).Written);
        Assert.Equal(
            ["2024-02-29 12:00:00.123000", """{"name":"x","age":3}""", "00FF"],
            (await database.RowsAsync($"SELECT at,user,HEX(`blob`) FROM {database.Name}.docs"))[0].Select(v => v!));
    }
}
