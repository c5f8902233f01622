using System.Diagnostics;
using System.Text.Json;

namespace EsPipeline.Api.Tests;

/// <summary>Every curl line of a README is run as it stands, against counts like those that it is about.</summary>
public sealed class ReadmeTests(SearchServer search)
{
    private const string Mappings = """{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"}}}""";

    private const int Documents = 2400;

    [Theory]
    [InlineData("README.md", 4)]
    [InlineData("samples/dashboard/README.md", 10)]
    public async Task Every_example_answers_with_the_figures_of_the_index(string readme, int examples)
    {
        var documents = Enumerable.Range(0, Documents).Select(i => JsonSerializer.Serialize(new { label = i % 2 == 0 ? "PHX" : "HOU", count = CountOf(i), time_bucket = $"2001-0{MonthOf(i)}-{1 + (i % 28):00}T00:00:00Z" }));
        var index = await search.CreateIndexAsync(Mappings, documents);
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = index });
        var lines = (await File.ReadAllLinesAsync(PathOf(readme), SearchServer.Ct)).Where(l => l.StartsWith("curl ", StringComparison.Ordinal)).ToArray();
        Assert.Equal(examples, lines.Length);
        foreach (var line in lines)
        {
            var answer = await RunAsync(line.Replace("http://localhost:8000/", api.Address.ToString(), StringComparison.Ordinal).Replace("hadoop-object-counts-v1", index, StringComparison.Ordinal));
            var isWrong = line.Contains("interval=1s", StringComparison.Ordinal);
            Assert.True(answer.TryGetProperty("code", out _) == isWrong, $"{line}: {answer}");
            if (!isWrong) Check(line, answer);
        }
    }

    private static int CountOf(int document) => document % 7;

    private static int MonthOf(int document) => 1 + (document % 3);

    private static long Sum(Func<int, bool> which) => Enumerable.Range(0, Documents).Where(which).Sum(CountOf);

    private static void Check(string line, JsonElement answer)
    {
        if (line.Contains("/search ", StringComparison.Ordinal))
        {
            var expected = Enumerable.Range(0, Documents).Count(i => CountOf(i) >= 3 && MonthOf(i) == 3);
            Assert.Equal((expected, 5), (answer.GetProperty("meta").GetProperty("total_records").GetInt32(), answer.GetProperty("data").GetArrayLength()));
        }
        else if (line.Contains("/scroll", StringComparison.Ordinal))
        {
            Assert.Equal(1000, answer.GetProperty("data").GetArrayLength());
        }
        else if (line.Contains("/count_specific", StringComparison.Ordinal))
        {
            Assert.Equal(Sum(i => i % 2 == 0 && MonthOf(i) == 2), answer.GetProperty("count").GetInt64());
        }
        else if (line.Contains("/label_counts", StringComparison.Ordinal))
        {
            Assert.Equal(
                new[] { ("PHX", Sum(i => i % 2 == 0)), ("HOU", Sum(i => i % 2 == 1)) }.OrderByDescending(l => l.Item2),
                answer.GetProperty("labels").EnumerateArray().Select(l => (l.GetProperty("label").GetString()!, l.GetProperty("count").GetInt64())));
        }
        else if (line.Contains("/timeline", StringComparison.Ordinal))
        {
            var both = line.Contains("label=HOU", StringComparison.Ordinal);
            var series = answer.GetProperty("series").EnumerateArray().SelectMany(s => s.GetProperty("counts").EnumerateArray());
            Assert.Equal(Sum(i => both || i % 2 == 0), series.Sum(c => c.GetInt64()));
        }
        else
        {
            Assert.NotEmpty(answer.EnumerateObject());
        }
    }

    private static async Task<JsonElement> RunAsync(string line)
    {
        using var process = Process.Start(new ProcessStartInfo("/bin/sh") { ArgumentList = { "-c", line }, RedirectStandardOutput = true, UseShellExecute = false })!;
        var output = await process.StandardOutput.ReadToEndAsync(SearchServer.Ct);
        await process.WaitForExitAsync(SearchServer.Ct);
        Assert.True(process.ExitCode == 0, $"{line}: exit {process.ExitCode}");
        return JsonDocument.Parse(output).RootElement;
    }

    private static string PathOf(string readme)
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "EsPipeline.sln"))) folder = folder.Parent;
        return Path.Combine(folder.FullName, readme);
    }
}
