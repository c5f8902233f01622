using System.Text.Json;

namespace EsPipeline.Chaos;

public sealed class ElasticsearchToJsonLinesTests
{
    private const int Documents = 20_000;

    [Fact]
    public async Task Killed_at_random_moments_and_resumed_every_document_is_there_once_and_right()
    {
        await using var index = await ElasticsearchIndex.CreateAsync(Documents);
        string[] arguments =
        [
            "--source", "elasticsearch", "--es-url", index.Server.ToString(), "--es-index", index.Name,
            "--sink", "jsonl", "--output-file", "out.jsonl", "--mode", "full-sync",
        ];
        using var unbroken = new EspipeFolder();
        var job = new KilledJob(await KilledJob.MeasureAsync(unbroken, arguments));
        Compare(index, unbroken);
        while (job.GoesOn)
        {
            using var folder = new EspipeFolder();
            await job.RunToEndAsync(folder, arguments);
            Compare(index, folder);
        }

        job.HasResumed();
    }

    private static void Compare(ElasticsearchIndex index, EspipeFolder folder)
    {
        var lines = File.ReadAllLines(folder.File("out.jsonl"));
        var found = new Dictionary<string, string>(lines.Length, StringComparer.Ordinal);
        foreach (var line in lines)
        {
            using var json = JsonDocument.Parse(line);
            var id = json.RootElement.GetProperty("id").GetString()!;
            Assert.True(found.TryAdd(id, line), $"{id} was written twice (ESPIPE_TEST_SEED={Draws.Seed}).");
        }

        ContentAssert.Same(index.Documents.Select(d => d with { Json = $"{{\"id\":{JsonSerializer.Serialize(d.Key)},{d.Json[1..]}" }), found);
    }
}
