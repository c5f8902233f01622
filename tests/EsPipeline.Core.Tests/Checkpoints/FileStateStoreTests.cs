using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Telemetry;

namespace EsPipeline.Core.Tests.Checkpoints;

public sealed class FileStateStoreTests : StateStoreConformance, IDisposable
{
    private readonly TemporaryFolder _folder = new();
    private readonly FakeTime _time = new();

    private string Root => _folder.File("state");

    private FileStateStore Store => new(Root, _time);

    public void Dispose() => _folder.Dispose();

    protected override Task<IStateStore> OpenAsync() => Task.FromResult<IStateStore>(Store);

    [Fact]
    public async Task A_folder_that_is_no_jobs_is_not_listed()
    {
        await (await Store.OpenAsync("a", Ct)).DisposeAsync();
        Directory.CreateDirectory(Path.Combine(Root, ".not-a-job"));
        Assert.Equal(["a"], await Store.ListJobsAsync(Ct));
    }

    [Fact]
    public async Task The_folders_are_0700_and_the_files_0600()
    {
        if (OperatingSystem.IsWindows()) return;
        await using (var state = await Store.OpenAsync("job", Ct))
        {
            await state.SaveAsync(At(1), Ct);
            await state.NoteRunAsync(Run(1) with { Ended = _time.GetUtcNow() }, Ct);
        }

        foreach (var folder in (string[])[Root, Path.Combine(Root, "job")])
        {
            Assert.Equal(UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(folder));
        }

        foreach (var file in Directory.GetFiles(Path.Combine(Root, "job")))
        {
            Assert.Equal((file, UnixFileMode.UserRead | UnixFileMode.UserWrite), (file, File.GetUnixFileMode(file)));
        }
    }

    [Fact]
    public async Task A_second_copy_in_another_process_is_refused_and_names_the_first()
    {
        using (var child = SavingChild.Start(Root))
        {
            await child.SavedAsync(1, Ct);
            var refused = await Assert.ThrowsAsync<PipelineException>(() => Store.OpenAsync("job", Ct));
            Assert.Contains($"by process {child.ProcessId} on ", refused.Message, StringComparison.Ordinal);
            child.Kill();
        }

        // The lock ends with the process.
        await using var state = await Store.OpenAsync("job", Ct);
        Assert.NotNull(await state.LoadAsync(Ct));
    }

    [Fact]
    public async Task Killed_at_random_moments_it_always_holds_a_whole_checkpoint_no_older_than_the_last_that_was_saved()
    {
        var random = new Random(20240101);
        var before = 0;
        for (var kill = 0; kill < 40; kill++)
        {
            using var child = SavingChild.Start(Root);
            await child.SavedAsync(before + 1 + random.Next(20), Ct);
            Spin(random.Next(2_000));
            child.Kill();
            var saved = (await Store.ReadCheckpointAsync("job", Ct))!;
            Assert.Single(saved.Partitions.Values.Distinct());
            Assert.True(NumberOf(saved) >= child.LastSaved, $"{NumberOf(saved)} after {child.LastSaved} had been saved.");
            Assert.True(NumberOf(saved) >= before);
            before = NumberOf(saved)!.Value;
        }

        static void Spin(int microseconds)
        {
            var started = TimeProvider.System.GetTimestamp();
            while (TimeProvider.System.GetElapsedTime(started).TotalMicroseconds < microseconds) Thread.Yield();
        }
    }

    [Fact]
    public async Task A_full_disk_is_told_and_keeps_the_checkpoint()
    {
        using var disk = SmallDisk.Mount(64 * 1024);
        var store = new FileStateStore(disk.File("state"), _time);
        await using var state = await store.OpenAsync("job", Ct);
        await state.SaveAsync(At(1), Ct);
        await disk.FillAsync(Ct);
        var large = At(2) with { SinkToken = new string('x', 20_000) };
        var full = await Assert.ThrowsAsync<PipelineException>(() => state.SaveAsync(large, Ct));
        Assert.Equal(("state.unusable", FailureKind.Environment), (full.Code, full.Kind));
        Assert.Equal(1, NumberOf(await state.LoadAsync(Ct)));
        disk.Empty();
        await state.SaveAsync(large, Ct);
        Assert.Equal(2, NumberOf(await state.LoadAsync(Ct)));
    }

    [Fact]
    public async Task A_damaged_checkpoint_is_refused_and_left_as_it_is()
    {
        await using var state = await Store.OpenAsync("job", Ct);
        await state.SaveAsync(At(1), Ct);
        var path = Path.Combine(Root, "job", "checkpoint.json");
        var text = (await File.ReadAllTextAsync(path, Ct)).Replace("t1:1", "t1:9", StringComparison.Ordinal);
        await File.WriteAllTextAsync(path, text, Ct);
        var refused = await Assert.ThrowsAsync<PipelineException>(() => state.LoadAsync(Ct));
        Assert.Equal("checkpoint.corrupt", refused.Code);
        Assert.Contains(path, refused.Message, StringComparison.Ordinal);
        Assert.Equal(text, await File.ReadAllTextAsync(path, Ct));
    }

    [Fact]
    public async Task A_check_writes_and_leaves_nothing_and_tells_a_folder_that_can_not_be_used()
    {
        Assert.Null((await Store.CheckAsync(Ct)).Problem);
        Assert.Empty(Directory.GetFileSystemEntries(_folder.Path));
        var file = _folder.File("file");
        await File.WriteAllTextAsync(file, "x", Ct);
        var problem = (await new FileStateStore(Path.Combine(file, "state"), _time).CheckAsync(Ct)).Problem;
        Assert.NotNull(problem);
        Assert.Equal("state.unusable", (await Assert.ThrowsAsync<PipelineException>(() => new FileStateStore(Path.Combine(file, "state"), _time).OpenAsync("job", Ct))).Code);
    }

    [Fact]
    public async Task A_folder_that_is_removed_while_the_job_runs_ends_the_copy_that_had_it_and_leaves_the_next_one_alone()
    {
        await using var first = await Store.OpenAsync("job", Ct);
        await first.SaveAsync(At(1), Ct);
        Directory.Delete(Path.Combine(Root, "job"), recursive: true);
        await using var second = await Store.OpenAsync("job", Ct);
        await second.SaveAsync(At(7), Ct);
        await second.NoteRunAsync(Run(7), Ct);
        Assert.False(first.Lost.IsCancellationRequested);
        foreach (var change in (Func<Task>[])[() => first.SaveAsync(At(2), Ct), () => first.ResetAsync(Ct), () => first.NoteRunAsync(Run(2), Ct)])
        {
            var lost = await Assert.ThrowsAsync<PipelineException>(change);
            Assert.Equal("state.job_lost", lost.Code);
            Assert.Contains($"{Path.Combine(Root, "job")}, was removed", lost.Message, StringComparison.Ordinal);
        }

        Assert.True(first.Lost.IsCancellationRequested);
        Assert.False(second.Lost.IsCancellationRequested);
        Assert.Equal(7, NumberOf(await second.LoadAsync(Ct)));
        Assert.Equal(["7"], (await Store.ReadRunsAsync("job", 10, Ct)).Select(r => r.Id));
    }

    [Fact]
    public async Task A_run_that_ended_is_in_the_history_before_it_is_noted_as_the_last_one_and_counts_once()
    {
        var current = Path.Combine(Root, "job", "run.json");
        await using (var state = await Store.OpenAsync("job", Ct))
        {
            await state.NoteRunAsync(Run(1), Ct);

            // As where it is killed, or the disk is full, between the two.
            Directory.CreateDirectory(current + ".tmp");
            await Assert.ThrowsAsync<PipelineException>(() => state.NoteRunAsync(Run(1) with { Ended = _time.GetUtcNow(), Outcome = RunOutcome.Done }, Ct));
            Directory.Delete(current + ".tmp");
        }

        for (var opened = 0; opened < 2; opened++)
        {
            Assert.Equal([("1", RunOutcome.Done)], (await Store.ReadRunsAsync("job", 10, Ct)).Select(r => (r.Id, r.Outcome)));
            await (await Store.OpenAsync("job", Ct)).DisposeAsync();
        }
    }

    [Fact]
    public async Task A_run_behind_a_line_that_was_cut_off_is_whole()
    {
        await using var state = await Store.OpenAsync("job", Ct);
        await state.NoteRunAsync(Run(1) with { Ended = _time.GetUtcNow() }, Ct);
        await File.AppendAllTextAsync(Path.Combine(Root, "job", "runs.jsonl"), "{\"id\":\"torn", Ct);
        await state.NoteRunAsync(Run(2) with { Ended = _time.GetUtcNow() }, Ct);
        await state.NoteRunAsync(Run(3) with { Ended = _time.GetUtcNow() }, Ct);
        Assert.Equal(["3", "2", "1"], (await Store.ReadRunsAsync("job", 10, Ct)).Select(r => r.Id));
        Assert.Equal(4, (await File.ReadAllLinesAsync(Path.Combine(Root, "job", "runs.jsonl"), Ct)).Length);
    }

    [Fact]
    public async Task The_history_is_cut_before_it_fills_a_disk_and_bears_a_torn_line()
    {
        await using var state = await Store.OpenAsync("job", Ct);
        var path = Path.Combine(Root, "job", "runs.jsonl");
        await state.NoteRunAsync(Run(0) with { Ended = _time.GetUtcNow() }, Ct);
        var line = await File.ReadAllTextAsync(path, Ct);
        await File.WriteAllTextAsync(path, string.Concat(Enumerable.Repeat(line, 2 * RunHistory.Kept)) + "{\"id\":\"torn", Ct);
        await state.NoteRunAsync(Run(7) with { Ended = _time.GetUtcNow() }, Ct);
        Assert.InRange((await File.ReadAllLinesAsync(path, Ct)).Length, RunHistory.Kept, RunHistory.Kept + 1);
        Assert.Equal("7", (await Store.ReadRunsAsync("job", 1, Ct))[0].Id);
    }
}
