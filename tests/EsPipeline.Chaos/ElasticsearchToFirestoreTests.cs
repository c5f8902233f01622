namespace EsPipeline.Chaos;

public sealed class ElasticsearchToFirestoreTests
{
    private const int Documents = 2000;

    [Fact]
    public async Task Killed_at_random_moments_while_the_index_changes_both_ends_are_equal_in_the_end()
    {
        await using var index = await ElasticsearchIndex.CreateAsync(Documents);
        TimeSpan whole;
        await using (var unbroken = new FirestoreCopy())
        {
            whole = await MeasureAsync(index, unbroken);
            ContentAssert.Same(index.Documents, await unbroken.ReadAllAsync());
        }

        var job = new KilledJob(whole);
        var next = Documents;
        while (job.GoesOn)
        {
            await using var copy = new FirestoreCopy();
            using var folder = FolderFor(copy);
            var arguments = ArgumentsFor(index, copy);
            await job.RunToEndAsync(folder, arguments, ChangeAsync);
            // What was changed while the snapshot was being read comes with the run after it.
            (await folder.RunAsync([.. arguments, "--job", "killed"])).Ended(0);
            ContentAssert.Same(index.Documents, await copy.ReadAllAsync());
        }

        job.HasResumed();

        async Task ChangeAsync()
        {
            await index.PutAsync(next, 20, "inserted");
            await index.PutAsync(next / 2, 20, $"changed after {next}");
            next += 20;
        }
    }

    private static async Task<TimeSpan> MeasureAsync(ElasticsearchIndex index, FirestoreCopy copy)
    {
        using var folder = FolderFor(copy);
        return await KilledJob.MeasureAsync(folder, ArgumentsFor(index, copy));
    }

    private static EspipeFolder FolderFor(FirestoreCopy copy) => new() { Environment = { ["FIRESTORE_EMULATOR_HOST"] = copy.Host } };

    private static string[] ArgumentsFor(ElasticsearchIndex index, FirestoreCopy copy) =>
    [
        "--source", "elasticsearch", "--es-url", index.Server.ToString(), "--es-index", index.Name, "--mode", "full-sync", .. copy.Arguments,
    ];
}
