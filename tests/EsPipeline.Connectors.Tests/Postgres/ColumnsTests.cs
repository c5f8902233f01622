using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Writing into a table with a column for each field.</summary>
public sealed class ColumnsTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Documents_become_rows_of_a_table_that_is_there()
    {
        var server = await shared.GetAsync();
        var table = "columns_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (a int, b text, price numeric, at timestamptz, tags text[], more jsonb, PRIMARY KEY (a, b))");
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        Document[] documents =
        [
            new("1,x%2Cy", """{"price":12345678901234567890.12,"at":"2024-02-29T12:00:00+02:00","tags":["a","b"],"more":{"k":[1]}}"""),
            new("2,unknown", """{"price":1,"colour":"red"}"""),
            new("3,bad", """{"price":"not a number"}"""),
            new("4,nulls", "{}"),
            new("no-second-part", "{}"),
        ];
        using (var batch = Slices.Of(documents))
        {
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal([(1, PostgresErrors.UnknownField), (2, PostgresErrors.ValueMisfit), (4, PostgresErrors.Rejected)], result.Failures.Select(f => (f.Index, f.Error)));
            Assert.Contains("'colour'", result.Failures[0].Reason, StringComparison.Ordinal);
            Assert.Equal((2, 0), (result.Written, result.Unchanged));
        }

        using (var again = Slices.Of(documents[0], documents[3] with { Json = """{"price":7}""" }))
        {
            var result = await sink.WriteAsync(again.Slice(), Ct);
            Assert.Equal((1, 1), (result.Written, result.Unchanged));
        }

        using (var delete = Slices.Deletes("4,nulls")) await sink.WriteAsync(delete.Slice(), Ct);
        var rows = await server.RowsAsync($"SELECT a::text, b, price::text, to_char(at AT TIME ZONE 'UTC', 'HH24:MI'), tags::text, more::text FROM {table}");
        Assert.Equal(["1", "x,y", "12345678901234567890.12", "10:00", "{a,b}", """{"k": [1]}"""], Assert.Single(rows));
        Assert.NotNull(await sink.ReadAsync("1,x%2Cy"u8.ToArray(), Ct));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_new_row_may_have_the_unique_value_of_one_that_is_deleted_in_the_same_write(bool hasTriggers)
    {
        var server = await shared.GetAsync();
        var table = "columns_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (id text PRIMARY KEY, email text UNIQUE)");
        if (hasTriggers) await server.ExecuteAsync($"CREATE TRIGGER same BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()");
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        await Firestore.Slices.WriteAsync(sink, ("a", """{"email":"x"}"""), ("c", """{"email":"y"}"""));
        var result = await Firestore.Slices.WriteAsync(sink, ("b", """{"email":"x"}"""), ("c", """{"email":"y"}"""), ("a", null), ("never", null));
        Assert.Equal((3, 1), (result.Written, result.Unchanged));
        Assert.Equal(["b x", "c y"], (await server.RowsAsync($"SELECT id || ' ' || email FROM {table} ORDER BY id")).Select(r => r[0]));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Theory]
    [InlineData("", false)]
    [InlineData("ON DELETE CASCADE", false)]
    [InlineData("ON DELETE CASCADE", true)]
    [InlineData("ON DELETE SET NULL", false)]
    public async Task A_row_that_refers_to_another_one_from_now_on_does_not_go_with_the_one_before(string rule, bool hasTriggers)
    {
        var server = await shared.GetAsync();
        var table = "columns_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (id text PRIMARY KEY, parent text REFERENCES {table} {rule}, note text)");
        if (hasTriggers) await server.ExecuteAsync($"CREATE TRIGGER same BEFORE UPDATE ON {table} FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()");
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        await Firestore.Slices.WriteAsync(sink, ("a", """{"parent":null}"""), ("b", """{"parent":null}"""), ("c", """{"parent":"a"}"""));
        await server.ExecuteAsync($"UPDATE {table} SET note = 'kept' WHERE id = 'c'");
        var result = await Firestore.Slices.WriteAsync(sink, ("a", null), ("c", """{"parent":"b"}"""));
        Assert.Equal((0, 2), (result.Failures.Count, result.Written));
        Assert.Equal(["b - -", "c b kept"], (await server.RowsAsync($"SELECT concat_ws(' ', id, coalesce(parent, '-'), coalesce(note, '-')) FROM {table} ORDER BY id")).Select(r => r[0]));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Theory]
    [InlineData("numeric(10,2)", "1.239", false)]
    [InlineData("numeric(10,2)", "1.230", true)]
    [InlineData("numeric(10,2)", "\"1.239\"", false)]
    [InlineData("numeric", "0.12345678901234567890123456789", true)]
    [InlineData("numeric(4,2)[]", "[1.23,4.567]", false)]
    [InlineData("double precision", "9007199254740993", false)]
    [InlineData("double precision", "9007199254740992", true)]
    [InlineData("double precision", "0.1", true)]
    [InlineData("double precision", "1e22", true)]
    [InlineData("double precision", "\"NaN\"", true)]
    [InlineData("double precision", "0.12345678901234567891", false)]
    [InlineData("double precision[]", "[0.1,null]", true)]
    [InlineData("double precision[]", "[9007199254740993]", false)]
    [InlineData("real", "16777217", false)]
    [InlineData("real", "1.1", true)]
    [InlineData("boolean", "1", true)]
    [InlineData("boolean", "2", false)]
    [InlineData("boolean", "\"yes\"", false)]
    [InlineData("boolean", "\"true\"", true)]
    [InlineData("boolean", "null", true)]
    [InlineData("date", "\"2024-02-29T12:34:56Z\"", false)]
    [InlineData("date", "\"2024-02-29T00:00:00.000Z\"", true)]
    [InlineData("date", "\"2024-02-29\"", true)]
    [InlineData("date", "\"4713-01-01 BC\"", true)]
    [InlineData("timestamp", "\"2024-02-29T12:34:56+02:00\"", false)]
    [InlineData("timestamp", "\"2024-02-29 12:34:56 America/New_York\"", false)]
    [InlineData("timestamp", "\"2024-02-29T12:34:56Z\"", true)]
    [InlineData("timestamp", "\"0044-03-15 00:00:00 BC\"", true)]
    [InlineData("timestamp(0)", "\"2024-02-29T12:34:56.7\"", false)]
    [InlineData("timestamp(0)", "\"2024-02-29T12:34:56.0\"", true)]
    [InlineData("timestamptz", "\"2024-02-29T12:34:56.123456789Z\"", false)]
    [InlineData("timestamptz", "\"2024-02-29T12:34:56.123456000+05:30\"", true)]
    [InlineData("timestamptz(3)", "\"2024-02-29T12:34:56.1234Z\"", false)]
    [InlineData("time", "\"12:34:56+02\"", false)]
    [InlineData("time", "\"12:34:56.5\"", true)]
    [InlineData("bytea", "\"AQID\"", false)]
    [InlineData("bytea", "\"\\\\x0102\"", true)]
    [InlineData("char(5)", "\"ab \"", false)]
    [InlineData("char(5)", "\"ab\"", true)]
    [InlineData("char(5)", "\"ab   \"", true)]
    [InlineData("varchar(3)", "\"ab   \"", false)]
    [InlineData("varchar(3)", "\"ab \"", true)]
    [InlineData("varchar(3)[]", "[\"abc\",\"ab   \"]", false)]
    [InlineData("varchar(3)[]", "[\"abc\",null]", true)]
    [InlineData("money", "1.239", false)]
    [InlineData("money", "1.23", true)]
    [InlineData("money", "\"$1,234.569\"", false)]
    [InlineData("money", "\"$1,234.56\"", true)]
    [InlineData("date[]", "[\"2024-02-29\",\"2024-02-29T12:34:56Z\"]", false)]
    [InlineData("date[]", "[[\"2024-02-29\"],[\"2024-02-29T12:34:56Z\"]]", false)]
    [InlineData("date[]", "\"{2024-02-29 12:34:56}\"", false)]
    [InlineData("date[]", "[[\"2024-02-29\"],[null]]", true)]
    [InlineData("timestamp[]", "[\"2024-02-29T12:34:56+02:00\"]", false)]
    [InlineData("timestamp[]", "[\"2024-02-29T12:34:56Z\"]", true)]
    [InlineData("timestamptz(3)[]", "[\"2024-02-29T12:34:56.1234Z\"]", false)]
    [InlineData("timestamptz[]", "[\"2024-02-29T12:34:56.123456789Z\"]", false)]
    [InlineData("timestamptz[]", "null", true)]
    [InlineData("interval", "\"1.1234567 seconds\"", false)]
    [InlineData("interval", "\"1.123456 seconds\"", true)]
    [InlineData("interval(0)", "\"1.5 seconds\"", false)]
    [InlineData("integer", "1.5", false)]
    public async Task A_value_that_its_column_would_change_is_refused(string type, string value, bool fits)
    {
        var server = await shared.GetAsync();
        var table = "fit_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (id text PRIMARY KEY, \"o'v\" {type}, note text)");
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        Document[] documents = [new("before", """{"note":"a"}"""), new("it", $$"""{"o'v":{{value}},"note":"b"}"""), new("after", """{"note":"c"}""")];
        using (var batch = Slices.Of(documents))
        {
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal(fits ? 3 : 2, result.Written);
            if (fits) Assert.Empty(result.Failures);
            else Assert.Equal((1, type == "integer" ? PostgresErrors.Rejected : PostgresErrors.ValueMisfit), Assert.Single(result.Failures.Select(f => (f.Index, f.Error))));
        }

        Assert.Equal(fits ? ["after", "before", "it"] : ["after", "before"], (await server.RowsAsync($"SELECT id FROM {table} ORDER BY id")).Select(r => r[0]));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Fact]
    public async Task Of_two_documents_with_one_key_only_the_one_that_does_not_fit_is_refused()
    {
        var server = await shared.GetAsync();
        var table = "twice_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (id text PRIMARY KEY, n numeric(3,1))");
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        using (var batch = Slices.Of([new("k", """{"n":1.25}"""), new("k", """{"n":1.5,"red":1}"""), new("k", """{"n":2.5}""")]))
        {
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal([(0, PostgresErrors.ValueMisfit), (1, PostgresErrors.UnknownField)], result.Failures.Select(f => (f.Index, f.Error)));
        }

        Assert.Equal(["2.5"], Assert.Single(await server.RowsAsync($"SELECT n::text FROM {table}")));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Fact]
    public async Task A_document_that_names_another_key_than_its_own_is_refused()
    {
        var server = await shared.GetAsync();
        var table = "other_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (a int, b text, note text, PRIMARY KEY (a, b))");
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        using (var batch = Slices.Of([new("1,x%2Cy", """{"a":1,"b":"x,y"}"""), new("2,b", """{"a":3,"b":"b"}"""), new("3,b", """{"a":"3","b":"c"}""")]))
        {
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal([(1, PostgresErrors.KeyDiffers), (2, PostgresErrors.KeyDiffers)], result.Failures.Select(f => (f.Index, f.Error)));
            Assert.Contains("'b'", result.Failures[1].Reason, StringComparison.Ordinal);
        }

        Assert.Equal(["1", "x,y"], Assert.Single(await server.RowsAsync($"SELECT a::text, b FROM {table}")));
        await server.ExecuteAsync($"DROP TABLE {table}");
    }

    [Fact]
    public async Task A_table_of_nothing_but_keys_and_documents_is_read_as_these()
    {
        var server = await shared.GetAsync();
        var table = "plain_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (name text PRIMARY KEY, content jsonb)");
        await server.ExecuteAsync($$"""INSERT INTO {{table}} VALUES ('a', '{"n":1}')""");
        var options = new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table, UpdatedColumn = "" };
        await using (var following = new Following(options))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            ContentAssert.Same([new Document("a", """{"n":1}""")], following.Held);
        }

        await server.ExecuteAsync($"ALTER TABLE {table} ADD COLUMN more int");
        await using (var following = new Following(options))
        {
            await following.PassAsync(ReadKind.Snapshot, Ct);
            ContentAssert.Same([new Document("a", """{"name":"a","content":{"n":1},"more":null}""")], following.Held);
        }

        await server.ExecuteAsync($"DROP TABLE {table}");
    }
}
