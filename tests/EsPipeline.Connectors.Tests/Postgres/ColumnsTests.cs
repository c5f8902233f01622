using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
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
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, TimeProvider.System);
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
            Assert.Equal([(1, PostgresErrors.UnknownField), (2, PostgresErrors.Rejected), (4, PostgresErrors.Rejected)], result.Failures.Select(f => (f.Index, f.Error)));
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
}
