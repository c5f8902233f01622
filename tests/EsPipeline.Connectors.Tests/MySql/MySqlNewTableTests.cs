using System.Globalization;
using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>Which columns a table gets that is made with columns for fields that no source has named.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlNewTableTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Writers get the keys of one lane each: none of them sees all fields, nor every kind of value.
    [Fact]
    public async Task Its_columns_are_those_of_the_first_documents_whichever_of_them_is_written_first()
    {
        Document[] documents =
        [
            .. Enumerable.Range(0, 6000).Select(i => new Document($"{i:00000}", (i / 100) switch
            {
                7 => $$"""{"n":{{i}}.5,"rare":"x"}""",
                23 => $$"""{"n":{{i}},"late":[{{i}}]}""",
                59 => $$"""{"n":{{i}},"rare":5}""",
                _ => $$"""{"n":{{i}}}""",
            })),
        ];
        for (var run = 0; run < 5; run++)
        {
            await using var database = await servers.NewDatabaseAsync();
            using var state = new TemporaryFolder();
            await using var sink = database.Sink(Columns(database));
            await using var source = new ListSource(documents, 500);
            var result = await EngineRun.CopyAsync(source, sink, state.Path, Ct, setup => setup with { BatchSize = (50, null, null) });
            Assert.Null(result.Error);
            Assert.Equal((6000, 0), (result.Account.Written, result.Account.DeadLettered));
            Assert.Equal(["id varchar", "n double", "rare longtext", "late longtext"], await ColumnsOfAsync(database));
            Assert.Equal(
                ["\"x\"", "5"],
                (await database.RowsAsync($"SELECT DISTINCT rare FROM {database.Name}.docs WHERE rare IS NOT NULL ORDER BY 1")).Select(r => r[0]));
        }
    }

    [Fact]
    public async Task What_the_source_has_only_a_name_for_the_documents_tell()
    {
        await using var database = await servers.NewDatabaseAsync();
        var schema = new SourceSchema([new("b", FieldKind.Unknown, "text"), new("a", FieldKind.Timestamp, "date"), new("empty", FieldKind.Unknown, "text")]);
        await using var sink = await database.Sink(Columns(database)).ReadyAsync(schema);
        Assert.True(sink.NeedsSample);
        Assert.Empty((await sink.WriteAsync(new Document("1", """{"a":"2024-01-01T00:00:00Z","b":5}"""))).Failures);
        Assert.Equal(["id varchar", "b bigint", "a datetime", "empty longtext"], await ColumnsOfAsync(database));
    }

    [Theory]
    [InlineData("")]
    [InlineData("ends with a blank ")]
    [InlineData("smile 😀")]
    public async Task A_field_whose_name_is_no_column_s_sets_only_its_records_aside_unless_somebody_names_it(string name)
    {
        await using var database = await servers.NewDatabaseAsync();
        Document[] documents = [new("1", """{"n":1}"""), new("2", $$"""{"n":2,"{{name}}":1}"""), new("3", """{"n":3}""")];
        using var batch = Slices.Of(documents);
        await using (var named = await database.Sink(Columns(database)).ReadyAsync(new SourceSchema([new(name, FieldKind.Unknown, "text")])))
        {
            var refused = await Assert.ThrowsAsync<PipelineException>(() => named.WriteAsync(batch.Slice(), Ct));
            Assert.Equal(TableErrors.DoesNotFit, refused.Error);
        }

        await using var sink = await database.Sink(Columns(database)).ReadyAsync();
        var result = await sink.WriteAsync(batch.Slice(), Ct);
        Assert.Equal((2, 1), (result.Written, Assert.Single(result.Failures).Index));
        Assert.Equal(["id varchar", "n bigint"], await ColumnsOfAsync(database));
    }

    [Fact]
    public async Task Deletes_tell_nothing_of_columns()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink(Columns(database)).ReadyAsync();
        using var deletes = Slices.Deletes("a", "b");
        var first = await sink.WriteAsync(deletes.Slice(), Ct);
        Assert.Equal((0, 2), (first.Written, first.Unchanged));
        await sink.LearnAsync([deletes.Slice()], Ct);
        Assert.True(sink.NeedsSample);
        Assert.Null(await sink.ReadAsync("a"u8.ToArray(), Ct));
        Assert.Equal(1, (await sink.WriteAsync(new Document("a", """{"n":1}"""))).Written);
        Assert.Equal(["id varchar", "n bigint"], await ColumnsOfAsync(database));
    }

    [Fact]
    public async Task A_field_whose_name_is_no_text_spoils_only_its_own_document()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using var sink = await database.Sink(Columns(database)).ReadyAsync();
        var result = await sink.WriteAsync(new Document("a", """{"\ud800":1,"n":1}"""), new("b", """{"n":2}"""));
        Assert.Equal((0, TableErrors.WrongType), (Assert.Single(result.Failures).Index, result.Failures[0].Error));
        Assert.Equal(["id varchar", "n bigint"], await ColumnsOfAsync(database));
    }

    [Fact]
    public async Task A_field_that_a_document_has_lost_goes_from_its_row_and_what_others_keep_there_stays()
    {
        await using var database = await servers.NewDatabaseAsync();
        await using (var first = await database.Sink(Columns(database)).ReadyAsync()) await first.WriteAsync(new Document("a", """{"n":1,"rare":"x"}"""));
        await database.ExecuteAsync("ALTER TABLE docs ADD COLUMN note TEXT", "UPDATE docs SET note='mine'");
        await using var second = await database.Sink(Columns(database)).ReadyAsync();
        Assert.Equal(1, (await second.WriteAsync(new Document("a", """{"n":1}"""))).Written);
        Assert.Equal("1,NULL,mine", (await database.RowsAsync($"SELECT CONCAT_WS(',',n,COALESCE(rare,'NULL'),note) FROM {database.Name}.docs"))[0][0]);
    }

    private static MySqlOptions Columns(MySqlDatabase database) => database.Options with { Shape = MySqlShape.Columns };

    private static async Task<IEnumerable<string>> ColumnsOfAsync(MySqlDatabase database) => (await database.RowsAsync(
        string.Create(CultureInfo.InvariantCulture, $"SELECT CONCAT(COLUMN_NAME,' ',DATA_TYPE) FROM information_schema.COLUMNS WHERE TABLE_SCHEMA='{database.Name}' ORDER BY ORDINAL_POSITION")))
        .Select(r => r[0]!);
}
