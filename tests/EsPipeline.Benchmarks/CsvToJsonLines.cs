using System.Globalization;
using System.Text;

namespace EsPipeline.Benchmarks;

/// <summary>CSV to JSON Lines, against <c>wc -l</c>: what it takes to read the bytes and look for line ends, writing nothing.</summary>
internal sealed class CsvToJsonLines(BenchContext context) : Leg(context)
{
    public override string Name => "csv-jsonl";

    public override string Reference => "wc -l";

    public override double Aim => 0.35;

    public override long Records => 1_000_000;

    public override long FewRecords => 100_000;

    public override CommandText? ReferenceCommand => new("wc", "-l", Context.PathOf("many.csv"));

    public override async Task PrepareAsync()
    {
        await WriteAsync("many", Records);
        await WriteAsync("few", FewRecords);
    }

    public override Task ResetAsync()
    {
        Context.ForgetState();
        File.Delete(Context.PathOf("out.jsonl"));
        return Task.CompletedTask;
    }

    public override CommandText Espipe(bool few) => Context.Run(
        "--source", "csv", "--sink", "jsonl", "--csv-file", Context.PathOf(few ? "few.csv" : "many.csv"), "--output-file", Context.PathOf("out.jsonl"));

    public override async Task VerifyAsync()
    {
        await using var expected = File.OpenRead(Context.PathOf("many.jsonl"));
        await using var actual = File.OpenRead(Context.PathOf("out.jsonl"));
        if (!await SameBytes.AreAsync(expected, actual)) throw new InvalidOperationException("out.jsonl is not what the CSV file says.");
    }

    // The same rows twice: as CSV, and as the lines that they must become.
    private async Task WriteAsync(string name, long rows)
    {
        var random = new Random(1);
        await using var csv = new StreamWriter(Context.PathOf(name + ".csv"), append: false, new UTF8Encoding(false), 1 << 20);
        await using var json = new StreamWriter(Context.PathOf(name + ".jsonl"), append: false, new UTF8Encoding(false), 1 << 20);
        await csv.WriteAsync("id,name,city,amount,date,note\n");
        for (long i = 0; i < rows; i++)
        {
            var amount = (random.Next(1_000_000) / 100.0).ToString("0.00", CultureInfo.InvariantCulture);
            var (person, city, day, note) = ($"Person {i % 1000}", $"City {i % 313}", $"2024-01-{(i % 28) + 1:00}", $"some note number {i % 97} that goes on");
            await csv.WriteAsync($"{i},{person},{city},{amount},{day},{note}\n");
            await json.WriteAsync($$"""{"id":"{{i}}","name":"{{person}}","city":"{{city}}","amount":"{{amount}}","date":"{{day}}","note":"{{note}}"}""" + "\n");
        }
    }
}
