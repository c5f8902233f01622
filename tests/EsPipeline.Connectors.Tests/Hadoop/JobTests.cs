using EsPipeline.Conformance;
using EsPipeline.Connectors.Files;
using EsPipeline.Connectors.Hadoop;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Hadoop;

/// <summary>Which files of which jobs are read, and when again: the same on S3 and in a folder.</summary>
[Collection(S3CollectionDefinition.Name)]
public sealed class JobTests(S3Server server)
{
    private static readonly SourceKnobs Small = new() { PageSize = 20 };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Only_finished_jobs_are_read_and_nothing_hidden(bool s3)
    {
        await using var set = await SetAsync(s3);
        await set.WriteAsync("a/_SUCCESS", "", Ct);
        await set.WriteAsync("a/part-00000", "a0\t1\n", Ct);
        await set.WriteAsync("a/part-00001", "", Ct);
        await set.WriteAsync("a/day=1/part-00000", "a-day\t1\n", Ct);
        await set.WriteAsync("a/.part-00000.crc", "crc\t1\n", Ct);
        await set.WriteAsync("a/_logs/history", "log\t1\n", Ct);
        await set.WriteAsync("a/_temporary/0/part-00009", "temporary\t1\n", Ct);
        await set.WriteAsync("a/_temporary/0/_SUCCESS", "", Ct);
        await set.WriteAsync("a/.staging/_SUCCESS", "", Ct);
        await set.WriteAsync("a/.staging/part-00000", "staging\t1\n", Ct);
        await set.WriteAsync("unfinished/part-00000", "unfinished\t1\n", Ct);
        await set.WriteAsync("b/c/part-00000", "b-c\t1\n", Ct);
        await set.WriteAsync("b/c/_SUCCESS", "", Ct);
        await set.WriteAsync("loose", "loose\t1\n", Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 4, Ct);
        Assert.Equal(["a-day", "a0", "b-c"], reading.Records.Select(r => r.Key));
        Assert.Equal(["job:a/", "job:b/c/"], reading.Partitions.Select(p => p.Id.Value));

        await using var all = set.Open(new SourceKnobs(), set.Options with { RequireSuccess = false });
        var everything = await SourceReader.ReadAsync(all, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
        Assert.Equal(["loose", "a-day", "a0", "b-c", "unfinished"], everything.Records.Select(r => r.Key));
    }

    [Fact]
    public async Task Folders_that_hold_a_column_in_their_names_are_told_once()
    {
        await using var set = await SetAsync(s3: false);
        await set.WriteAsync("a/_SUCCESS", "", Ct);
        await set.WriteAsync("a/part-00000", "a0\t1\n", Ct);
        var log = new Elasticsearch.ListLog<HadoopSource>();
        await using var source = set.Open(new SourceKnobs(), set.Options, log);
        await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
        Assert.Empty(log.Lines);
        await set.WriteAsync("a/dt=2024-01-01/part-00000", "a0\t2\n", Ct);
        for (var look = 0; look < 2; look++) await source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
        Assert.StartsWith("Folders such as a/dt=2024-01-01 hold a column in their names", Assert.Single(log.Lines), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_link_to_a_file_is_read_one_to_a_folder_is_told_of_and_one_that_leads_nowhere_is_an_error()
    {
        using var folder = new TemporaryFolder();
        var job = Directory.CreateDirectory(folder.File("job")).FullName;
        await File.WriteAllTextAsync(folder.File("elsewhere"), "linked\t1\n", Ct);
        await File.WriteAllTextAsync(Path.Combine(job, "_SUCCESS"), "", Ct);
        await File.WriteAllTextAsync(Path.Combine(job, "part-00000"), "own\t1\n", Ct);
        File.CreateSymbolicLink(Path.Combine(job, "part-00001"), folder.File("elsewhere"));
        File.CreateSymbolicLink(Path.Combine(job, "circle"), folder.Path);
        File.CreateSymbolicLink(Path.Combine(job, ".lock"), folder.File("missing"));
        await using var source = new HadoopSource(new HadoopOptions { Path = job, Format = HadoopFormat.KeyValue }, TimeProvider.System, NullLogger<HadoopSource>.Instance);
        Assert.Contains(Path.Combine(job, "circle"), Assert.Single((await source.CheckAsync(Ct)).Warnings), StringComparison.Ordinal);
        var plan = new ReadPlan(ReadKind.Snapshot, Selection.Everything, 1, new Dictionary<PartitionId, Position>());
        Assert.Equal(["own", "linked"], (await SourceReader.ReadAsync(source, plan, Ct)).Records.Select(r => r.Key));

        File.CreateSymbolicLink(Path.Combine(job, "part-00002"), folder.File("missing"));
        var error = await Assert.ThrowsAsync<PipelineException>(() => SourceReader.ReadAsync(source, plan, Ct));
        Assert.Equal(HadoopErrors.BrokenLink, error.Error);
        Assert.Contains("part-00002", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Files_are_read_in_the_order_of_their_bytes(bool s3)
    {
        await using var set = await SetAsync(s3);
        string[] names = ["B", "a", "a b", "a%2Fb", "a+b", "a-1", "part-00002", "part-1", "part-10", "part-2", "ü", "\uFFE5", "😀"];
        foreach (var name in names.Reverse()) await set.WriteAsync("job/" + name, name + "\t1\n", Ct);
        await set.WriteAsync("job/_SUCCESS", "", Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 4, Ct);
        Assert.Equal(names, reading.Records.Select(r => r.Key));

        await using var some = set.Open(new SourceKnobs(), set.Options with { MaxFiles = 4 });
        var first = await SourceReader.ReadAsync(some, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
        Assert.Equal(names.Take(4), first.Records.Select(r => r.Key));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task Jobs_that_were_read_take_16_bytes_and_are_read_again_only_when_they_were_run_again(bool s3)
    {
        const int jobs = 400;
        await using var set = await SetAsync(s3);
        for (var i = 0; i < jobs; i++)
        {
            await set.WriteAsync($"job-{i:0000}/part-00000", $"key-{i}\t1\n", Ct);
            await set.WriteAsync($"job-{i:0000}/_SUCCESS", "", Ct);
        }

        var first = await SourceReader.ReadSnapshotAsync(set, new SourceKnobs(), 1, Ct);
        Assert.Equal(jobs, first.Records.Count());
        var second = await SourceReader.ReadChangesAsync(set, first.Saved, Ct);
        Assert.Empty(second.Records);
        Assert.Equal(3, second.Partitions.Count);
        Assert.True(second.Saved.Sum(p => p.Key.Value.Length + p.Value.Value.Length) < jobs * 24);

        await set.WriteAsync("job-0007/part-00000", "key-7\t22\n", Ct);
        await set.RemoveAsync("job-0008/_SUCCESS", Ct);
        await set.WriteAsync("new/part-00000", "new\t1\n", Ct);
        await set.WriteAsync("new/_SUCCESS", "", Ct);
        var third = await SourceReader.ReadChangesAsync(set, second.Saved, Ct);
        Assert.Equal(["key-7", "new"], third.Records.Select(r => r.Key));
        Assert.NotNull(third.Partitions.Single(p => p.Id.Value == "job:job-0007/").StartsOverBecause);

        // The one whose _SUCCESS was gone is finished again, as it was.
        await set.WriteAsync("job-0008/_SUCCESS", "", Ct);
        var fourth = await SourceReader.ReadChangesAsync(set, third.Saved, Ct);
        Assert.Empty(fourth.Records);
        Assert.All(fourth.Partitions, p => Assert.StartsWith("ledger:", p.Id.Value, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_job_that_is_run_again_while_it_is_read_is_read_again_in_the_same_snapshot(bool s3)
    {
        await using var set = await SetAsync(s3);
        await PutAsync(set, 1);
        await using var source = set.Open(Small, set.Options);
        var first = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct, new ReadHooks
        {
            OnBatch = async batch =>
            {
                if (batch == 2) await PutAsync(set, 2);
            },
        });
        Assert.True(source.SnapshotContinues);
        var second = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1, first.Saved), Ct);
        Assert.False(source.SnapshotContinues);
        Assert.NotNull(Assert.Single(second.Partitions).StartsOverBecause);
        Assert.Equal(3000, second.Records.Count());
        Assert.All(second.Apply(first.Apply()).Values, json => Assert.Contains("\"value\":\"2\"", json, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Through_the_engine_a_job_run_again_replaces_and_nothing_doubles()
    {
        await using var set = await SetAsync(s3: true);
        await PutAsync(set, 1);
        using var state = new TemporaryFolder();
        var sink = new MemorySink();
        await using (var source = set.Open(Small, set.Options))
        {
            Assert.Equal(3000, (await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Account.Read);
        }

        await using (var source = set.Open(Small, set.Options))
        {
            Assert.Equal(0, (await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Account.Read);
        }

        await PutAsync(set, 2);
        await using (var source = set.Open(Small, set.Options))
        {
            Assert.Equal(3000, (await EngineRun.CopyAsync(source, sink, state.Path, Ct)).Account.Read);
        }

        Assert.Equal(3000, sink.Documents.Count);
        Assert.All(sink.Documents.Values, json => Assert.Contains("\"value\":\"2\"", json, StringComparison.Ordinal));
    }

    [Fact]
    public async Task A_file_that_can_not_replace_is_written_anew_and_whole_when_a_job_was_run_again()
    {
        await using var set = await SetAsync(s3: false);
        using var folder = new TemporaryFolder();
        var output = folder.File("out.jsonl");
        foreach (var value in (int[])[1, 2])
        {
            await PutAsync(set, value);
            await using var source = set.Open(Small, set.Options);
            await using var sink = new JsonLinesSink(new OutputFileOptions { File = output }, TimeProvider.System, NullLogger<JsonLinesSink>.Instance);
            var result = await EngineRun.CopyAsync(source, sink, folder.Path, Ct);
            Assert.Equal((RunOutcome.Done, 3000), (result.Outcome, result.Account.Written));
            Assert.Equal(3000, (await File.ReadAllLinesAsync(output, Ct)).Count(l => l.Contains($"\"value\":\"{value}\"", StringComparison.Ordinal)));
        }
    }

    [Fact]
    public async Task Hostile_keys_are_names_and_nothing_else()
    {
        await using var set = await SetAsync(s3: true);
        await set.WriteAsync("../../x", "climbs\t1\n", Ct);
        await set.WriteAsync("job/../../../etc/passwd", "climbs\t1\n", Ct);
        await set.WriteAsync("job//double", "double\t1\n", Ct);
        await set.WriteAsync("job/\u001b[31mred\tname:%2e%2e", "no tab", Ct);
        await set.WriteAsync("job/_SUCCESS", "", Ct);
        await set.WriteAsync("job/", "", Ct);
        var reading = await SourceReader.ReadSnapshotAsync(set, Small, 1, Ct);
        Assert.Equal(["no tab", "double"], reading.Records.Select(r => r.Key));
        foreach (var batch in reading.Batches) Assert.DoesNotContain(batch.End.Value, char.IsControl);

        // Every boundary can be gone on from, whatever the names are.
        foreach (var batch in reading.Batches)
        {
            var saved = new Dictionary<PartitionId, Position> { [batch.Partition] = batch.End };
            await SourceReader.ReadSnapshotAsync(set, Small, 1, Ct, saved);
        }
    }

    [Fact]
    public async Task A_prefix_may_end_within_a_name()
    {
        await using var set = (S3DataSet)await SetAsync(s3: true);
        foreach (var job in (string[])["out/2024-01", "out/2024-02", "out/2025-01"])
        {
            await set.WriteAsync(job + "/part-00000", job + "\t1\n", Ct);
            await set.WriteAsync(job + "/_SUCCESS", "", Ct);
        }

        await using var source = set.Open(Small, set.Options with { Prefix = "out/2024-" });
        var reading = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
        Assert.Equal(["out/2024-01", "out/2024-02"], reading.Records.Select(r => r.Key));
    }

    [Theory]
    [InlineData(HadoopFormat.Csv, "id,name\n1,one\n2,two\n", """{"id":"1","name":"one"}""")]
    [InlineData(HadoopFormat.Jsonl, "{\"id\":1,\"name\":\"one\"}\n{\"id\":\"2\"}\n", """{"id":1,"name":"one"}""")]
    public async Task Csv_and_json_lines_are_read_as_the_file_sources_read_them(HadoopFormat format, string content, string first)
    {
        await using var set = await SetAsync(s3: false);
        await set.WriteAsync("job/part-00000", content, Ct);
        await set.WriteAsync("job/part-00001", content.Replace('2', '3'), Ct);
        await set.WriteAsync("job/_SUCCESS", "", Ct);
        await using var source = set.Open(Small, set.Options with { Format = format });
        var reading = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
        Assert.Equal(["1", "2", "1", "3"], reading.Records.Select(r => r.Key));
        Assert.Equal(first, reading.Records.First().Json);

        await using var byLine = set.Open(Small, set.Options with { Format = format, IdField = "@line" });
        reading = await SourceReader.ReadAsync(byLine, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
        ContentAssert.Unique(reading.Records);
    }

    [Fact]
    public async Task A_csv_file_is_resumed_with_the_columns_of_its_header()
    {
        await using var set = await SetAsync(s3: false);
        await set.WriteAsync("job/part-00000", "id,name\n" + string.Concat(Enumerable.Range(0, 2000).Select(i => $"{i},name {i}\n")), Ct);
        await set.WriteAsync("job/_SUCCESS", "", Ct);
        var options = set.Options with { Format = HadoopFormat.Csv };
        await using var source = set.Open(Small, options);
        var whole = await SourceReader.ReadAsync(source, SourceReader.Plan(set, ReadKind.Snapshot, 1), Ct);
        var middle = whole.Batches[whole.Batches.Count / 2];
        await using var again = set.Open(Small, options);
        var saved = new Dictionary<PartitionId, Position> { [middle.Partition] = middle.End };
        var rest = await SourceReader.ReadAsync(again, SourceReader.Plan(set, ReadKind.Snapshot, 1, saved), Ct);
        Assert.Equal(whole.Records.TakeLast(rest.Records.Count()), rest.Records);
        Assert.InRange(rest.Records.Count(), 500, 1500);
    }

    [Fact]
    public async Task A_damaged_ledger_is_refused()
    {
        await using var set = await SetAsync(s3: false);
        await using var source = set.Open(Small, set.Options);
        var saved = new Dictionary<PartitionId, Position> { [new PartitionId("ledger:000000:00")] = new("hadoop1:ledger:AAAA") };
        var refused = await Assert.ThrowsAsync<PipelineException>(() => source.GetPartitionsAsync(SourceReader.Plan(set, ReadKind.Changes, 1, saved), Ct));
        Assert.Equal("checkpoint.bad_position", refused.Code);
    }

    private static async Task PutAsync(HadoopDataSet set, int value)
    {
        for (var part = 0; part < 3; part++)
        {
            await set.WriteAsync($"job/part-{part:00000}", string.Concat(Enumerable.Range(part * 1000, 1000).Select(i => $"key number {i}\t{value}\n")), Ct);
        }

        await set.WriteAsync("job/_SUCCESS", "", Ct);
    }

    private async Task<HadoopDataSet> SetAsync(bool s3) => s3 ? new KeyValueBucket(await server.NewBucketAsync(Ct)) : new KeyValueFolder();
}
