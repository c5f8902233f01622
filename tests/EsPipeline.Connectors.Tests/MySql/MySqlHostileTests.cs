using System.Text;
using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Records;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Names and contents that try to be more than that.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlHostileTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("a`b")]
    [InlineData("`; DROP TABLE victim; -- ")]
    [InlineData("quote'd \"name\"")]
    [InlineData("back\\slash\\")]
    [InlineData("日本語 naïve")]
    [InlineData("a.b/c..")]
    public async Task A_name_is_a_name_whatever_it_holds(string name)
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE victim (id INT PRIMARY KEY)");
        name = name.TrimEnd();
        var options = database.Options with { Table = name, Key = ["k" + name], ContentColumn = "c" + name };
        Assert.Empty(options.Mistakes());
        Document[] documents = [.. Corpus.Plain(50)];
        await using (var sink = await database.Sink(options).ReadyAsync()) Assert.Equal(50, (await sink.WriteAsync(documents)).Written);
        await using var source = database.Source(options, pageSize: 7);
        ContentAssert.Same(documents, (await MySqlDatabase.ReadAsync(source, parallelism: 3)).Apply());
        Assert.Equal(new HashSet<string?> { "victim", name }, (await database.RowsAsync($"SHOW TABLES FROM {database.Name}")).Select(r => r[0]).ToHashSet());
    }

    [Fact]
    public void A_name_that_no_server_takes_is_told_before_anything_is_sent()
    {
        var options = new MySqlSourceOptions { User = "u", Database = "d", Table = new string('t', 65), Key = ["k\0"], UpdatedColumn = "blank " };
        var mistakes = options.Mistakes().ToArray();
        Assert.Contains(mistakes, m => m.StartsWith("--db-table:", StringComparison.Ordinal) && m.Contains("65 characters", StringComparison.Ordinal));
        Assert.Contains(mistakes, m => m.StartsWith("--db-key:", StringComparison.Ordinal));
        Assert.Contains(mistakes, m => m.StartsWith("--db-updated-column:", StringComparison.Ordinal));
        Assert.Empty((options with { Table = new string('t', 64), Key = [], UpdatedColumn = null }).Mistakes());
    }

    [Fact]
    public async Task A_field_of_a_document_is_a_column_whatever_its_name_holds_and_one_that_can_be_none_costs_its_record()
    {
        await using var database = await servers.NewDatabaseAsync();
        await database.ExecuteAsync("CREATE TABLE victim (id INT PRIMARY KEY)");
        string[] names = ["a`b", "q'u\"o", "`; DROP TABLE victim; -- .", "back\\slash\\", "%s ? @x", "日本語", new('f', 64)];
        Document[] good = [.. Enumerable.Range(0, 20).Select(i => new Document($"k{i:00}", new System.Text.Json.Nodes.JsonObject(names.Select((n, at) => KeyValuePair.Create(n, (System.Text.Json.Nodes.JsonNode?)$"v{i}.{at} '; --"))).ToJsonString()))];
        Document[] bad = [new("long", $$"""{"{{new string('f', 65)}}":1}"""), new("blank", """{"ends in a blank ":1}"""), new("nul", """{"nul\u0000":1}""")];
        await using (var sink = await database.Sink(database.Options with { Shape = MySqlShape.Columns }).ReadyAsync())
        {
            var result = await sink.WriteAsync([.. good, .. bad]);
            Assert.Equal([20, 21, 22], result.Failures.Select(f => f.Index));
            Assert.All(result.Failures, f => Assert.Equal(TableErrors.UnknownField, f.Error));
        }

        await using var source = database.Source(database.Options with { Shape = MySqlShape.Columns }, new RunOptions());
        var held = (await MySqlDatabase.ReadAsync(source)).Apply();
        Assert.Equal(good.Length, held.Count);
        foreach (var document in good)
        {
            var read = System.Text.Json.Nodes.JsonNode.Parse(held[document.Key])!.AsObject();
            read.Remove("id");
            Assert.True(JsonContent.Equal(document.Json, read.ToJsonString()), read.ToJsonString());
        }

        Assert.Equal(["docs", "victim"], (await database.RowsAsync($"SHOW TABLES FROM {database.Name}")).Select(r => r[0]).Order());
    }

    // A trigger makes the sink write text instead of bound values.
    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Every_escape_survives_bound_and_as_text(bool asText)
    {
        await using var database = await servers.NewDatabaseAsync();
        await using (var sink = await database.Sink().ReadyAsync())
        {
        }

        if (asText) await database.ExecuteAsync("CREATE TRIGGER t BEFORE INSERT ON docs FOR EACH ROW SET @x=1");
        Document[] documents =
        [
            .. Corpus.All.Where(d => d.Key.Length <= 768), new("nul\0in key", """{"v":"\u0000"}"""), new("'); DROP TABLE docs; -- ", """{"v":"'; DROP TABLE docs; -- "}"""),
            new(@"\", """{"v":"\\'\\\\"}"""), new(@"\'", "{}"), new("%_", "{}"),
        ];
        await using (var sink = await database.Sink().ReadyAsync())
        {
            var result = await sink.WriteAsync(documents);
            Assert.Empty(result.Failures.Select(f => f.Reason));
            foreach (var document in documents) Assert.Equal(document.Json, Encoding.UTF8.GetString((await sink.ReadAsync(document.KeyBytes, Ct))!));
        }

        await using var source = database.Source(pageSize: 10);
        ContentAssert.Same(documents, (await MySqlDatabase.ReadAsync(source)).Apply());
        await using var again = await database.Sink().ReadyAsync();
        using var deletes = Slices.Deletes(documents.Select(d => d.Key));
        Assert.Equal(documents.Length, (await again.WriteAsync(deletes.Slice(), Ct)).Written);
        Assert.Equal("0", (await database.RowsAsync($"SELECT COUNT(*) FROM {database.Name}.docs"))[0][0]);
    }

    [Fact]
    public async Task Text_that_is_not_utf8_is_refused_alone()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink().ReadyAsync();
        Core.Records.Record[] records = [.. Corpus.Plain(40).Select((d, i) => new Core.Records.Record(d.KeyBytes, d.JsonBytes, RecordOperation.Upsert, 0, i))];
        records[7] = records[7] with { Json = "{\"v\":\"\xFF\"}"u8.ToArray().Where(b => b != 0xC3).ToArray() };
        records[23] = records[23] with { Key = new byte[] { (byte)'k', 0xC3, 0x28 } };
        var result = await sink.WriteAsync(new RecordSlice(records), Ct);
        Assert.Equal([7, 23], result.Failures.Select(f => f.Index));
        Assert.All(result.Failures, f => Assert.Equal(Core.Errors.FailureKind.Permanent, f.Error.Kind));
        Assert.Equal(38, result.Written);
    }

    [Fact]
    public async Task A_secret_is_in_no_message()
    {
        const string secret = "S3cr3t!%40/:?#";
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = database.Sink(database.Options with { User = "nobody", Password = new Secret(secret) });
        var problem = (await Health.OfAsync(sink)).Problem!;
        Assert.Equal(MySqlErrors.SignIn, problem.Error);
        for (Exception? e = problem; e is not null; e = e.InnerException) Assert.DoesNotContain(secret, e.ToString(), StringComparison.Ordinal);
    }
}
