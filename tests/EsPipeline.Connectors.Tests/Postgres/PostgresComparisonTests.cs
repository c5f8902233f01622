using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Verification;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Comparing documents with the rows of a table with a column for each field, whose types write values in their own way.</summary>
public sealed class PostgresComparisonTests(SharedPostgres shared)
{
    // Values that come back otherwise than they were sent: cast, padded, normalised, or left to the server.
    private static readonly Document[] Documents =
    [
        new("1", """{"flag":true,"small":7,"price":"12.5","ratio":0.1,"at":"2024-02-29T12:00:00.5+02:00","day":"2024-02-29","tags":["a","b"],"more":{"b":1.0,"a":[1e2]},"code":"ab"}"""),
        new("2", """{"price":12345678901234567890.123456,"ratio":1e-7,"at":"2024-03-01","more":null,"who":"0d5e0a3c-0000-4000-8000-00000000ABCD","name":"Grüße \"q\" \\"}"""),
        new("3", "{}"),
        new("4", """{"big":9007199254740993,"bytes":"\\x0aff","more":"text","tags":[]}"""),
    ];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_row_that_is_what_its_document_says_is_no_difference()
    {
        await using var place = await PlaceAsync();
        AssertSame(await place.CompareAsync(Documents), Documents.Length);
    }

    [Theory]
    [InlineData("price = 12.51", "1", "price")]
    [InlineData("at = at + interval '1 microsecond'", "1", "at")]
    [InlineData("more = '{\"b\":1.0,\"a\":[100,1]}'", "1", "more")]
    [InlineData("ratio = 0.1000001", "1", "ratio")]
    [InlineData("name = NULL", "2", "name")]
    [InlineData("flag = false", "3", "flag")]
    public async Task A_value_that_was_changed_is_found_with_its_field(string change, string id, string field)
    {
        await using var place = await PlaceAsync();
        await place.Server.ExecuteAsync($"UPDATE {place.Table} SET {change} WHERE id = {id}");
        var result = await place.CompareAsync(Documents);
        var different = Assert.Single(result.Different.Examples);
        Assert.Equal((id, 0, 0), (different.Key, result.Missing.Count, result.Extra!.Count));
        Assert.StartsWith(field, Assert.Single(different.Differences), StringComparison.Ordinal);
        Assert.True((await place.CompareAsync(Documents, new VerifyOptions { Repair = true })).IsClean);
        AssertSame(await place.CompareAsync(Documents), Documents.Length);
    }

    [Fact]
    public async Task A_computed_column_does_not_count()
    {
        await using var place = await PlaceAsync();
        await place.Server.ExecuteAsync($"ALTER TABLE {place.Table} ADD doubled numeric GENERATED ALWAYS AS (price * 2) STORED");
        AssertSame(await place.CompareAsync(Documents), Documents.Length);
    }

    [Fact]
    public async Task A_column_that_is_no_document_s_does_not_count_and_its_sequence_is_not_used_up()
    {
        await using var place = await PlaceAsync();
        await place.Server.ExecuteAsync($"ALTER TABLE {place.Table} ADD serial bigserial");
        AssertSame(await place.CompareAsync(Documents), Documents.Length);
        Assert.Equal("4", (await place.Server.RowsAsync($"SELECT last_value::text FROM {place.Table}_serial_seq"))[0][0]);
    }

    [Fact]
    public async Task What_the_table_does_not_take_is_told_with_its_reason()
    {
        await using var place = await PlaceAsync();
        var result = await place.CompareAsync([.. Documents, new Document("5", """{"price":"dear"}"""), new Document("6", """{"colour":"red"}""")]);
        Assert.Equal([PostgresErrors.UnknownField.Code, PostgresErrors.ValueMisfit.Code], result.Unwritable.Select(p => p.Error.Code).Order());
        Assert.Equal((0, 0, 0), (result.Missing.Count, result.Different.Count, result.Extra!.Count));
        Assert.False(result.IsClean);
    }

    private static void AssertSame(VerifyResult result, int documents)
    {
        Assert.Empty(result.Different.Examples.SelectMany(e => e.Differences));
        Assert.Equal((documents, true), (result.Equal, result.IsClean));
    }

    private async Task<TypedTable> PlaceAsync()
    {
        var place = new TypedTable(await shared.GetAsync());
        await place.FillAsync(Documents, Ct);
        return place;
    }

    private sealed class TypedTable(PostgresServer server) : IAsyncDisposable
    {
        private readonly TemporaryFolder _state = new();

        public PostgresServer Server => server;

        public string Table { get; } = "typed_" + Guid.NewGuid().ToString("N");

        public async Task FillAsync(Document[] documents, CancellationToken ct)
        {
            await server.ExecuteAsync(
                $"CREATE TABLE {Table} (id int PRIMARY KEY, flag boolean, small smallint, big bigint, price numeric(30,6), ratio float8, at timestamptz, day date, "
                + "tags text[], more jsonb, code char(5), who uuid, name varchar(40), bytes bytea)");
            await using var source = new ListSource(documents);
            await using var sink = Open();
            var result = await EngineRun.CopyAsync(source, sink, Path.Combine(_state.Path, "copy"), ct);
            Assert.Equal((null, documents.Length), (result.Error, (int)result.Account.Written));
        }

        public async Task<VerifyResult> CompareAsync(IReadOnlyList<Document> documents, VerifyOptions? options = null)
        {
            await using var source = new ListSource(documents);
            await using var sink = Open();
            return await EngineRun.CompareAsync(source, sink, _state.Path, Ct, options);
        }

        public async ValueTask DisposeAsync()
        {
            await server.ExecuteAsync($"DROP TABLE IF EXISTS {Table}");
            _state.Dispose();
        }

        private PostgresSink Open() => new(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = Table }, new RunOptions(), TimeProvider.System);
    }
}
