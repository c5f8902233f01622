using EsPipeline.Conformance;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Tests.Files;

/// <summary>What holds for files in place of the checks that need a server.</summary>
public abstract class FileSinkConformance : ResumableSinkConformance
{
    /// <summary>True where the file can say that a document is gone.</summary>
    protected virtual bool SaysDeletes => false;

    protected override async Task SpoilAsync(SinkTarget target, CancellationToken ct)
    {
        var part = ((FileTarget)target).Part;
        if (File.Exists(part)) await File.WriteAllTextAsync(part, "something else", ct);
        foreach (var beside in Directory.GetFiles(Path.GetDirectoryName(part)!)) File.Delete(beside);
    }

    [Fact(DisplayName = "A mixed slice: a file refuses only what it can't say, deletes in a plain file for example")]
    public override async Task In_a_mixed_slice_exactly_the_bad_records_fail_each_with_its_reason()
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = await OpenAsync(target, kind: ReadKind.Changes);
        await WriteAllAsync(sink, Corpus.Plain(3).ToArray());
        using var deletes = Slices.Deletes("doc-0000000", "doc-0000001");
        var result = await sink.WriteAsync(deletes.Slice(), Ct);
        if (SaysDeletes)
        {
            Assert.Equal(2, result.Written);
        }
        else
        {
            Assert.Equal([0, 1], result.Failures.Select(f => f.Index));
            Assert.All(result.Failures, f => Assert.Equal((FailureKind.Permanent, "file.cannot_delete"), (f.Error.Kind, f.Error.Code)));
        }
    }

    [Fact(DisplayName = "A rehearsal: a file refuses only what it can't say, deletes in a plain file for example")]
    public override async Task A_rehearsal_finds_what_a_write_refuses_and_writes_nothing()
    {
        await using var target = (FileTarget)await CreateAsync(Ct);
        await using var sink = await OpenRehearsalAsync(target);
        using var deletes = Slices.Deletes("doc-0000000", "doc-0000001");
        var failures = (await sink.RehearseAsync(deletes.Slice(), Ct)).Failures;
        Assert.Equal(SaysDeletes ? [] : [0, 1], failures.Select(f => f.Index));
        Assert.All(failures, f => Assert.Equal("file.cannot_delete", f.Error.Code));
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(target.Output)!));
    }

    [Fact(DisplayName = "A record at the limit: a file takes records of any size, 20 MiB for example")]
    public override async Task A_record_at_the_limit_is_taken_and_one_byte_over_is_refused_for_good()
    {
        var large = Corpus.OfBytes("large", 20 << 20);
        await using var target = await CreateAsync(Ct);
        await using (var sink = await OpenAsync(target))
        {
            using var batch = Slices.Of(large);
            Assert.Equal(1, (await sink.WriteAsync(batch.Slice(), Ct)).Written);
            await FinishAsync(sink);
        }

        ContentAssert.Same([target.Expected(large)], await target.ReadAllAsync(Ct));
    }

    [Fact(DisplayName = "Concurrent writes: a file has one writer, which is what it asks for")]
    public override async Task Concurrent_writes_of_disjoint_slices_are_safe()
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = target.Open(new SinkKnobs());
        Assert.Equal((1, 1), (sink.Limits.Concurrency, sink.Limits.StartConcurrency));
    }

    [Fact(DisplayName = "Throttling: a file never asks to wait; its limits hold no rate")]
    public override async Task Throttling_is_transient_and_keeps_the_servers_delay()
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = target.Open(new SinkKnobs());
        Assert.Null(sink.Limits.Ramp);
    }

    [Fact(DisplayName = "A schema: a JSON Lines file has none, and takes documents of every shape side by side")]
    public override Task A_document_that_the_schema_refuses_is_permanent() => What_was_written_reads_back_equal();

    [Fact(DisplayName = "A wrong password: a file has none; a folder in the file's place is for a person to mend")]
    public override async Task A_wrong_password_is_for_a_person_to_mend()
    {
        await using var target = (FileTarget)await CreateAsync(Ct);
        Directory.CreateDirectory(target.Output);
        await using var sink = target.Open(new SinkKnobs());
        Assert.Equal(FailureKind.Environment, (await sink.CheckAsync(Ct)).Problem?.Kind);
    }

    [Fact(DisplayName = "A missing target: a file is made; a folder that is missing is for a person to mend")]
    public override async Task A_missing_target_is_for_a_person_to_mend()
    {
        await using var target = (FileTarget)await CreateAsync(Ct);
        Directory.Delete(Path.GetDirectoryName(target.Output)!);
        await using var sink = (IResumableSink)target.Open(new SinkKnobs());
        Assert.Equal(FailureKind.Environment, (await sink.CheckAsync(Ct)).Problem?.Kind);
        Assert.Equal(FailureKind.Environment, (await Assert.ThrowsAsync<PipelineException>(() => sink.RestoreAsync(null, Ct))).Kind);
    }

    [Fact(DisplayName = "A full disk is for a person to mend, and writing goes on where it stopped once there is room")]
    public override async Task A_full_disk_is_for_a_person_to_mend()
    {
        using var disk = SmallDisk.Mount(1 << 20);
        await using var target = (FileTarget)await CreateAsync(Ct);
        Document[] documents = [.. Corpus.Plain(20_000)];
        await using var sink = target.OpenAt(disk.File("output"));
        Assert.True(await ((IResumableSink)sink).RestoreAsync(null, Ct));
        await sink.BeginPassAsync(ReadKind.Snapshot, uniqueKeys: false, Ct);
        await WriteAllAsync(sink, documents[..1000]);
        await disk.FillAsync(Ct);
        using var batch = Slices.Of(documents[1000..]);
        var full = await Assert.ThrowsAsync<PipelineException>(() => sink.WriteAsync(batch.Slice(), Ct));
        Assert.Equal((FailureKind.Environment, "file.unwritable"), (full.Kind, full.Code));
        disk.Empty();
        await WriteAllAsync(sink, documents[1000..2000]);
        await FinishAsync(sink);
        ContentAssert.Same(documents[..2000].Select(target.Expected), await target.ReadAsync(disk.File("output"), Ct));
    }

    [Fact(DisplayName = "A lost answer: a file answers itself; a write that failed half-way is written again in its place")]
    public override Task A_write_whose_answer_is_lost_converges_when_it_is_sent_again() => A_full_disk_is_for_a_person_to_mend();

    [Fact(DisplayName = "A crash of the server: a file has none; what its token stands for is on the disk")]
    public override Task What_was_written_survives_a_crash_of_the_server() => What_was_written_is_there_though_the_sink_is_never_closed();

    [Fact(DisplayName = "Preparing: a file needs none; preparing again leaves a file that is there as it is")]
    public override async Task Preparing_again_changes_nothing()
    {
        await using var target = (FileTarget)await CreateAsync(Ct);
        await File.WriteAllTextAsync(target.Output, "of an earlier run", Ct);
        await using var sink = target.Open(new SinkKnobs());
        await sink.PrepareAsync(target.Schema, Ct);
        await sink.PrepareAsync(target.Schema, Ct);
        Assert.Equal("of an earlier run", await File.ReadAllTextAsync(target.Output, Ct));
        Assert.Single(Directory.GetFiles(Path.GetDirectoryName(target.Output)!));
    }

    [Fact(DisplayName = "What does not fit: a file that is there is replaced as a whole, and only when the new one is complete")]
    public override async Task Preparing_over_what_does_not_fit_says_what_differs()
    {
        await using var target = (FileTarget)await CreateAsync(Ct);
        await File.WriteAllTextAsync(target.Output, "of an earlier run", Ct);
        await using var sink = await OpenAsync(target);
        await WriteAllAsync(sink, Corpus.Plain(10).ToArray());
        Assert.Equal("of an earlier run", await File.ReadAllTextAsync(target.Output, Ct));
        await FinishAsync(sink);
        ContentAssert.Same(Corpus.Plain(10).Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact(DisplayName = "Cancelled during a write: a write to a file never waits; a cancelled one writes nothing")]
    public override async Task Cancelled_during_a_write_it_returns_at_once_and_blocks_nobody()
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = await OpenAsync(target);
        using var cancel = new CancellationTokenSource();
        await cancel.CancelAsync();
        using var batch = Slices.Of(Corpus.Plain(10));
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => sink.WriteAsync(batch.Slice(), cancel.Token));
        await WriteAllAsync(sink, Corpus.Plain(5).ToArray());
        await FinishAsync(sink);
        ContentAssert.Same(Corpus.Plain(5).Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact(DisplayName = "A silent server: a file has none; a check of a file that can be written finds nothing and leaves nothing")]
    public override async Task A_server_that_falls_silent_is_given_up_as_transient()
    {
        await using var target = (FileTarget)await CreateAsync(Ct);
        await using var sink = target.Open(new SinkKnobs());
        Assert.Null((await sink.CheckAsync(Ct)).Problem);
        Assert.Empty(Directory.GetFiles(Path.GetDirectoryName(target.Output)!));
    }

    [Fact(DisplayName = "A check: a file has no server; a name that can't be written is told instead of thrown")]
    public override async Task A_check_tells_problems_within_five_seconds_instead_of_throwing()
    {
        await using var target = (FileTarget)await CreateAsync(Ct);
        await using var sink = target.OpenAt(Path.Combine(target.Output, "no", "such", "folder"));
        Assert.Equal("file.unwritable", (await sink.CheckAsync(Ct)).Problem?.Code);
    }

    /// <summary>In a pass over changes every record is written, so that the last line of a key is the newest.</summary>
    protected async Task UpdatesStandInOrderAsync()
    {
        await using var target = await CreateAsync(Ct);
        await using (var sink = await OpenAsync(target, kind: ReadKind.Changes))
        {
            await WriteAllAsync(sink, Corpus.Plain(30).ToArray());
            await WriteAllAsync(sink, Corpus.Plain(20, seed: 2).ToArray());
            await WriteAllAsync(sink, Corpus.Plain(10, seed: 3).ToArray());
            await FinishAsync(sink);
        }

        Document[] newest = [.. Corpus.Plain(10, seed: 3), .. Corpus.Plain(20, seed: 2).Skip(10), .. Corpus.Plain(30).Skip(20)];
        ContentAssert.Same(newest.Select(target.Expected), await target.ReadAllAsync(Ct));
    }
}

/// <summary>The sink <c>file</c>.</summary>
public sealed class EnvelopeSinkConformance : FileSinkConformance
{
    protected override bool SaysDeletes => true;

    protected override Task<SinkTarget> CreateAsync(CancellationToken ct) => Task.FromResult<SinkTarget>(new EnvelopeTarget());
}

/// <summary>The sink <c>jsonl</c>.</summary>
public sealed class JsonLinesSinkConformance : FileSinkConformance
{
    protected override Task<SinkTarget> CreateAsync(CancellationToken ct) => Task.FromResult<SinkTarget>(new JsonLinesTarget());

    [Fact(DisplayName = "Updates and deletes: a line of a plain file can't say that a document was deleted; updates stand in order")]
    public override Task An_update_then_a_delete_and_a_delete_then_an_insert_end_as_ordered() => UpdatesStandInOrderAsync();
}

/// <summary>The sink <c>csv</c>.</summary>
public sealed class CsvSinkConformance : FileSinkConformance
{
    protected override Task<SinkTarget> CreateAsync(CancellationToken ct) => Task.FromResult<SinkTarget>(new CsvTarget());

    [Fact(DisplayName = "Updates and deletes: a row of a plain file can't say that a document was deleted; updates stand in order")]
    public override Task An_update_then_a_delete_and_a_delete_then_an_insert_end_as_ordered() => UpdatesStandInOrderAsync();
}
