using System.Diagnostics;
using System.Text.Json;

namespace EsPipeline.Api.Tests;

/// <summary>Every curl line of the sample's README is run as it stands, against the counts that it is about.</summary>
public sealed class ReadmeTests(SearchServer search)
{
    private const string Mappings = """{"properties":{"label":{"type":"keyword"},"count":{"type":"integer"},"time_bucket":{"type":"date"}}}""";

    [Fact]
    public async Task Every_example_answers()
    {
        var documents = Enumerable.Range(0, 2400).Select(i => JsonSerializer.Serialize(new { label = i % 2 == 0 ? "PHX" : "HOU", count = i % 7, time_bucket = $"2001-0{1 + (i % 3)}-{1 + (i % 28):00}T00:00:00Z" }));
        var index = await search.CreateIndexAsync(Mappings, documents);
        await using var api = await ApiServer.StartAsync(search, new ApiOptions { CountsIndex = index });
        var lines = (await File.ReadAllLinesAsync(Readme(), SearchServer.Ct)).Where(l => l.StartsWith("curl ", StringComparison.Ordinal)).ToArray();
        Assert.InRange(lines.Length, 10, 20);
        foreach (var line in lines)
        {
            var answer = await RunAsync(line.Replace("http://localhost:8000/", api.Address.ToString(), StringComparison.Ordinal).Replace("hadoop-object-counts-v1", index, StringComparison.Ordinal));
            var isWrong = line.Contains("interval=1s", StringComparison.Ordinal);
            Assert.True(answer.TryGetProperty("code", out _) == isWrong, $"{line}: {answer}");
            if (line.Contains("/search", StringComparison.Ordinal)) Assert.NotEqual(0, answer.GetProperty("data").GetArrayLength());
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

    private static string Readme()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "EsPipeline.sln"))) folder = folder.Parent;
        return Path.Combine(folder.FullName, "samples", "dashboard", "README.md");
    }
}
