using System.Globalization;

namespace EsPipeline.Chaos;

public sealed class CsvToMariaDbTests
{
    private const int Rows = 40_000;

    // The key of every fifth row came long before, half a file ago, and that of every seventh a moment ago.
    [Theory]
    [InlineData("upsert")]
    [InlineData("insert-ignore")]
    public async Task With_many_writers_the_last_row_of_a_key_stays_or_where_rows_are_left_alone_the_first(string write)
    {
        await using var table = await MariaDbTable.CreateAsync();
        using var folder = new EspipeFolder { Environment = { [table.Environment.Name] = table.Environment.Value } };
        var documents = new Dictionary<string, string>(StringComparer.Ordinal);
        await using (var csv = new StreamWriter(folder.File("in.csv")))
        {
            await csv.WriteAsync("id,n\n");
            for (var i = 0; i < Rows; i++)
            {
                var number = i % 5 == 4 && i > Rows / 2 ? i - (Rows / 2) : i % 7 == 6 ? i - 3 : i;
                var (key, json) = (string.Create(CultureInfo.InvariantCulture, $"k{number:00000}"), string.Create(CultureInfo.InvariantCulture, $$"""{"id":"k{{number:00000}}","n":"{{i}}"}"""));
                await csv.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"{key},{i}\n"));
                if (write == "upsert") documents[key] = json;
                else documents.TryAdd(key, json);
            }
        }

        var run = (await folder.RunAsync(
            ["--source", "csv", "--csv-file", "in.csv", "--sink", "mysql", "--threads", "5", "--db-connections", "5", "--db-write", write, .. table.Options])).Ended(0);
        Assert.Contains($"read {Rows} = ", run.Output, StringComparison.Ordinal);
        Assert.True(documents.Count < Rows * 9 / 10, "Few keys come again.");
        ContentAssert.Same(documents.Select(d => new Document(d.Key, d.Value)), await table.ReadAllAsync());
    }
}
