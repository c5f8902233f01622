using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Which columns a table gets that the sink makes.</summary>
public sealed class NewTableTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_table_that_is_missing_is_made_with_columns_that_take_the_first_documents_as_they_are()
    {
        var server = await shared.GetAsync();
        var table = "made_" + Guid.NewGuid().ToString("N");
        await using var sink = new PostgresSink(
            new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table, Shape = TableShape.Columns }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(
            new SourceSchema(
            [
                new SourceField("at", FieldKind.Timestamp, "date", "strict_date_optional_time||epoch_millis"), new SourceField("epoch", FieldKind.Timestamp, "date", "strict_date_optional_time||epoch_millis"),
                new SourceField("tags", FieldKind.Keyword, "keyword"), new SourceField("word", FieldKind.Keyword, "keyword"), new SourceField("big", FieldKind.Integer, "long"),
                new SourceField("place.city", FieldKind.Text, "text"), new SourceField("unseen", FieldKind.Boolean, "boolean"),
            ]),
            Ct);
        Assert.True(sink.NeedsSample);
        Document[] documents =
        [
            new("007", """{"id":"007","at":"2024-02-29T12:34:56.5Z","epoch":1709210096000,"tags":["a","b"],"word":"w","big":9007199254740993,"place":{"city":"x"},"n":1.10,"mixed":1,"o'dd \"":null}"""),
            new("b", """{"n":2,"mixed":"two","flag":true,"o'dd \"":"é"}"""),
        ];
        using (var batch = Slices.Of(documents))
        {
            await sink.LearnAsync([batch.Slice()], Ct);
            Assert.False(sink.NeedsSample);
            Assert.Empty((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
        }

        var columns = await server.RowsAsync("SELECT attname::text || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 ORDER BY attnum", table);
        Assert.Equal(
            [
                "id text", "at timestamp with time zone", "epoch jsonb", "tags jsonb", "word text", "big bigint", "place jsonb", "unseen boolean", "n numeric", "mixed jsonb",
                "o'dd \" text", "flag boolean",
            ],
            columns.Select(c => c[0]));
        var rows = await server.RowsAsync($"SELECT jsonb_strip_nulls(to_jsonb(t))::text FROM {table} t ORDER BY id");
        ContentAssert.Same(
            [documents[0] with { Json = documents[0].Json.Replace("56.5Z", "56.5+00:00", StringComparison.Ordinal).Replace(",\"o'dd \\\"\":null", "", StringComparison.Ordinal) }, documents[1] with { Json = documents[1].Json.Replace("{", "{\"id\":\"b\",", StringComparison.Ordinal) }],
            new Dictionary<string, string> { ["007"] = rows[0][0], ["b"] = rows[1][0] });
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Theory]
    [InlineData("date", "yyyy-MM-dd HH:mm:ss", "2024-02-29 12:34:56", "timestamp with time zone")]
    [InlineData("date", "strict_date_optional_time", "2024-02-29T12:34:56Z", "timestamp with time zone")]
    [InlineData("date", "yyyy-MM-dd'T'HH:mm:ss.SSSXXX||date", "2024-02-29T12:34:56.789+02:00", "timestamp with time zone")]
    [InlineData("date", "yyyy-MM-dd", "2024-02-29", "date")]
    [InlineData("date", "strict_date", "2024-02-29", "date")]
    [InlineData("date", "basic_date", "20240229", "text")]
    [InlineData("date", "dd/MM/yyyy", "02/03/2024", "text")]
    [InlineData("date", "yyyy", "2024", "text")]
    [InlineData("date", "dd/MM/yyyy||epoch_millis", "02/03/2024", "jsonb")]
    public async Task A_time_gets_a_column_that_takes_its_format(string type, string format, string value, string column)
    {
        var server = await shared.GetAsync();
        await using var sink = Open(server, out var table);
        await sink.PrepareAsync(new SourceSchema([new SourceField("at", FieldKind.Timestamp, type, format), new SourceField("later", FieldKind.Timestamp, type, format)]), Ct);
        using (var batch = Slices.Of([new Document("a", $$"""{"at":"{{value}}"}""")])) Assert.Empty((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
        using (var batch = Slices.Of([new Document("b", $$"""{"later":"{{value}}"}""")])) Assert.Empty((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
        Assert.Equal(["id text", $"at {column}", $"later {column}"], await ColumnsOfAsync(server, table));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Theory]
    [InlineData("12.0", "numeric")]
    [InlineData("1e3", "numeric")]
    [InlineData("12", "bigint")]
    public async Task A_number_gets_a_column_that_takes_it_as_it_is_written(string number, string column)
    {
        var server = await shared.GetAsync();
        await using var sink = Open(server, out var table);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        using (var batch = Slices.Of([new Document("a", $$"""{"n":{{number}}}""")])) Assert.Empty((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
        Assert.Equal(["id text", $"n {column}"], await ColumnsOfAsync(server, table));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Fact]
    public async Task Object_counts_fit_into_their_table()
    {
        var server = await shared.GetAsync();
        await using var sink = Open(server, out var table);
        await sink.PrepareAsync(ObjectCountLines.Schema, Ct);
        using (var batch = Slices.Of([new Document("a", """{"time_bucket":"2024-02-29T12:00:00Z"}""")])) Assert.Empty((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
        Assert.Contains("time_bucket timestamp with time zone", await ColumnsOfAsync(server, table));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Fact]
    public async Task A_day_of_a_table_is_a_day_in_the_next_one()
    {
        var server = await shared.GetAsync();
        var from = "days_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {from} (id text PRIMARY KEY, day date)");
        await using var source = new PostgresSource(
            new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Table = from }, new RunOptions(), TimeProvider.System, Microsoft.Extensions.Logging.Abstractions.NullLogger<PostgresSource>.Instance);
        await using var sink = Open(server, out var table);
        await sink.PrepareAsync(await source.DescribeAsync(Ct), Ct);
        using (var batch = Slices.Of([new Document("a", """{"id":"a","day":"2024-02-29"}""")])) Assert.Empty((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
        Assert.Equal(["id text", "day date"], await ColumnsOfAsync(server, table));
        await server.ExecuteAsync($"DROP TABLE {table}, {from}");
    }

    [Theory]
    [InlineData("")]
    [InlineData("ééééééééééééééééééééééééééééééééé")]
    [InlineData("\0")]
    public async Task A_field_whose_name_is_no_column_s_sets_only_its_records_aside_unless_somebody_names_it(string name)
    {
        var server = await shared.GetAsync();
        var written = name == "\0" ? "\\u0000" : name;
        await using var sink = Open(server, out var table);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        using var batch = Slices.Of([new Document("a", """{"n":1}"""), new Document("b", $$"""{"n":2,"{{written}}":1}"""), new Document("c", """{"n":3}""")]);
        var result = await sink.WriteAsync(batch.Slice(), Ct);
        Assert.Equal((1, name == "\0" ? PostgresErrors.Rejected : PostgresErrors.UnknownField), Assert.Single(result.Failures.Select(f => (f.Index, f.Error))));
        Assert.Equal((2, 0), (result.Written, result.Unchanged));
        await server.ExecuteAsync($"DROP TABLE {table}");

        await using var named = Open(server, out var none);
        await named.PrepareAsync(new SourceSchema([new SourceField(name, FieldKind.Integer, "long")]), Ct);
        var refused = await Assert.ThrowsAsync<PipelineException>(() => named.WriteAsync(batch.Slice(), Ct));
        Assert.Equal(PostgresErrors.TableMisfit, refused.Error);
        Assert.Equal([""], Assert.Single(await server.RowsAsync("SELECT to_regclass($1)::text", none)));
    }

    [Fact]
    public async Task Deletes_alone_make_no_table()
    {
        var server = await shared.GetAsync();
        await using var sink = Open(server, out var table);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        using var delete = Slices.Deletes("a");
        var result = await sink.WriteAsync(delete.Slice(), Ct);
        Assert.Equal((0, 1), (result.Written, result.Unchanged));
        Assert.Equal([""], Assert.Single(await server.RowsAsync("SELECT to_regclass($1)::text", table)));
    }

    private static PostgresSink Open(PostgresServer server, out string table)
    {
        table = "made_" + Guid.NewGuid().ToString("N");
        return new PostgresSink(
            new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table, Shape = TableShape.Columns }, new RunOptions(), TimeProvider.System);
    }

    private static async Task<IEnumerable<string>> ColumnsOfAsync(PostgresServer server, string table) => (await server.RowsAsync(
        "SELECT attname::text || ' ' || format_type(atttypid, atttypmod) FROM pg_attribute WHERE attrelid = to_regclass($1) AND attnum > 0 ORDER BY attnum", table)).Select(c => c[0]);
}
