using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Writing into a table that others have columns, keys of their own and triggers in.</summary>
public sealed class OthersColumnsTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task What_no_document_has_a_field_for_stays_and_a_field_that_is_lost_becomes_null()
    {
        await using var place = await PlaceAsync("id text PRIMARY KEY, title text, key int, notes text, made timestamptz NOT NULL DEFAULT '2020-01-01Z', flag boolean");
        await place.Server.ExecuteAsync($"INSERT INTO {place.Table} (id, title, notes, flag) VALUES ('a', 'old', 'by hand', true), ('b', 'same', 'by hand', true)");
        Document[] first = [new("a", """{"title":"new","key":1}"""), new("b", """{"title":"same","key":1}"""), new("c", """{"title":"c","key":2}""")];
        Document[] second = [new("a", """{"title":"new"}"""), new("b", """{"title":"same","key":1,"flag":false}"""), new("c", "{}")];
        await using (var sink = await place.OpenAsync(SourceSchema.Unknown))
        {
            Assert.Equal((3, 0), await WriteAsync(sink, first));
            Assert.Equal(["a new 1 by hand 2020 true", "b same 1 by hand 2020 true", "c c 2 - 2020 -"], await RowsAsync(place));
            Assert.Equal((3, 0), await WriteAsync(sink, second));
            Assert.Equal(["a new - by hand 2020 -", "b same 1 by hand 2020 false", "c - - - 2020 -"], await RowsAsync(place));
            Assert.Equal((0, 3), await WriteAsync(sink, second));
        }

        using var state = new TemporaryFolder();
        await using var source = new ListSource(second);
        await using var again = place.Open();
        var compared = await EngineRun.CompareAsync(source, again, state.Path, Ct, null);
        Assert.Equal((3, true), (compared.Equal, compared.IsClean));

        static async Task<IEnumerable<string>> RowsAsync(Place place) => (await place.Server.RowsAsync(
            $"SELECT concat_ws(' ', id, coalesce(title, '-'), coalesce(key::text, '-'), coalesce(notes, '-'), extract(year FROM made), coalesce(flag::text, '-')) FROM {place.Table} ORDER BY id")).Select(r => r[0]);
    }

    [Fact]
    public async Task A_field_that_the_source_names_or_a_column_was_made_for_becomes_null_from_the_first_document_on()
    {
        await using var place = await PlaceAsync("id text PRIMARY KEY, title text, note text, kept text");
        await place.Server.ExecuteAsync($"INSERT INTO {place.Table} VALUES ('a', 'old', 'old', 'old'); COMMENT ON COLUMN {place.Table}.note IS 'a field of the documents (espipe)'");
        await using var sink = await place.OpenAsync(new SourceSchema([new SourceField("title", FieldKind.Text, "text")]));
        Assert.Equal((1, 0), await WriteAsync(sink, [new("a", "{}")]));
        Assert.Equal(["", "", "old"], Assert.Single(await place.Server.RowsAsync($"SELECT title, note, kept FROM {place.Table}")));
    }

    [Fact]
    public async Task A_table_that_was_made_here_knows_its_fields_in_the_next_run()
    {
        var server = await shared.GetAsync();
        await using var place = new Place(server);
        var columns = place.Options with { Shape = TableShape.Columns };
        await using (var sink = new PostgresSink(columns, new RunOptions(), TimeProvider.System))
        {
            await sink.PrepareAsync(SourceSchema.Unknown, Ct);
            Assert.Equal((1, 0), await WriteAsync(sink, [new("a", """{"title":"x","document":1}""")]));
        }

        await server.ExecuteAsync($"ALTER TABLE {place.Table} ADD notes text DEFAULT 'by hand'");
        await using var next = new PostgresSink(columns, new RunOptions(), TimeProvider.System);
        await next.PrepareAsync(SourceSchema.Unknown, Ct);
        Assert.Equal((1, 0), await WriteAsync(next, [new("a", "{}")]));
        Assert.Equal(["", "", "by hand"], Assert.Single(await server.RowsAsync($"SELECT title, document::text, notes FROM {place.Table}")));
    }

    [Theory]
    [InlineData("id numeric(10,2) PRIMARY KEY, n int", "5")]
    [InlineData("id uuid PRIMARY KEY, n int", "0D5E0A3C-0000-4000-8000-00000000ABCD")]
    [InlineData("id timestamptz PRIMARY KEY, n int", "2024-01-01T00:00:00Z")]
    public async Task A_key_that_another_system_writes_in_its_own_way_is_kept_and_deleted(string columns, string key)
    {
        await using var place = await PlaceAsync(columns);
        await using var sink = await place.OpenAsync(SourceSchema.Unknown);
        Assert.Equal((1, 0), await WriteAsync(sink, [new(key, """{"n":1}""")]));
        using (var deletes = Slices.Deletes(key)) Assert.Equal(1, (await sink.WriteAsync(deletes.Slice(), Ct)).Written);
        Assert.Empty(await place.Server.RowsAsync($"SELECT id::text FROM {place.Table}"));
    }

    [Theory]
    [InlineData("id int PRIMARY KEY, n int", "7", "07", " 7", "+7")]
    [InlineData("id int PRIMARY KEY, content jsonb", "7", "07", " 7", "+7")]
    [InlineData("id numeric PRIMARY KEY, n int", "1.50", "01.50", "+1.50")]
    [InlineData("id numeric(10,2) PRIMARY KEY, n int", "5.00", "5.001", "05")]
    [InlineData("id varchar(3) PRIMARY KEY, n int", "abc", "abc ")]
    [InlineData("id uuid PRIMARY KEY, n int", "0d5e0a3c-0000-4000-8000-00000000abcd", "{0d5e0a3c-0000-4000-8000-00000000abcd}")]
    public async Task Keys_that_the_table_would_take_for_one_are_not_written_over_each_other(string columns, string good, params string[] bad)
    {
        await using var place = await PlaceAsync(columns);
        await using var sink = await place.OpenAsync(SourceSchema.Unknown);
        using (var batch = Slices.Of([.. bad.Select(k => new Document(k, """{"n":2}""")), new Document(good, """{"n":1}""")]))
        {
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal(bad.Select((_, i) => (i, PostgresErrors.BadKey)), result.Failures.Select(f => (f.Index, f.Error)));
            Assert.Equal((1, 0), (result.Written, result.Unchanged));
        }

        using (var deletes = Slices.Deletes(bad))
        {
            var result = await sink.WriteAsync(deletes.Slice(), Ct);
            Assert.Equal((0, bad.Length, 0), (result.Written, result.Unchanged, result.Failures.Count));
        }

        Assert.Equal([good], Assert.Single(await place.Server.RowsAsync($"SELECT id::text FROM {place.Table}")));
        using (var batch = Slices.Of([new Document("1.5e", "{}")])) Assert.Single((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
    }

    [Theory]
    [InlineData("char(5)", "abc", "abd")]
    [InlineData("bit(3)", "101", "100")]
    public async Task Keys_of_a_type_with_a_length_are_taken_whole(string type, string one, string other)
    {
        await using var place = await PlaceAsync($"id {type}, more {type}, n int, PRIMARY KEY (id, more)");
        await using (var sink = await place.OpenAsync(SourceSchema.Unknown))
        {
            Assert.Equal((2, 0), await WriteAsync(sink, [new($"{one},{other}", """{"n":1}"""), new($"{other},{one}", """{"n":2}""")]));
            Assert.NotNull(await sink.ReadAsync(System.Text.Encoding.UTF8.GetBytes($"{one},{other}"), Ct));
        }

        await place.Server.ExecuteAsync($"ALTER TABLE {place.Table} DROP COLUMN more; ALTER TABLE {place.Table} ADD PRIMARY KEY (id)");
        await using (var sink = await place.OpenAsync(SourceSchema.Unknown)) Assert.Equal((1, 1), await WriteAsync(sink, [new(one, """{"n":1}"""), new(other, """{"n":3}""")]));
        await using var following = new Following(place.Options with { UpdatedColumn = "" });
        await following.PassAsync(ReadKind.Snapshot, Ct);
        await place.Server.ExecuteAsync($"UPDATE {place.Table} SET n = n + 1");
        await following.PassAsync(ReadKind.Changes, Ct);
        Assert.Equal(2, following.Held.Count);
        Assert.Contains("\"n\":2", following.Held[one], StringComparison.Ordinal);
        Assert.Contains("\"n\":4", following.Held[other], StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("id text PRIMARY KEY, n int, red int, seen int")]
    [InlineData("id text PRIMARY KEY, content jsonb")]
    public async Task Rows_that_a_trigger_keeps_out_are_set_aside(string columns)
    {
        await using var place = await PlaceAsync(columns);
        await using (var before = await place.OpenAsync(SourceSchema.Unknown)) Assert.Equal((3, 0), await WriteAsync(before, [new("kept-same", """{"n":1}"""), new("kept-old", """{"n":1}"""), new("kept-there", """{"n":1}""")]));
        var seen = columns.Contains("seen", StringComparison.Ordinal) ? "NEW.seen := 5; " : "";
        await place.Server.ExecuteAsync($"""
            CREATE FUNCTION {place.Table}_guard() RETURNS trigger LANGUAGE plpgsql AS
            $$ BEGIN IF coalesce(NEW.id, OLD.id) LIKE 'kept-%' THEN RETURN NULL; ELSIF TG_OP = 'DELETE' THEN RETURN OLD; END IF; {seen}RETURN NEW; END $$;
            CREATE TRIGGER guard BEFORE INSERT OR UPDATE OR DELETE ON {place.Table} FOR EACH ROW EXECUTE FUNCTION {place.Table}_guard()
            """);
        await using var sink = await place.OpenAsync(SourceSchema.Unknown);
        Assert.Contains("triggers", Assert.Single((await Health.OfAsync(sink)).Warnings), StringComparison.Ordinal);
        Document[] documents =
        [
            new("bad\0", "{}"), new("kept-new", """{"n":2}"""), new("a", """{"n":1}"""), new("kept-same", """{"n":1}"""), new("kept-old", """{"n":2}"""), new("b", """{"n":1}"""),
        ];
        using (var batch = Slices.Of(documents))
        {
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal([(0, PostgresErrors.Nul), (1, PostgresErrors.KeptOut), (4, PostgresErrors.KeptOut)], result.Failures.Select(f => (f.Index, f.Error)));
            Assert.Equal((2, 1), (result.Written, result.Unchanged));
        }

        using (var deletes = Slices.Deletes("a", "kept-there", "absent"))
        {
            var result = await sink.WriteAsync(deletes.Slice(), Ct);
            Assert.Equal((1, PostgresErrors.KeptOut), Assert.Single(result.Failures.Select(f => (f.Index, f.Error))));
        }

        Assert.Equal(["b", "kept-old", "kept-same", "kept-there"], (await place.Server.RowsAsync($"SELECT id FROM {place.Table} ORDER BY id")).Select(r => r[0]));
    }

    private static async Task<(int Written, int Unchanged)> WriteAsync(PostgresSink sink, IReadOnlyList<Document> documents)
    {
        using var batch = Slices.Of([.. documents]);
        var result = await sink.WriteAsync(batch.Slice(), Ct);
        Assert.Empty(result.Failures);
        return (result.Written, result.Unchanged);
    }

    private async Task<Place> PlaceAsync(string columns)
    {
        var place = new Place(await shared.GetAsync());
        await place.Server.ExecuteAsync($"CREATE TABLE {place.Table} ({columns})");
        return place;
    }

    private sealed class Place(PostgresServer server) : IAsyncDisposable
    {
        public PostgresServer Server => server;

        public string Table { get; } = "others_" + Guid.NewGuid().ToString("N");

        public PostgresSourceOptions Options => new() { Host = server.Host, Port = server.Port, User = server.User, Table = Table };

        public PostgresSink Open() => new(Options, new RunOptions(), TimeProvider.System);

        public async Task<PostgresSink> OpenAsync(SourceSchema schema)
        {
            var sink = Open();
            await sink.PrepareAsync(schema, Ct);
            return sink;
        }

        public async ValueTask DisposeAsync() => await server.ExecuteAsync($"DROP TABLE IF EXISTS {Table}; DROP FUNCTION IF EXISTS {Table}_guard");
    }
}
