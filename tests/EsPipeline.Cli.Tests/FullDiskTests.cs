namespace EsPipeline.Cli.Tests;

/// <summary>A disk that is full, wherever a run writes beside its target: told at once, and nothing is lost once there is room again.</summary>
public sealed class FullDiskTests : IDisposable
{
    private const int Rows = 3000;

    // Slow enough that it is still at work when the disk is filled.
    private static readonly string[] Slowly = ["--rate-limit", "200", "--batch-size", "20", "--checkpoint-interval", "20ms"];

    private readonly EspipeFolder _folder = new();

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task No_room_for_positions_ends_the_run_and_the_next_one_goes_on_from_the_last_that_was_saved()
    {
        CsvCopy.Write(_folder, Rows);
        using var disk = SmallDisk.Mount(256 * 1024);
        string[] arguments = CsvCopy.Arguments("--job", "j", "--state", disk.Path);
        using (var run = _folder.Start(arguments.Concat(Slowly)))
        {
            await run.UntilAsync(() => File.Exists(disk.File("j/checkpoint.json")), "a position was saved");

            // A save that is under way gives back the room of the one before it.
            do await disk.FillAsync(Ct);
            while (!await run.EndsWithinAsync(TimeSpan.FromMilliseconds(100)));
            var full = (await run.EndAsync()).Ended(1);
            Assert.Contains("(state.unusable)", full.Error, StringComparison.Ordinal);
            Assert.Contains("(balances)", full.Output, StringComparison.Ordinal);
        }

        Assert.False(File.Exists(_folder.File("out.jsonl")), "An output that is not complete has the name of one that is.");
        disk.Empty();
        (await _folder.RunAsync(arguments)).Ended(0);
        using var unbroken = new EspipeFolder();
        CsvCopy.Write(unbroken, Rows);
        (await unbroken.RunAsync(CsvCopy.Arguments())).Ended(0);
        Assert.Equal(CsvCopy.Lines(unbroken), CsvCopy.Lines(_folder));
    }

    [Fact]
    public async Task No_room_for_dead_letters_ends_the_run_and_none_is_missing_after_the_next_one()
    {
        _folder.Write("in.jsonl", string.Concat(Enumerable.Range(0, Rows).Select(i => i % 4 != 0 ? $"{{\"id\":\"k{i}\"}}\n" : $"{{\"id\":\"k{i}\",\n")));
        using var disk = SmallDisk.Mount(256 * 1024);
        var letters = disk.File("letters.jsonl");
        string[] arguments = ["--source", "jsonl", "--jsonl-file", "in.jsonl", "--sink", "jsonl", "--output-file", "out.jsonl", "--dead-letters", letters, "--job", "j"];
        using (var run = _folder.Start(arguments.Concat(Slowly)))
        {
            await run.UntilAsync(() => File.Exists(letters) && new FileInfo(letters).Length > 0, "a record was set aside");
            await disk.FillAsync(Ct);
            var full = (await run.EndAsync()).Ended(1);
            Assert.Contains("(dead_letters.unusable)", full.Error, StringComparison.Ordinal);
            Assert.Contains("(balances)", full.Output, StringComparison.Ordinal);
        }

        disk.Empty();
        Directory.CreateDirectory(_folder.File("room"));
        var roomy = arguments.Select(a => a == letters ? _folder.File("room/letters.jsonl") : a).ToArray();
        File.Copy(letters, _folder.File("room/letters.jsonl"));
        (await _folder.RunAsync(roomy)).Ended(3);
        Assert.Equal(Rows * 3 / 4, CsvCopy.Lines(_folder).Length);
        var set = CsvCopy.Lines(_folder, "room/letters.jsonl").Select(l => System.Text.Json.JsonDocument.Parse(l).RootElement.GetProperty("place").GetString()).ToHashSet(StringComparer.Ordinal);
        Assert.Equal(Rows / 4, set.Count);
    }

    [Fact]
    public async Task No_room_for_the_log_is_told_and_holds_up_nothing()
    {
        CsvCopy.Write(_folder, Rows);
        using var disk = SmallDisk.Mount(64 * 1024);
        await disk.FillAsync(Ct);
        var run = (await _folder.RunAsync(CsvCopy.Arguments("--log-file", disk.File("espipe.log"), "--log-level", "debug"))).Ended(0);
        Assert.StartsWith($"espipe: the log file {disk.File("espipe.log")} can't be written", Assert.Single(run.Complaints), StringComparison.Ordinal);
        Assert.Equal(Rows, CsvCopy.Lines(_folder).Length);
    }
}
