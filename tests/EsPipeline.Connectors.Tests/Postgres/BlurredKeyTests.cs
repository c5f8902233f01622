using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Writing into a table whose key column takes some keys for one: citext, and text of a nondeterministic collation.</summary>
public sealed class BlurredKeyTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Types of a key, and the columns beside it.</summary>
    public static TheoryData<string, string> Tables => new()
    {
        { "citext", "n int" }, { "citext", "content jsonb" }, { "text COLLATE {0}", "n int" }, { "varchar(20) COLLATE {0}", "content jsonb" },
    };

    [Theory]
    [MemberData(nameof(Tables))]
    public async Task Of_two_keys_that_are_taken_for_one_the_second_is_set_aside_and_the_first_stays_as_it_is(string type, string columns)
    {
        await using var place = await PlaceAsync(type, columns);
        await using var sink = await place.OpenAsync();
        using (var both = Slices.Of([new Document("a", """{"n":1}"""), new Document("other", """{"n":1}"""), new Document("A", """{"n":2}""")]))
        {
            var result = await sink.WriteAsync(both.Slice(), Ct);
            Assert.Equal((2, 0, PostgresErrors.KeyCollides), (result.Written, result.Unchanged, Assert.Single(result.Failures).Error));
        }

        Assert.Equal("1", Assert.Single(await place.Server.RowsAsync($"SELECT count(*)::text FROM {place.Table} WHERE id::text IN ('a', 'A')"))[0]);
        await place.Server.ExecuteAsync($"DELETE FROM {place.Table}");
        using (var first = Slices.Of([new Document("Key", """{"n":1}""")])) Assert.Equal(1, (await sink.WriteAsync(first.Slice(), Ct)).Written);
        using (var second = Slices.Of([new Document("kEY", """{"n":2}"""), new Document("Key", """{"n":1}"""), new Document("Other", """{"n":3}""")]))
        {
            var result = await sink.WriteAsync(second.Slice(), Ct);
            Assert.Equal((1, 1, 0), (result.Written, result.Unchanged, Assert.Single(result.Failures).Index));
            Assert.Contains("id", result.Failures[0].Reason, StringComparison.Ordinal);
        }

        using (var delete = Slices.Deletes("kEY"))
        {
            var result = await sink.WriteAsync(delete.Slice(), Ct);
            Assert.Equal((1, 0, 0), (result.Written, result.Unchanged, result.Failures.Count));
        }

        Assert.Equal(["Key 1", "Other 3"], await place.RowsAsync(columns));
        Assert.Null(await sink.ReadAsync("kEY"u8.ToArray(), Ct));
        Assert.NotNull(await sink.ReadAsync("Key"u8.ToArray(), Ct));
    }

    [Theory]
    [MemberData(nameof(Tables))]
    public async Task Keys_that_are_told_apart_are_written_changed_deleted_and_compared_as_anywhere(string type, string columns)
    {
        await using var place = await PlaceAsync(type, columns);
        Document[] documents = [new("a", """{"n":1}"""), new("B", """{"n":2}"""), new("ß", """{"n":3}""")];
        await using (var sink = await place.OpenAsync())
        {
            using var batch = Slices.Of(documents);
            Assert.Equal(3, (await sink.WriteAsync(batch.Slice(), Ct)).Written);
            var again = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal((0, 3, 0), (again.Written, again.Unchanged, again.Failures.Count));
            documents[1] = new("B", """{"n":5}""");
            using var changed = Slices.Of([documents[1]]);
            Assert.Equal(1, (await sink.WriteAsync(changed.Slice(), Ct)).Written);
            using var delete = Slices.Deletes("a");
            Assert.Equal(1, (await sink.WriteAsync(delete.Slice(), Ct)).Written);
        }

        using var state = new TemporaryFolder();
        await using var compared = place.Open();
        var result = await EngineRun.CompareAsync(new ListSource(documents), compared, state.Path, Ct);
        Assert.Equal((2, "a", 0L), (result.Equal, Assert.Single(result.Missing.Examples).Key, result.Different.Count));
    }

    [Fact]
    public async Task A_key_whose_letters_change_takes_the_place_of_the_one_that_is_deleted_with_it()
    {
        await using var place = await PlaceAsync("citext", "n int");
        await using var sink = await place.OpenAsync();
        using (var before = Slices.Of([new Document("key", """{"n":1}""")])) await sink.WriteAsync(before.Slice(), Ct);
        using var builder = new Core.Records.RecordBatchBuilder();
        builder.Add("key"u8, default, Core.Records.RecordOperation.Delete, 0, 0);
        builder.Add("KEY"u8, """{"n":1}"""u8, Core.Records.RecordOperation.Upsert, 0, 1);
        using var batch = builder.Build(default, 0, "record");
        Assert.Empty((await sink.WriteAsync(new Core.Records.RecordSlice(batch.Records), Ct)).Failures);
        Assert.Equal(["KEY 1"], await place.RowsAsync("n int"));
    }

    [Fact]
    public async Task Comparing_tells_the_key_that_is_not_there()
    {
        await using var place = await PlaceAsync("citext", "n int");
        using var state = new TemporaryFolder();
        Document[] documents = [new("a", """{"n":1}"""), new("A", """{"n":1}"""), new("b", """{"n":1}""")];
        await using (var sink = place.Open())
        {
            var run = await EngineRun.CopyAsync(new ListSource(documents), sink, state.Path, Ct);
            Assert.Equal((2, 1), (run.Account.Written, run.Account.DeadLettered));
        }

        await using var compared = place.Open();
        var result = await EngineRun.CompareAsync(new ListSource(documents), compared, state.Path, Ct);
        Assert.Equal((2, 1L, 0L, 0L), (result.Equal, result.Missing.Count, result.Different.Count, result.Extra!.Count));
    }

    private async Task<Place> PlaceAsync(string type, string columns)
    {
        var place = new Place(await shared.GetAsync());
        await place.Server.ExecuteAsync($"CREATE COLLATION {place.Table}_ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false)");
        await place.Server.ExecuteAsync("SELECT pg_advisory_lock(1); CREATE EXTENSION IF NOT EXISTS citext; SELECT pg_advisory_unlock(1)");
        await place.Server.ExecuteAsync($"CREATE TABLE {place.Table} (id {type.Replace("{0}", place.Table + "_ci", StringComparison.Ordinal)} PRIMARY KEY, {columns})");
        return place;
    }

    private sealed class Place(PostgresServer server) : IAsyncDisposable
    {
        public PostgresServer Server => server;

        public string Table { get; } = "blurred_" + Guid.NewGuid().ToString("N");

        public PostgresSink Open() => new(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = Table }, new RunOptions(), TimeProvider.System);

        public async Task<PostgresSink> OpenAsync()
        {
            var sink = Open();
            await sink.PrepareAsync(SourceSchema.Unknown, Ct);
            return sink;
        }

        public async Task<IEnumerable<string>> RowsAsync(string columns) => (await server.RowsAsync(
            $"SELECT id::text || ' ' || {(columns == "n int" ? "n::text" : "(content->>'n')")} FROM {Table} ORDER BY id::text COLLATE \"C\"")).Select(r => r[0]);

        public async ValueTask DisposeAsync() => await server.ExecuteAsync($"DROP TABLE IF EXISTS {Table}; DROP COLLATION IF EXISTS {Table}_ci");
    }
}
