using System.Globalization;

namespace EsPipeline.Chaos;

/// <summary><c>espipe plan</c> where the server can be reached: what a run would meet is told, and the server is as it was.</summary>
public sealed class PlanToMariaDbTests : IDisposable
{
    private readonly EspipeFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_value_that_is_longer_than_a_column_of_the_table_is_told_and_the_table_stays_as_it_is()
    {
        await using var table = await TableAsync();
        await table.ExecuteAsync("CREATE TABLE docs (id VARCHAR(64) COLLATE utf8mb4_nopad_bin PRIMARY KEY, name VARCHAR(12)); INSERT INTO docs VALUES ('a','before')");
        var before = await StateAsync(table);
        _folder.Write("in.jsonl", """
            {"id":"a","name":"after"}
            {"id":"b","name":"thirteen char"}
            {"id":"c","name":"twelve chars"}
            """);
        var plan = (await PlanAsync(table, "--format", "json")).Ended(3);
        Assert.Contains("mysql.too_long", plan.Output, StringComparison.Ordinal);
        Assert.Contains("in.jsonl line 2", plan.Output, StringComparison.Ordinal);
        Assert.DoesNotContain("in.jsonl line 3", plan.Output, StringComparison.Ordinal);
        Assert.Equal(before, await StateAsync(table));

        _folder.Write("in.jsonl", """{"id":"a","name":"after"}""");
        (await PlanAsync(table)).Ended(0);
        Assert.Equal(before, await StateAsync(table));
    }

    // A run makes the columns from the first 10,000 documents and the rest of the megabyte that they end in; there the field is always a number.
    [Fact]
    public async Task A_value_that_a_table_which_a_run_would_make_can_not_hold_is_told_and_none_is_made()
    {
        await using var table = await TableAsync();
        var lines = Enumerable.Range(0, 30_000).Select(i => string.Create(
            CultureInfo.InvariantCulture, $$"""{"id":"k{{i}}","text":"{{new string('x', 100)}}","n":{{(i is 25_050 or 29_999 ? "\"many\"" : i)}} }"""));
        _folder.Write("in.jsonl", string.Join('\n', lines));
        var plan = (await PlanAsync(table, "--db-shape", "columns")).Ended(3);
        Assert.Contains("mysql.wrong_type", plan.Output, StringComparison.Ordinal);
        Assert.Contains("in.jsonl line 25051", plan.Output, StringComparison.Ordinal);
        Assert.Contains("a run makes it, with columns", plan.Output, StringComparison.Ordinal);
        Assert.Empty(await table.ExecuteAsync("SHOW TABLES"));

        // As the run has it.
        (await _folder.RunAsync([.. ArgumentsFor(table), "--db-shape", "columns"])).Ended(3);
        Assert.Equal(["29998"], await table.ExecuteAsync("SELECT COUNT(*) FROM docs"));
    }

    [Fact]
    public async Task Fields_that_can_not_be_columns_together_end_the_plan_as_they_would_the_run()
    {
        await using var table = await TableAsync();
        _folder.Write("in.jsonl", """{"id":"a","name":1,"Name":2}""");
        var plan = (await PlanAsync(table, "--db-shape", "columns")).Ended(1);
        Assert.Contains("A run would end at once: ", plan.Output, StringComparison.Ordinal);
        Assert.Contains("differ only in case", plan.Output, StringComparison.Ordinal);
        Assert.Empty(await table.ExecuteAsync("SHOW TABLES"));
    }

    private async Task<MariaDbTable> TableAsync()
    {
        var table = await MariaDbTable.CreateAsync();
        _folder.Environment[table.Environment.Name] = table.Environment.Value;
        return table;
    }

    private static async Task<string> StateAsync(MariaDbTable table) =>
        string.Join('\n', (await table.ExecuteAsync("SHOW CREATE TABLE docs")).Concat(await table.ExecuteAsync("SELECT * FROM docs ORDER BY id")));

    private Task<EspipeResult> PlanAsync(MariaDbTable table, params string[] more) => _folder.RunAsync(["plan", .. ArgumentsFor(table), .. more]);

    private static string[] ArgumentsFor(MariaDbTable table) => ["--source", "jsonl", "--jsonl-file", "in.jsonl", "--sink", "mysql", .. table.Options];
}
