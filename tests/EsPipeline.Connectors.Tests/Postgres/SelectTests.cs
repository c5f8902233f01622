using EsPipeline.Conformance;
using EsPipeline.Connectors.Postgres;
using EsPipeline.Connectors.Tests.Elasticsearch;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Postgres;

/// <summary>A whole SELECT as <c>--query</c>.</summary>
public sealed class SelectTests(SharedPostgres shared)
{
    private const string Query = """
        WITH names AS (SELECT i, 'name, ' || i || ' %' AS name FROM generate_series(1, 500) i)
        SELECT i % 7 AS part, name, i AS n, i::numeric / 4 AS quarter, ARRAY[i, i] AS both, now() - now() AS span, NULL::date AS day FROM names -- all of them
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("SELECT 1", true)]
    [InlineData(" \n with a as (select 1) select * from a", true)]
    [InlineData("-- what\n -- and why\nSELECT 1", true)]
    [InlineData("-- SELECT", false)]
    [InlineData("-- SELECT\nid > 3", false)]
    [InlineData("/* what /* and */ why */ SELECT 1", true)]
    [InlineData("/* SELECT */ id > 3", false)]
    [InlineData("/* never closed SELECT 1", false)]
    [InlineData("(SELECT 1)", true)]
    [InlineData("( -- )\n (SELECT ')' AS \")\") ) /* done */ ;", true)]
    [InlineData("(SELECT 1) UNION ALL (SELECT 2)", true)]
    [InlineData("(SELECT $a$)$a$, $$)$$) order by 1", true)]
    [InlineData("(SELECT max(id) FROM t) > id", false)]
    [InlineData("(id > 3) OR (id < 1)", false)]
    [InlineData("(SELECT 1", false)]
    [InlineData("table t", true)]
    [InlineData("values (1)", true)]
    [InlineData("VALUES /* one */(1)", true)]
    [InlineData("values > 3", false)]
    [InlineData("selected", false)]
    [InlineData("with_tax > 3", false)]
    [InlineData("id IN (SELECT 1)", false)]
    [InlineData(null, false)]
    public void A_statement_is_told_from_a_condition(string? query, bool isSelect) => Assert.Equal(isSelect, QueryText.IsStatement(query));

    [Fact]
    public async Task Its_rows_are_read_by_key_and_reading_goes_on_from_every_batch()
    {
        var server = await shared.GetAsync();
        await using var whole = await OpenAsync(server, Query, ["part", "name"]);
        var plan = new ReadPlan(ReadKind.Snapshot, new Selection(Query), 2, new Dictionary<PartitionId, Position>());
        var reading = await SourceReader.ReadAsync(whole, plan, Ct);
        var wanted = (await server.RowsAsync($"SELECT part || ',' || replace(replace(name, '%', '%25'), ',', '%2C'), row_to_json(t)::text FROM ({Query}\n) t"))
            .Select(r => new Document(r[0], r[1])).ToArray();
        Assert.Equal(500, wanted.Length);
        ContentAssert.Same(wanted, reading.Apply());
        Assert.True(reading.Batches.Count > 5);
        var held = new Dictionary<string, string>();
        foreach (var batch in reading.Batches)
        {
            foreach (var record in batch.Records) held[record.Key] = record.Json;
            await using var again = await OpenAsync(server, Query, ["part", "name"]);
            var rest = await SourceReader.ReadAsync(again, plan with { Saved = new Dictionary<PartitionId, Position> { [new PartitionId("query")] = batch.End } }, Ct);
            ContentAssert.Same(wanted, rest.Apply(new Dictionary<string, string>(held)));
        }
    }

    [Fact]
    public async Task Rows_without_a_key_and_with_that_of_another_are_told_and_following_is_refused()
    {
        var server = await shared.GetAsync();
        const string query = "SELECT nullif(i, 3) / 2 AS id, i FROM generate_series(1, 9) i";
        var log = new ListLog<PostgresSource>();
        await using var source = await OpenAsync(server, query, ["id"], log: log);
        var plan = new ReadPlan(ReadKind.Snapshot, new Selection(query), 1, new Dictionary<PartitionId, Position>());
        var reading = await SourceReader.ReadAsync(source, plan, Ct);
        Assert.Equal(["0", "1", "2", "3", "4"], reading.Apply().Keys.Order(StringComparer.Ordinal));
        Assert.Single(reading.Batches.SelectMany(b => b.Malformed));
        Assert.Contains(log.Lines, l => l.StartsWith("3 rows of the query have the key", StringComparison.Ordinal));

        await using var followed = await OpenAsync(server, query, ["id"], RunMode.Continuous);
        var error = await Assert.ThrowsAsync<PipelineException>(() => followed.GetPartitionsAsync(plan, Ct));
        Assert.Equal(PostgresErrors.QueryNotFollowed, error.Error);
        foreach (var (wrong, key, code) in new[] { ("SELECT 1 AS one", "id", PostgresErrors.NoColumn), ("SELECT * FROM nonsense", "id", PostgresErrors.NoTable), ("DELETE FROM t", "id", PostgresErrors.NoTable), ("SELECT 1 AS id", "", PostgresErrors.NoKey) })
        {
            await using var refused = await OpenAsync(server, wrong, key.Length == 0 ? [] : [key]);
            Assert.Equal(code, (await Health.OfAsync(refused)).Problem?.Error);
        }
    }

    [Theory]
    [InlineData("SELECT nullif(i / 5000, 0) AS id, i FROM generate_series(1, 5002) i", "id")]
    [InlineData("SELECT 1 AS id, nullif(i / 5000, 0) AS part, i FROM generate_series(1, 5002) i", "id,part")]
    public async Task Rows_without_a_key_are_not_collected(string query, string key)
    {
        var server = await shared.GetAsync();
        await using var source = await OpenAsync(server, query, key.Split(','));
        var plan = new ReadPlan(ReadKind.Snapshot, new Selection(query), 1, new Dictionary<PartitionId, Position>());
        var reading = await SourceReader.ReadAsync(source, plan, Ct);
        Assert.Equal(4999, reading.Batches.Sum(b => b.Malformed.Count));
        Assert.All(reading.Batches, b => Assert.InRange(b.Malformed.Count, 0, 51));
        Assert.Single(reading.Apply());

        // From the middle of them reading goes on, and ends.
        await using var again = await OpenAsync(server, query, key.Split(','));
        var saved = new Dictionary<PartitionId, Position> { [new PartitionId("query")] = reading.Batches[reading.Batches.Count / 2].End };
        var rest = await SourceReader.ReadAsync(again, plan with { Saved = saved }, Ct);
        Assert.Equal(4999, rest.Batches.Sum(b => b.Malformed.Count));
    }

    private static Task<PostgresSource> OpenAsync(
        PostgresServer server, string query, IReadOnlyList<string> key, RunMode mode = RunMode.Custom, ListLog<PostgresSource>? log = null) => Task.FromResult(new PostgresSource(
            new PostgresSourceOptions { Host = server.Host, Port = server.Port, User = server.User, Key = key },
            new RunOptions { Query = query, Mode = mode },
            TimeProvider.System,
            log ?? new ListLog<PostgresSource>(),
            new SourceTuning { CopyRecords = 50 }));
}
