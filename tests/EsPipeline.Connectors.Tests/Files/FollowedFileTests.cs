using System.Text;
using EsPipeline.Connectors.Files;
using EsPipeline.Core.Configuration;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sources;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>Files that somebody is writing while they are read.</summary>
public sealed class FollowedFileTests : IDisposable
{
    private readonly Conformance.TemporaryFolder _folder = new();
    private readonly FileClock _clock = new();
    private readonly Elasticsearch.ListLog<JsonLinesSource> _log = new();
    private readonly Dictionary<PartitionId, Position> _saved = [];

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    private string Input => _folder.File("in");

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task A_line_that_is_being_written_is_left_until_it_is_whole()
    {
        Write("{\"id\":1}\n{\"id\":2");
        Assert.Equal(["1"], await ReadAsync(RunMode.Continuous));
        Write("{\"id\":1}\n{\"id\":22}\n");
        Assert.Equal(["22"], await ReadAsync(RunMode.Continuous));
        Assert.Empty(await ReadAsync(RunMode.Continuous));
        Assert.Equal(0, _clock.Waits);
    }

    [Fact]
    public async Task A_last_line_without_an_end_is_a_record_once_the_file_is_left_alone()
    {
        Write("{\"id\":1}\n{\"id\":2}");
        Assert.Equal(["1"], await ReadAsync(RunMode.Continuous));
        _clock.Now += InputFile.SettlingTime;
        Assert.Equal(["2"], await ReadAsync(RunMode.Continuous));
        Assert.Empty(await ReadAsync(RunMode.Continuous));
    }

    [Fact]
    public async Task A_run_that_ends_waits_once_for_the_rest_of_a_line()
    {
        Write("{\"id\":1}\n{\"id\":2");
        _clock.OnWait = () => Write("{\"id\":1}\n{\"id\":22}\n{\"id\":3}\n");
        Assert.Equal(["1", "22", "3"], await ReadAsync(RunMode.FullSync));
        Assert.Equal(1, _clock.Waits);
        Assert.Empty(await ReadAsync(RunMode.FullSync));
    }

    [Fact]
    public async Task A_run_that_ends_takes_the_last_line_of_a_file_that_nobody_writes_to()
    {
        Write("{\"id\":1}\n{\"id\":2}");
        Assert.Equal(["1", "2"], await ReadAsync(RunMode.FullSync));
        Assert.Equal(1, _clock.Waits);
    }

    [Fact]
    public async Task What_is_still_being_written_then_is_told_and_is_the_next_runs()
    {
        Write("{\"id\":1}\n{\"id\":2");
        _clock.OnWait = () => Write("{\"id\":1}\n{\"id\":22");
        Assert.Equal(["1"], await ReadAsync(RunMode.Single));
        Assert.Contains("its last line, number 2, has no end", Assert.Single(_log.Lines), StringComparison.Ordinal);
        Write("{\"id\":1}\n{\"id\":222}\n");
        Assert.Equal(["222"], await ReadAsync(RunMode.Single));
    }

    [Fact]
    public async Task A_clock_far_from_that_of_the_files_holds_nothing_back()
    {
        Write("{\"id\":1}");
        File.SetLastWriteTimeUtc(Input, _clock.Now.UtcDateTime.AddHours(1));
        Assert.Equal(["1"], await ReadAsync(RunMode.FullSync));
        Assert.Equal(0, _clock.Waits);
    }

    [Theory]
    [InlineData("\n")]
    [InlineData("\r\n")]
    public async Task A_line_end_that_comes_later_does_not_count_as_a_line_of_its_own(string end)
    {
        Write("{\"a\":1}" + end + "{\"a\":2}");
        _clock.Now += InputFile.SettlingTime;
        Assert.Equal(["in:1", "in:2"], await ReadAsync(RunMode.Continuous, "@line"));
        Write("{\"a\":1}" + end + "{\"a\":2}" + end + "{\"a\":3}" + end);
        Assert.Equal(["in:3"], await ReadAsync(RunMode.Continuous, "@line"));
        Write("{\"a\":1}" + end + "{\"a\":2}" + end + "{\"a\":3}" + end + end + "{\"a\":5}" + end);
        Assert.Equal(["in:5"], await ReadAsync(RunMode.Continuous, "@line"));
    }

    [Fact]
    public async Task The_second_half_of_a_line_end_does_not_count_either()
    {
        _clock.Now += InputFile.SettlingTime + InputFile.SettlingTime;
        File.WriteAllText(Input, "a\r\n1\r");
        Assert.Equal(["in:2"], await ReadCsvAsync());
        File.WriteAllText(Input, "a\r\n1\r\n2\r\n");
        Assert.Equal(["in:3"], await ReadCsvAsync());
    }

    [Fact]
    public async Task A_file_that_is_replaced_after_it_was_planned_is_planned_anew()
    {
        Write("{\"id\":1}\n{\"id\":2}\n");
        await ReadAsync(RunMode.Continuous);
        await using var source = Source(RunMode.Continuous, "id");
        var partition = (await PlanAsync(source))[0];
        Assert.Null(partition.StartsOverBecause);
        File.Delete(Input);
        Write("{\"id\":3}\n{\"id\":4}\n{\"id\":5}\n");
        var error = await Assert.ThrowsAsync<PipelineException>(async () => await source.ReadAsync(partition, _saved[partition.Id], Ct).GetAsyncEnumerator(Ct).MoveNextAsync());
        Assert.Equal((FilesErrors.Changed, true), (error.Error, error.Error.PlansAnew));
        Assert.Contains("after line 2 is not copied", (await PlanAsync(source))[0].StartsOverBecause, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_is_behind_a_link_is_looked_at_and_not_the_link()
    {
        var real = _folder.File("real");
        File.CreateSymbolicLink(Input, real);
        File.WriteAllText(real, "{\"id\":1}\n{\"id\":2");
        File.SetLastWriteTimeUtc(real, _clock.Now.UtcDateTime);
        _clock.Now += InputFile.SettlingTime / 2;
        Assert.Equal(["1"], await ReadAsync(RunMode.Continuous));
        var file = new InputFile(Input);
        Assert.Equal((new FileInfo(real).Length, File.GetLastWriteTimeUtc(real).Ticks), (file.Length, file.Modified));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_was_written_to_a_file_before_it_was_rotated_is_copied_before_what_its_successor_holds(bool removed)
    {
        Assert.SkipUnless(OperatingSystem.IsLinux(), "An open file can be opened once more only on Linux.");
        var lines = new JsonLinesOptions { Files = [Input] };
        await using var source = new JsonLinesSource(
            lines, _clock, _log, new ConnectorOptions(lines, new EsPipeline.Connectors.MySql.MySqlSinkOptions()), new RunOptions { Mode = RunMode.Continuous });
        Write("{\"id\":1}\n");
        Assert.Equal(["1"], await LookAsync(source));
        Write("{\"id\":1}\n{\"id\":2}\n");
        File.Move(Input, _folder.File("rotated"));
        if (removed)
        {
            using var old = new FileStream(_folder.File("rotated"), FileMode.Append, FileAccess.Write, FileShare.ReadWrite | FileShare.Delete);
            File.Delete(_folder.File("rotated"));
            Write("{\"id\":8}\n");
            old.Write("{\"id\":3}\n"u8);
            old.Flush();
            Assert.Equal(["2", "3", "8"], await LookAsync(source));
            old.Write("{\"id\":4}\n"u8);
            old.Flush();
            Assert.Equal(["4", "8"], await LookAsync(source));
        }
        else
        {
            Write("{\"id\":8}\n");
            Assert.Equal(["2", "8"], await LookAsync(source));
        }

        Assert.Empty(await LookAsync(source));
        Write("{\"id\":8}\n{\"id\":9}\n");
        Assert.Equal(["9"], await LookAsync(source));
        Assert.Equal([new PartitionId(Input)], (await PlanAsync(source)).Select(p => p.Id));
    }

    // One look of a source that goes on: all partitions of its plan, which replaces what was saved of others.
    private async Task<List<string>> LookAsync(FileSource source)
    {
        var keys = new List<string>();
        var partitions = await PlanAsync(source);
        foreach (var id in _saved.Keys.Except(partitions.Select(p => p.Id)).ToArray()) _saved.Remove(id);
        foreach (var partition in partitions)
        {
            var after = partition.StartsOverBecause is null ? _saved.GetValueOrDefault(partition.Id, partition.Start) : partition.Start;
            await foreach (var batch in source.ReadAsync(partition, after, Ct))
            {
                using (batch) keys.AddRange(batch.Records.ToArray().Select(r => Encoding.UTF8.GetString(r.Key.Span)));
                _saved[partition.Id] = batch.End;
            }
        }

        return keys;
    }

    private void Write(string text)
    {
        File.WriteAllText(Input, text);
        File.SetLastWriteTimeUtc(Input, _clock.Now.UtcDateTime);
    }

    private JsonLinesSource Source(RunMode mode, string id) =>
        new(new JsonLinesOptions { Files = [Input], IdField = id }, _clock, _log, run: new RunOptions { Mode = mode });

    private Task<IReadOnlyList<Partition>> PlanAsync(FileSource source) =>
        source.GetPartitionsAsync(new ReadPlan(ReadKind.Changes, Selection.Everything, 1, _saved), Ct);

    private async Task<List<string>> ReadAsync(RunMode mode, string id = "id")
    {
        await using var source = Source(mode, id);
        return await KeysAsync(source);
    }

    private async Task<List<string>> ReadCsvAsync()
    {
        await using var source = new CsvSource(new CsvOptions { Files = [Input], IdColumn = "@line" }, _clock, NullLogger<CsvSource>.Instance);
        return await KeysAsync(source);
    }

    // What is new, as in a process of its own each time.
    private async Task<List<string>> KeysAsync(FileSource source)
    {
        var partition = Assert.Single(await PlanAsync(source));
        Assert.Null(partition.StartsOverBecause);
        var keys = new List<string>();
        await foreach (var batch in source.ReadAsync(partition, _saved.GetValueOrDefault(partition.Id, partition.Start), Ct))
        {
            using (batch)
            {
                Assert.Empty(batch.Malformed);
                foreach (ref readonly var record in batch.Records.Span) keys.Add(Encoding.UTF8.GetString(record.Key.Span));
                _saved[partition.Id] = batch.End;
            }
        }

        return keys;
    }
}
