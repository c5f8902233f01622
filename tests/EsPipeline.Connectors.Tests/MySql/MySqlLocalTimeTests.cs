using EsPipeline.Conformance;
using EsPipeline.Connectors.MySql;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.MySql;

/// <summary>DATETIME columns of a server whose zone is not UTC: nobody but their writers knows what they mean.</summary>
public sealed class MySqlLocalTimeTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Times_of_a_zone_that_nobody_named_are_not_guessed()
    {
        await using var server = await MariaDbServer.StartAsync(Ct, "--default-time-zone=+05:30");
        await using var database = await MySqlDatabase.CreateAsync(server);
        await database.ExecuteAsync(
            "CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_bin PRIMARY KEY, content JSON, written DATETIME(6) NOT NULL, changed TIMESTAMP(6) NOT NULL)",
            "INSERT INTO docs VALUES ('a','{}','2024-01-01 05:30:00','2024-01-01 05:30:00')",
            "CREATE VIEW rows_of_it AS SELECT * FROM docs");
        Assert.Equal("mysql.local_times", await ProblemAsync("written", areUtc: false));
        Assert.Null(await ProblemAsync("written", areUtc: true));
        Assert.Null(await ProblemAsync("changed", areUtc: false));

        var query = $"SELECT id,written,changed FROM {database.Name}.docs";
        foreach (var (table, given) in ((string, string?)[])[("docs", null), ("rows_of_it", null), ("docs", query)])
        {
            Assert.Equal("mysql.local_times", await SelectAsync(table, given, "written", areUtc: false));
            Assert.Null(await SelectAsync(table, given, "written", areUtc: true));
            Assert.Null(await SelectAsync(table, given, "changed", areUtc: false));
            Assert.Contains("'written'", Assert.Single(await WarningsAsync(table, given, MySqlShape.Columns, areUtc: false)), StringComparison.Ordinal);
            Assert.Empty(await WarningsAsync(table, given, MySqlShape.Columns, areUtc: true));
        }

        Assert.Empty(await WarningsAsync("docs", null, MySqlShape.Document, areUtc: false));
        await server.ExecuteAsync("SET GLOBAL time_zone='+00:00'");
        Assert.Null(await SelectAsync("rows_of_it", null, "written", areUtc: false));
        Assert.Empty(await WarningsAsync("docs", null, MySqlShape.Columns, areUtc: false));

        async Task<string?> ProblemAsync(string column, bool areUtc)
        {
            await using var source = database.Source(
                database.SourceOptions with { Shape = MySqlShape.Document, UpdatedColumn = column, UtcTimes = areUtc }, new RunOptions { Mode = RunMode.Single });
            return (await Health.OfAsync(source)).Problem?.Code;
        }

        async Task<string?> SelectAsync(string table, string? given, string column, bool areUtc)
        {
            await using var source = database.Source(database.SourceOptions with { Table = table, UpdatedColumn = column, UtcTimes = areUtc, Shape = MySqlShape.Columns });
            var selection = new Selection(given, Since: new(2024, 1, 1, 0, 0, 0, TimeSpan.Zero));
            return (await Record.ExceptionAsync(() => MySqlDatabase.ReadAsync(source, selection)) as PipelineException)?.Code;
        }

        async Task<IReadOnlyList<string>> WarningsAsync(string table, string? given, MySqlShape shape, bool areUtc)
        {
            await using var source = database.Source(
                database.SourceOptions with { Table = table, UtcTimes = areUtc, Shape = shape }, new RunOptions { Mode = RunMode.FullSync, Query = given });
            var health = await Health.OfAsync(source);
            Assert.Null(health.Problem);
            return health.Warnings;
        }
    }
}
