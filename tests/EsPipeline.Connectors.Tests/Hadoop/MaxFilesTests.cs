using EsPipeline.Conformance;
using EsPipeline.Core.Telemetry;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary><c>--max-files</c> is how many part files one run takes; the next run takes the next ones: the same on S3 and in a folder.</summary>
[Collection(S3CollectionDefinition.Name)]
public sealed class MaxFilesTests(S3Server server)
{
    private static readonly SourceKnobs Small = new() { PageSize = 5 };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Each_run_takes_the_next_files_within_a_job_and_beyond_it(bool s3)
    {
        await using var set = await SetAsync(s3);
        await PutAsync(set, "a", 3);
        await PutAsync(set, "b", 4);
        var first = await RunAsync(set, 2);
        Assert.Equal(["a-0", "a-1"], KeysOf(first));
        var second = await RunAsync(set, 2, first.Saved);
        Assert.Equal(["a-2", "b-0"], KeysOf(second));

        // What comes to an earlier job behind what was read of it is read next, and what was read is not read again.
        await PutAsync(set, "a", 4);
        await PutAsync(set, "c", 1);
        var third = await RunAsync(set, 2, second.Saved);
        Assert.Equal(["a-3", "b-1"], KeysOf(third));
        Assert.All(third.Partitions, p => Assert.Null(p.StartsOverBecause));

        // Without a limit, or with another one, it is the same job.
        var rest = await RunAsync(set, null, third.Saved);
        Assert.Equal(["b-2", "b-3", "c-0"], KeysOf(rest));
        var nothing = await RunAsync(set, 2, rest.Saved);
        Assert.Empty(nothing.Records);
        Assert.All(nothing.Partitions, p => Assert.StartsWith("ledger:", p.Id.Value, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_job_that_grew_since_it_went_into_the_ledger_goes_on_behind_what_was_read(bool s3)
    {
        await using var set = await SetAsync(s3);
        await PutAsync(set, "a", 2);
        var all = await RunAsync(set, null);
        var ledger = await RunAsync(set, null, all.Saved);
        Assert.Empty(ledger.Records);
        await PutAsync(set, "a", 5);
        var next = await RunAsync(set, 2, ledger.Saved);
        Assert.Equal(["a-2", "a-3"], KeysOf(next));
        Assert.Equal(["a-4"], KeysOf(await RunAsync(set, 2, next.Saved)));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_job_run_again_while_it_waits_for_its_turn_is_read_anew_when_that_comes(bool s3)
    {
        await using var set = await SetAsync(s3);
        await PutAsync(set, "b", 3);
        var first = await RunAsync(set, 2);
        Assert.Equal(["b-0", "b-1"], KeysOf(first));
        await PutAsync(set, "a", 2);
        await PutAsync(set, "b", 3, "again");
        var second = await RunAsync(set, 2, first.Saved);
        Assert.Equal(["a-0", "a-1"], KeysOf(second));
        var third = await RunAsync(set, 2, second.Saved);
        Assert.Equal(["b-0", "b-1"], KeysOf(third));
        Assert.NotNull(third.Partitions.Single(p => p.Id.Value == "job:b/").StartsOverBecause);
        Assert.Equal(["b-2"], KeysOf(await RunAsync(set, 2, third.Saved)));
    }

    [Fact]
    public async Task From_every_boundary_of_a_limited_run_the_rest_is_read()
    {
        await using var set = await SetAsync(s3: false);
        await PutAsync(set, "a", 3, lines: 2000);
        await PutAsync(set, "b", 2, lines: 2000);
        var first = await RunAsync(set, 2);
        Assert.Equal(4000, first.Records.Count());
        Assert.True(first.Batches.Count > 6);
        foreach (var batch in first.Batches)
        {
            var saved = new Dictionary<PartitionId, Position> { [batch.Partition] = batch.End };
            var keys = first.Batches.TakeWhile(b => b != batch).Append(batch).SelectMany(b => b.Records).Select(r => r.Key).ToList();
            for (var more = 1; more > 0;)
            {
                var reading = await RunAsync(set, 2, saved);
                more = reading.Records.Count();
                Assert.All(reading.Partitions, p => Assert.Null(p.StartsOverBecause));
                keys.AddRange(KeysOf(reading));
                saved = new Dictionary<PartitionId, Position>(reading.Saved);
            }

            Assert.Equal(10_000, keys.Count);
            Assert.Equal(10_000, keys.Distinct().Count());
        }
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Through_the_engine_run_after_run_copies_everything_once(bool s3)
    {
        await using var set = await SetAsync(s3);
        await PutAsync(set, "a", 3, lines: 100);
        await PutAsync(set, "b", 4, lines: 100);
        using var state = new TemporaryFolder();
        var sink = new MemorySink();
        foreach (var files in (int[])[3, 3, 1, 0])
        {
            await using var source = set.Open(Small, set.Options with { MaxFiles = 3 });
            var result = await EngineRun.CopyAsync(source, sink, state.Path, Ct);
            Assert.Equal((RunOutcome.Done, files * 100), (result.Outcome, result.Account.Read));
        }

        Assert.Equal(700, sink.Documents.Count);
    }

    [Fact]
    public async Task Later_passes_of_a_run_take_what_is_left_of_its_files()
    {
        await using var set = await SetAsync(s3: false);
        await PutAsync(set, "a", 3);
        await PutAsync(set, "b", 4);
        await using var source = set.Open(Small, set.Options with { MaxFiles = 3 });

        // A file is another one by the time that it is read, which takes one more pass.
        var part = Assert.Single(await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct));
        await set.WriteAsync("a/part-00002", "a-2\tother\n", Ct);
        var (read, end) = (0, part.Start);
        await foreach (var batch in source.ReadAsync(part, part.Start, Ct))
        {
            (read, end) = (read + batch.Count, batch.End);
            batch.Dispose();
        }

        Assert.Equal((2, true), (read, source.SnapshotContinues));
        var saved = new Dictionary<PartitionId, Position> { [part.Id] = end };
        var later = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1, saved) with { IsLater = true }, Ct);
        Assert.Equal(["a-2"], KeysOf(later));
        var last = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Changes, 1, later.Saved) with { IsLater = true }, Ct);
        Assert.Empty(last.Records);
        Assert.Equal(["b-0", "b-1", "b-2"], KeysOf(await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Changes, 1, last.Saved), Ct)));
    }

    [Fact]
    public async Task A_single_run_that_ends_an_interrupted_snapshot_takes_no_more_than_any_other()
    {
        await using var set = await SetAsync(s3: false);
        await set.WriteAsync("a/part-00000", string.Concat(Enumerable.Range(0, 100).Select(i => $"a-0-{i}\t1\n")) + "\tno key\n", Ct);
        await PutAsync(set, "a", 3, lines: 100);
        await PutAsync(set, "b", 4, lines: 100);
        using var state = new TemporaryFolder();
        var sink = new MemorySink();
        await using (var source = set.Open(Small, set.Options with { MaxFiles = 3 }))
        {
            var broken = await EngineRun.CopyAsync(source, sink, state.Path, Ct, setup => setup with { MaxDeadLetters = 0 });
            Assert.Equal(RunOutcome.Failed, broken.Outcome);
        }

        var keys = sink.Documents.Count;
        await using (var source = set.Open(Small, set.Options with { MaxFiles = 3 }))
        {
            var result = await EngineRun.CopyAsync(source, sink, state.Path, Ct, setup => setup with { Mode = EsPipeline.Core.Engine.PipelineMode.Single });
            Assert.Equal(RunOutcome.DoneWithDeadLetters, result.Outcome);
        }

        Assert.InRange(keys, 0, 100);
        Assert.Equal(300, sink.Documents.Count);
    }

    [Fact]
    public async Task What_only_looks_sees_everything()
    {
        await using var set = await SetAsync(s3: false);
        await PutAsync(set, "a", 3);
        await using var source = set.Open(Small, set.Options with { MaxFiles = 1 });
        var reading = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1) with { LooksOnly = true }, Ct);
        Assert.Equal(["a-0", "a-1", "a-2"], KeysOf(reading));
    }

    private static IEnumerable<string> KeysOf(SourceReading reading) => reading.Records.Select(r => r.Key);

    private static async Task<SourceReading> RunAsync(HadoopDataSet set, int? most, IReadOnlyDictionary<PartitionId, Position>? saved = null)
    {
        await using var source = set.Open(Small, set.Options with { MaxFiles = most });
        return await SourceReader.ReadAsync(source, SourceReader.Plan(set, saved is null ? ReadKind.Snapshot : ReadKind.Changes, 1, saved), Ct);
    }

    // Files that are there already stay as they are, down to their time of change, unless their value is another one.
    private static async Task PutAsync(HadoopDataSet set, string job, int files, string value = "1", int lines = 1)
    {
        for (var file = 0; file < files; file++)
        {
            var path = $"{job}/part-{file:00000}";
            if (set is FolderDataSet folder && value == "1" && File.Exists(Path.Combine(folder.Root, path))) continue;
            await set.WriteAsync(path, string.Concat(Enumerable.Range(0, lines).Select(i => $"{job}-{file}{(lines == 1 ? "" : $"-{i}")}\t{value}\n")), Ct);
        }

        await set.WriteAsync(job + "/_SUCCESS", "", Ct);
    }

    private async Task<HadoopDataSet> SetAsync(bool s3) => s3 ? new KeyValueBucket(await server.NewBucketAsync(Ct)) : new KeyValueFolder();
}
