using System.Globalization;
using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Xunit;

namespace EsPipeline.Conformance;

/// <summary>What every state store promises. A subclass gives a store that is empty at a test's start.</summary>
public abstract class StateStoreConformance
{
    /// <summary>The test's token.</summary>
    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>The same state, as another process would open it.</summary>
    protected abstract Task<IStateStore> OpenAsync();

    [Fact]
    public async Task A_checkpoint_is_saved_replaced_and_reset()
    {
        await using var store = await OpenAsync();
        await using var reader = await OpenAsync();
        Assert.Null(await reader.ReadCheckpointAsync("job", Ct));
        await using var state = await store.OpenAsync("job", Ct);
        Assert.Null(await state.LoadAsync(Ct));
        for (var n = 1; n <= 3; n++)
        {
            await state.SaveAsync(At(n), Ct);
            Assert.Equal(n, NumberOf(await state.LoadAsync(Ct)));
            Assert.Equal(n, NumberOf(await reader.ReadCheckpointAsync("job", Ct)));
        }

        await state.ResetAsync(Ct);
        Assert.Null(await state.LoadAsync(Ct));
        await state.ResetAsync(Ct);
    }

    [Fact]
    public async Task A_checkpoint_comes_back_whole_whatever_it_holds()
    {
        await using var store = await OpenAsync();
        await using var state = await store.OpenAsync("job", Ct);
        var saved = At(1) with
        {
            Identity = new JobIdentity([KeyValuePair.Create("query", "{\"a\":\"\\u0000 ' \\\\ \u00e9 \U0001F600\"}")]),
            Phase = ReadKind.Changes,
            SinkToken = "ends\nwith \0 and '; DROP TABLE espipe_job; --",
            Since = DateTimeOffset.UnixEpoch,
            SavedAt = DateTimeOffset.UnixEpoch.AddDays(1),
        };
        await state.SaveAsync(saved, Ct);
        var read = (await state.LoadAsync(Ct))!;
        Assert.Equal(CheckpointText.Write(saved), CheckpointText.Write(read));
        Assert.Equal((saved.Identity.Hash, saved.SinkToken), (read.Identity.Hash, read.SinkToken));
    }

    [Fact]
    public async Task A_second_copy_in_this_process_is_refused_and_names_the_first()
    {
        await using var first = await OpenAsync();
        await using var second = await OpenAsync();
        await using (await first.OpenAsync("job", Ct))
        {
            var refused = await Assert.ThrowsAsync<PipelineException>(() => second.OpenAsync("job", Ct));
            Assert.Equal(
                ("state.job_running", $"The job 'job' is already being run by process {Environment.ProcessId} on {Environment.MachineName}."), (refused.Code, refused.Message));
            await using var other = await second.OpenAsync("other-job", Ct);
        }

        await using var again = await second.OpenAsync("job", Ct);
        Assert.False(again.Lost.IsCancellationRequested);
    }

    [Fact]
    public async Task A_name_that_could_leave_the_folder_is_refused()
    {
        await using var store = await OpenAsync();
        foreach (var name in (string[])["", "..", ".", ".hidden", "a/b", "../x", "a\\b", "a b", "a\0b", "ü", new string('a', 101)])
        {
            Assert.Equal("state.bad_job_name", (await Assert.ThrowsAsync<PipelineException>(() => store.OpenAsync(name, Ct))).Code);
            Assert.Equal("state.bad_job_name", (await Assert.ThrowsAsync<PipelineException>(() => store.ReadCheckpointAsync(name, Ct))).Code);
        }

        foreach (var name in (string[])["a", "A-b_c.9", new string('a', 100), "-x", "_x"])
        {
            await using var state = await store.OpenAsync(name, Ct);
            Assert.Equal(store.FolderOf(name), state.Folder);
        }
    }

    [Fact]
    public async Task Jobs_are_listed_by_name()
    {
        await using var store = await OpenAsync();
        Assert.Empty(await store.ListJobsAsync(Ct));
        foreach (var name in (string[])["b", "a", "c", "B"]) await (await store.OpenAsync(name, Ct)).DisposeAsync();
        Assert.Equal(["B", "a", "b", "c"], await store.ListJobsAsync(Ct));
    }

    [Fact]
    public async Task A_check_leaves_nothing()
    {
        await using var store = await OpenAsync();
        Assert.Null((await store.CheckAsync(Ct)).Problem);
        Assert.Empty(await store.ListJobsAsync(Ct));
        await (await store.OpenAsync("job", Ct)).DisposeAsync();
        Assert.Null((await store.CheckAsync(Ct)).Problem);
        Assert.Equal(["job"], await store.ListJobsAsync(Ct));
    }

    [Fact]
    public async Task Runs_are_kept_newest_first_and_one_that_died_is_noted_by_the_next()
    {
        await using var store = await OpenAsync();
        await using (var state = await store.OpenAsync("job", Ct))
        {
            await state.NoteRunAsync(Run(1), Ct);
            await state.NoteRunAsync(Run(1) with { Ended = DateTimeOffset.UnixEpoch, Outcome = RunOutcome.Done }, Ct);
            await state.NoteRunAsync(Run(2), Ct);
            Assert.Equal([("2", RunOutcome.Running), ("1", RunOutcome.Done)], await RunsAsync(store));
        }

        await using (await store.OpenAsync("job", Ct)) Assert.Equal([("2", RunOutcome.Killed), ("1", RunOutcome.Done)], await RunsAsync(store));
        await using (await store.OpenAsync("job", Ct)) Assert.Equal([("2", RunOutcome.Killed), ("1", RunOutcome.Done)], await RunsAsync(store));
        Assert.Equal([("2", RunOutcome.Killed)], await RunsAsync(store, most: 1));
        Assert.Empty(await store.ReadRunsAsync("other", 10, Ct));
    }

    /// <summary>A run.</summary>
    protected static RunRecord Run(int id) => new()
    {
        Id = $"{id}", Mode = "FullSync", Source = "csv", Sink = "jsonl", ProcessId = 1, Host = "here", Started = DateTimeOffset.UnixEpoch,
    };

    /// <summary>A checkpoint that can be told from others.</summary>
    protected static Checkpoint At(int number) => new()
    {
        Identity = new JobIdentity([KeyValuePair.Create("source", "test")]),
        Phase = ReadKind.Snapshot,
        Partitions = Enumerable.Range(0, 3).ToDictionary(p => new PartitionId($"p{p}"), _ => new PartitionProgress(new Position($"t1:{number}"), number)),
    };

    /// <summary>Which one it is; null for none.</summary>
    protected static int? NumberOf(Checkpoint? checkpoint) =>
        checkpoint is null ? null : int.Parse(checkpoint.Partitions[new PartitionId("p0")].Position.Value.AsSpan(3), CultureInfo.InvariantCulture);

    private static async Task<List<(string Id, RunOutcome Outcome)>> RunsAsync(IStateStore store, int most = 10) =>
        [.. (await store.ReadRunsAsync("job", most, Ct)).Select(r => (r.Id, r.Outcome))];
}
