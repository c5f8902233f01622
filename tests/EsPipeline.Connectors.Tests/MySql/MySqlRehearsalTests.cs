using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>A rehearsal where there is no table yet.</summary>
[Collection(MySqlCollectionDefinition.Name)]
public sealed class MySqlRehearsalTests(MySqlServers servers)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // Characters of the longest key: 768 of VARCHAR(768), 3,072 bytes of VARBINARY(3072).
    [Theory]
    [InlineData(MySqlKeyType.Text, 768)]
    [InlineData(MySqlKeyType.Bytes, 1536)]
    public async Task A_table_that_is_only_imagined_refuses_what_the_one_that_is_made_refuses(MySqlKeyType keyType, int longest)
    {
        await using var database = await servers.NewDatabaseAsync();
        var options = database.SinkOptions with { KeyType = keyType };
        using var batch = Conformance.Slices.Of([new Document(new string('ü', longest), "{}"), new Document(new string('ü', longest + 1), "{}"), .. Corpus.Plain(3)]);
        await using var sink = database.Sink(options);
        Assert.Contains(await sink.PrepareRehearsalAsync(SourceSchema.Unknown, reachable: true, Ct), n => n.Contains("docs", StringComparison.Ordinal));
        var rehearsed = await sink.RehearseAsync(batch.Slice(), Ct);
        Assert.Empty(await database.RowsAsync($"SHOW TABLES FROM {database.Name}"));

        await using var writing = database.Sink(options);
        await writing.PrepareAsync(SourceSchema.Unknown, Ct);
        var written = await writing.WriteAsync(batch.Slice(), Ct);
        Assert.Equal(1, Assert.Single(rehearsed.Failures).Index);
        Assert.Equal(written.Failures, rehearsed.Failures);
        Assert.Equal(1, rehearsed.Requests);
    }

    // By what a mapping says, and by what the first documents show.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Columns_that_are_only_imagined_refuse_what_those_that_are_made_refuse_and_none_is_made(bool isKnown)
    {
        await using var database = await servers.NewDatabaseAsync();
        SourceField[] fields =
        [
            new("text", FieldKind.Text, "text"), new("short", FieldKind.Keyword, "keyword") { MaxLength = 12 }, new("yes", FieldKind.Boolean, "boolean"),
            new("whole", FieldKind.Integer, "long"), new("positive", FieldKind.Integer, "unsigned_long"), new("half", FieldKind.Double, "double"),
            new("exact", FieldKind.Decimal, "decimal"), new("when", FieldKind.Timestamp, "date", "strict_date_optional_time"), new("bytes", FieldKind.Binary, "binary"),
            new("deep", FieldKind.Object, "object"),
        ];
        const string good = """{"text":"t","short":"s","yes":true,"whole":-1,"positive":1,"half":0.5,"exact":1.5,"when":"2024-01-01T00:00:00Z","bytes":"YQ==","deep":{"a":1}}""";
        Document[] documents =
        [
            new("good", good), new("1", """{"whole":"many"}"""), new("2", """{"whole":9223372036854775808}"""), new("3", """{"positive":-1}"""), new("4", """{"yes":"perhaps"}"""),
            new("5", """{"short":"thirteen char"}"""), new("6", """{"exact":"x"}"""), new("7", """{"when":"2023-02-29T00:00:00Z"}"""), new("8", """{"half":1e999}"""),
            new("9", """{"bytes":"no base64!"}"""), new("10", """{"other":1}"""), new("11", """{"text":"\ud800"}"""), new("12", """{"deep":[1,{"b":null}]}"""),
        ];
        var schema = isKnown ? new SourceSchema(fields) : SourceSchema.Unknown;
        var options = database.Options with { Shape = MySqlShape.Columns };
        using var first = Conformance.Slices.Of([documents[0]]);
        using var batch = Conformance.Slices.Of(documents);
        await using var sink = database.Sink(options);
        Assert.Contains(await sink.PrepareRehearsalAsync(schema, reachable: true, Ct), n => n.Contains("a run makes it, with columns", StringComparison.Ordinal));
        Assert.Equal(!isKnown, sink.NeedsRehearsalSample);
        if (!isKnown) await sink.LearnRehearsalAsync([first.Slice()], Ct);
        var rehearsed = await sink.RehearseAsync(batch.Slice(), Ct);
        Assert.Empty(await database.RowsAsync($"SHOW TABLES FROM {database.Name}"));

        await using var writing = database.Sink(options);
        await writing.PrepareAsync(schema, Ct);
        if (!isKnown) await writing.LearnAsync([first.Slice()], Ct);
        var written = await writing.WriteAsync(batch.Slice(), Ct);
        Assert.Equal(written.Failures.Select(f => (f.Index, f.Error.Code, f.Reason)), rehearsed.Failures.Select(f => (f.Index, f.Error.Code, f.Reason)));
        Assert.InRange(rehearsed.Failures.Count, isKnown ? 10 : 5, 11);
    }
}
