using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>Values that the server would read as something else than they are, without a word.</summary>
public sealed class MisreadValueTests(SharedPostgres shared)
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("date", "1701011231", false)]
    [InlineData("date", "\"now\"", false)]
    [InlineData("date", "\"03/04/2024\"", false)]
    [InlineData("date", "\"20240101T123045Z\"", false)]
    [InlineData("date", "\"20240101\"", false)]
    [InlineData("date", "\"0044-03-15 BC\"", true)]
    [InlineData("date", "\"-infinity\"", true)]
    [InlineData("date", "\"5874897-12-31\"", true)]
    [InlineData("date", "null", true)]
    [InlineData("timestamp", "20240101", false)]
    [InlineData("timestamp", "\"today\"", false)]
    [InlineData("timestamp", "\"2024-02-29T12:34:60Z\"", false)]
    [InlineData("timestamp", "\"0044-03-15T12:00:00 BC\"", true)]
    [InlineData("timestamp", "\"2024-02-29\"", true)]
    [InlineData("timestamptz", "\"tomorrow\"", false)]
    [InlineData("timestamptz", "\"epoch\"", false)]
    [InlineData("timestamptz", "\"2024-02-29T12:34:60Z\"", false)]
    [InlineData("timestamptz", "\"12024-02-29T12:34:56+00:00\"", true)]
    [InlineData("timestamptz", "\"infinity\"", true)]
    [InlineData("timestamptz", "{\"a\":1}", false)]
    [InlineData("time", "\"now\"", false)]
    [InlineData("time", "123456", false)]
    [InlineData("time", "\"2024-02-29 12:34:56\"", false)]
    [InlineData("timetz", "\"allballs\"", false)]
    [InlineData("timetz", "\"12:34:56+02\"", true)]
    [InlineData("interval", "5", false)]
    [InlineData("interval", "\"1 day 02:00:00\"", true)]
    [InlineData("date[]", "[\"2024-02-29\",20240301]", false)]
    [InlineData("date[]", "[\"2024-02-29\",\"yesterday\"]", false)]
    [InlineData("timestamptz[]", "[[\"2024-02-29T12:00:00Z\"],[\"now\"]]", false)]
    [InlineData("timestamptz[]", "[[\"2024-02-29T12:00:00Z\"],[null]]", true)]
    [InlineData("{0}_day", "\"now\"", false)]
    [InlineData("{0}_day", "\"2024-02-29\"", true)]
    [InlineData("{0}_days", "[\"now\"]", false)]
    [InlineData("{0}_days", "[\"2024-02-29\"]", true)]
    [InlineData("{0}_day[]", "[\"today\"]", false)]
    [InlineData("{0}_day[]", "[\"2024-02-29\"]", true)]
    [InlineData("daterange", "\"[2024-01-01 12:00,2024-02-01)\"", false)]
    [InlineData("daterange", "\"[today,)\"", false)]
    [InlineData("daterange", "\"[2024-01-01,2024-02-01)\"", true)]
    [InlineData("daterange", "\"(,infinity)\"", true)]
    [InlineData("daterange", "\"empty\"", true)]
    [InlineData("daterange[]", "[\"[2024-01-01 12:00,)\"]", false)]
    [InlineData("datemultirange", "\"{[2024-01-01,2024-02-01), [2025-01-01 12:00,)}\"", false)]
    [InlineData("datemultirange", "\"{[2024-01-01,2024-02-01), [2025-01-01,)}\"", true)]
    [InlineData("tsrange", "\"[2024-01-01 12:00:00+02,)\"", false)]
    [InlineData("tsrange", "\"[\\\"2024-01-01 12:00:00\\\",\\\"2024-01-02 12:00:00.5\\\")\"", true)]
    [InlineData("tstzrange", "\"[2024-01-01 12:00:00+02,now)\"", false)]
    [InlineData("tstzrange", "\"[\\\"2024-01-01 12:00:00+00\\\",)\"", true)]
    [InlineData("integer", "\"00501\"", false)]
    [InlineData("integer", "\" 5\"", false)]
    [InlineData("bigint", "\"+5\"", false)]
    [InlineData("smallint", "\"0x1F\"", false)]
    [InlineData("integer", "\"5\"", true)]
    [InlineData("integer", "\"-5\"", true)]
    [InlineData("integer", "\"0\"", true)]
    [InlineData("integer", "5", true)]
    [InlineData("integer", "null", true)]
    [InlineData("numeric", "\"00501\"", false)]
    [InlineData("numeric", "\"1e3\"", true)]
    [InlineData("numeric(9,5)", "\"1e-05\"", true)]
    [InlineData("numeric", "\".5\"", true)]
    [InlineData("float8", "\"-inf\"", true)]
    [InlineData("float8", "\"nan\"", true)]
    [InlineData("time", "\"9:30\"", true)]
    [InlineData("date", "\"2024-1-5\"", true)]
    [InlineData("numeric", "\"1_000\"", false)]
    [InlineData("numeric", "\"5.10\"", true)]
    [InlineData("numeric", "\"NaN\"", true)]
    [InlineData("numeric", "\"-Infinity\"", true)]
    [InlineData("numeric", "1e3", true)]
    [InlineData("numeric(6,2)", "\"+5.10\"", false)]
    [InlineData("numeric(6,2)", "\"5.10\"", true)]
    [InlineData("double precision", "\"0x1F\"", false)]
    [InlineData("double precision", "\" 5\"", false)]
    [InlineData("double precision", "\"1e+22\"", true)]
    [InlineData("\"char\"", "\"abc\"", false)]
    [InlineData("\"char\"", "\"a\"", true)]
    [InlineData("oid", "-1", false)]
    [InlineData("oid", "17", true)]
    [InlineData("tsvector", "\"the cat the\"", false)]
    [InlineData("tsvector", "\"'cat':2 'the':1,3\"", true)]
    [InlineData("{0}_pair", "{\"a\":1,\"b\":\"x\",\"c\":2}", false)]
    [InlineData("{0}_pair", "{\"a\":1.25}", false)]
    [InlineData("{0}_pair", "{\"a\":1.5}", true)]
    [InlineData("{0}_pair", "{\"a\":null,\"b\":\"x\"}", true)]
    [InlineData("{0}_pair", "null", true)]
    [InlineData("{0}_pair[]", "[{\"a\":1},{\"d\":1}]", false)]
    [InlineData("{0}_pair[]", "[{\"a\":1},null]", true)]
    public async Task Is_set_aside(string type, string value, bool fits)
    {
        var server = await shared.GetAsync();
        var table = "misread_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE DOMAIN {table}_day AS date; CREATE DOMAIN {table}_days AS date[]; CREATE TYPE {table}_pair AS (a numeric(3,1), b text)");
        await server.ExecuteAsync($"CREATE TABLE {table} (id text PRIMARY KEY, v {type.Replace("{0}", table, StringComparison.Ordinal)}, note text)");
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        using (var batch = Slices.Of([new Document("before", """{"note":"a"}"""), new Document("it", $$"""{"v":{{value}}}"""), new Document("after", """{"note":"c"}""")]))
        {
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            if (fits) Assert.Empty(result.Failures);
            else Assert.Contains((1, PostgresErrors.ValueMisfit), result.Failures.Select(f => (f.Index, f.Error)));
            Assert.Equal(fits ? 3 : 2, result.Written);
        }

        await server.ExecuteAsync($"DROP TABLE {table}; DROP TYPE {table}_pair; DROP DOMAIN {table}_day, {table}_days");
    }

    [Theory]
    [InlineData("\"char\"", "abc", false)]
    [InlineData("\"char\"", "a", true)]
    [InlineData("oid", "-1", false)]
    [InlineData("oid", "17", true)]
    public async Task A_key_that_its_column_would_cut_is_set_aside(string type, string key, bool fits)
    {
        var server = await shared.GetAsync();
        var table = "misread_" + Guid.NewGuid().ToString("N");
        await server.ExecuteAsync($"CREATE TABLE {table} (id {type} PRIMARY KEY, note text)");
        await using var sink = new PostgresSink(new PostgresOptions { Host = server.Host, Port = server.Port, User = server.User, Table = table }, new RunOptions(), TimeProvider.System);
        await sink.PrepareAsync(SourceSchema.Unknown, Ct);
        using (var batch = Slices.Of([new Document(key, """{"note":"a"}""")]))
        {
            var failures = (await sink.WriteAsync(batch.Slice(), Ct)).Failures;
            if (fits) Assert.Empty(failures);
            else Assert.Equal(PostgresErrors.BadKey, Assert.Single(failures).Error);
        }

        await server.ExecuteAsync($"DROP TABLE {table}");
    }
}
