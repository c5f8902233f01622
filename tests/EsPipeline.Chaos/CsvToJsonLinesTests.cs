using System.Globalization;
using System.Security.Cryptography;

namespace EsPipeline.Chaos;

public sealed class CsvToJsonLinesTests
{
    private const int Rows = 600_000;

    private static readonly string[] Arguments = ["--source", "csv", "--sink", "jsonl", "--csv-file", "in.csv", "--output-file", "out.jsonl"];

    [Fact]
    public async Task Killed_at_random_moments_and_resumed_the_output_is_the_unbroken_one_to_the_byte()
    {
        using var unbroken = new EspipeFolder();
        await WriteRowsAsync(unbroken.File("in.csv"));
        var job = new KilledJob(await KilledJob.MeasureAsync(unbroken, Arguments));
        var expected = await HashAsync(unbroken);
        while (job.GoesOn)
        {
            using var folder = new EspipeFolder();
            File.CreateSymbolicLink(folder.File("in.csv"), unbroken.File("in.csv"));
            await job.RunToEndAsync(folder, Arguments);
            var actual = await HashAsync(folder);
            Assert.True(expected == actual, $"After {job.Kills} kills the output is another one (ESPIPE_TEST_SEED={Draws.Seed}).");
            Assert.False(File.Exists(folder.File("out.jsonl.part")));
        }

        job.HasResumed();
    }

    // Every hundredth key comes again, and is not to be written again whatever was killed in between.
    private static async Task WriteRowsAsync(string path)
    {
        await using var csv = new StreamWriter(path);
        await csv.WriteAsync("id,name,price,note\n");
        for (var i = 0; i < Rows; i++)
        {
            var key = i % 100 == 99 ? i / 2 : i;
            await csv.WriteAsync(string.Create(CultureInfo.InvariantCulture, $"k{key:0000000},\"item \"\"{i}\"\"\",{i * 0.25},\"zwei\nZeilen\"\n"));
        }
    }

    private static async Task<string> HashAsync(EspipeFolder folder)
    {
        await using var output = File.OpenRead(folder.File("out.jsonl"));
        return Convert.ToHexString(await SHA256.HashDataAsync(output, TestContext.Current.CancellationToken));
    }
}
