using EsPipeline.Core.Checkpoints;
using EsPipeline.Core.DeadLetters;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using EsPipeline.Core.Tests.Checkpoints;
using EsPipeline.Core.Tests.Engine;
using EsPipeline.Core.Verification;

namespace EsPipeline.Core.Tests.Verification;

public sealed partial class VerifierTests : IDisposable
{
    private readonly TestJob _job = new();
    private readonly ComparableSink _sink = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task Comparing_reads_everything_writes_nothing_and_leaves_no_state()
    {
        var documents = Documents(300);
        await _sink.HoldAsync(documents);
        var source = new TestSource(documents[..200], documents[200..]);
        var result = await VerifyAsync(source);
        Assert.True(result.IsClean);
        Assert.Equal((300, 300, 300, (long?)null), (result.Read, result.There, result.Equal, result.Settled));
        Assert.All(source.Plans, p => Assert.True(p.LooksOnly));
        Assert.Equal(["check"], _sink.Calls);
        Assert.False(Directory.Exists(_job.Folder));
    }

    [Fact]
    public async Task What_changes_at_the_source_between_the_two_ends_is_looked_at_again_and_not_told()
    {
        var documents = Documents(50);
        await _sink.HoldAsync(documents);
        var source = new TestSource(documents);
        var looks = 0;

        // A run copies three changes after the source was read and before the sink is: an update, an insert and a delete.
        _sink.BeforeReading = () =>
        {
            if (looks++ > 0) return;
            source.Data = [[new Document("k00007", """{"n":"new"}"""), .. documents.Where((_, i) => i is not (7 or 8)), new Document("k99999", "{}")]];
            _sink.HoldAsync(new Document("k00007", """{"n":"new"}"""), new Document("k99999", "{}")).Wait();
            _sink.LoseAsync("k00008").Wait();
        };
        var result = await VerifyAsync(source);
        Assert.True(result.IsClean);
        Assert.Equal((2, (long?)3), (looks, result.Settled));
    }

    [Fact]
    public async Task A_run_that_was_killed_is_not_waited_for()
    {
        var store = new FileStateStore(_job.Folder, _job.Time);
        await using (var state = await store.OpenAsync("job", CancellationToken.None))
        {
            var killed = new RunRecord { Id = "1", Mode = "full-sync", Source = "from", Sink = "to", ProcessId = 1, Host = "host", Started = _job.Time.GetUtcNow() };
            await state.NoteRunAsync(killed with { Updated = _job.Time.GetUtcNow() - TimeSpan.FromMinutes(2) }, CancellationToken.None);
        }

        var result = await VerifyAsync(new TestSource(Documents(3)));
        Assert.Equal((3L, 0), (result.Missing.Count, _job.Log.Count(1016)));
        Assert.Empty(result.Notes);
    }

    [Fact]
    public async Task A_record_that_the_sink_does_not_take_is_told_as_such_and_never_pruned()
    {
        Document[] documents = [.. Documents(5), new("bad-1", """{"a":"bad"}"""), new("bad-2", """{"a":"bad"}""")];

        // What was under this key before it went bad stays.
        await _sink.HoldAsync([.. Documents(5), new Document("bad-2", """{"a":"good"}"""), new Document("extra", "{}")]);
        var result = await VerifyAsync(new TestSource(documents), new VerifyOptions { Repair = true, MaxDeletes = 10 });
        var problem = Assert.Single(result.Unwritable);
        Assert.Equal((TestSink.Refused, 2), (problem.Error, problem.Count));
        Assert.Equal((0, 0, 1), (result.Missing.Count, result.Different.Count, result.Extra!.Count));
        Assert.Equal(["bad-2"], _sink.Documents.Keys.Where(k => k.StartsWith("bad", StringComparison.Ordinal)));
        Assert.DoesNotContain("extra", _sink.Documents.Keys);
        Assert.False(result.IsClean);
    }

    [Fact]
    public async Task Of_a_key_that_comes_again_the_last_record_counts_and_a_deleted_one_is_not_missing()
    {
        Document[] documents = [new("a", """{"v":1}"""), new("b", """{"v":1}"""), .. Documents(25), new("a", """{"v":2}"""), new("b", "")];
        await _sink.HoldAsync([new Document("a", """{"v":2}"""), .. Documents(25)]);
        var source = new TestSource(documents) { Shape = p => p with { InOrder = true } };
        Assert.True((await VerifyAsync(source)).IsClean);

        await _sink.HoldAsync(new Document("a", """{"v":1}"""), new Document("b", """{"v":1}"""));
        var result = await VerifyAsync(source);
        Assert.Equal(("a", "b"), (Assert.Single(result.Different.Examples).Key, Assert.Single(result.Extra!.Examples).Key));
    }

    [Fact]
    public async Task Repairing_writes_what_is_missing_or_differs_deletes_what_is_extra_and_looks_once_more()
    {
        var documents = Documents(400);
        await _sink.HoldAsync([.. documents.Skip(150).Select((d, i) => i % 5 == 0 ? d with { Json = """{"n":"other"}""" } : d), .. Documents(30, "x")]);
        var before = await VerifyAsync(new TestSource(documents));
        Assert.Equal((150, 50, 30), (before.Missing.Count, before.Different.Count, before.Extra!.Count));
        Assert.Contains("n: 150 at the source, \"other\" in the sink", before.Different.Examples[0].Differences);

        var result = await VerifyAsync(new TestSource(documents), new VerifyOptions { Repair = true, MaxDeletes = 30 });
        Assert.Equal((230, 230, 30, 0, 0L), (result.Repair!.Account.Read, result.Repair.Account.Written, result.Repair.Deleted, result.Repair.Left, result.Repair.ExtraLeft));
        Assert.True(result.IsClean);
        Assert.Equal(documents.ToDictionary(d => d.Key, d => d.Json), _sink.Documents);
        Assert.Null(await _job.SavedAsync());
    }

    [Fact]
    public async Task What_was_read_of_each_end_can_be_asked_for_meanwhile()
    {
        var documents = Documents(300);
        await _sink.HoldAsync(documents[..299]);
        var verifier = new Verifier(_job.Setup(new TestSource(documents), _sink), new VerifyOptions { Repair = true });
        var told = new List<VerifyProgress>();
        _sink.BeforeReading = () => told.Add(verifier.Progress);
        Assert.Equal(new VerifyProgress(0, 0, 0, 0, null, null), verifier.Progress);
        await _job.Time.RunAsync(verifier.VerifyAsync(CancellationToken.None));
        Assert.Equal([(1, 300, 0, 0), (2, 300, 0, 0), (3, 300, 0, 1)], told.Select(p => (p.Looks, p.Read, p.Seen, p.Mended)));
        Assert.Equal(new VerifyProgress(3, 300, 300, 1, null, null), verifier.Progress);
    }

    [Fact]
    public async Task More_extra_documents_than_may_be_deleted_leave_everything_as_it_is()
    {
        var documents = Documents(20);
        await _sink.HoldAsync([.. documents.Skip(1), .. Documents(4, "x")]);
        var error = await Assert.ThrowsAsync<PipelineException>(() => VerifyAsync(new TestSource(documents), new VerifyOptions { Repair = true, MaxDeletes = 3 }));
        Assert.Equal(VerifyErrors.TooManyDeletes, error.Error);
        Assert.Equal(23, _sink.Documents.Count);
    }

    [Fact]
    public async Task Of_a_part_of_the_source_nothing_is_extra_and_nothing_can_be_pruned()
    {
        await _sink.HoldAsync(Documents(20));
        var setup = _job.Setup(new TestSource(Documents(10)), _sink) with { Selection = new Selection("some") };
        var result = await _job.Time.RunAsync(new Verifier(setup, new VerifyOptions()).VerifyAsync(CancellationToken.None));
        Assert.Null(result.Extra);
        Assert.True(result.IsClean);
        await _sink.LoseAsync("k00001");
        var error = await Assert.ThrowsAsync<PipelineException>(() => _job.Time.RunAsync(new Verifier(setup, new VerifyOptions { MaxDeletes = 100 }).VerifyAsync(CancellationToken.None)));
        Assert.Equal(VerifyErrors.UncertainExtras, error.Error);
    }

    [Fact]
    public async Task Each_process_of_several_compares_its_own_part_of_the_keys()
    {
        var documents = Documents(100);
        await _sink.HoldAsync([.. documents, new Document("extra", "{}")]);
        var extras = 0L;
        for (var part = 0; part < 3; part++)
        {
            var shard = new Shard(part, 3);
            var setup = _job.Setup(new TestSource(documents), _sink) with { Transform = new RecordTransform(new TransformRules([], [], [], []), null, shard) };
            var result = await _job.Time.RunAsync(new Verifier(setup, new VerifyOptions { Shard = shard }).VerifyAsync(CancellationToken.None));
            Assert.Equal((0, 0), (result.Missing.Count, result.Different.Count));
            Assert.Equal(result.Read - result.Filtered, result.Equal);
            extras += result.Extra!.Count;
        }

        Assert.Equal(1, extras);
    }

    [Fact]
    public async Task What_a_run_has_set_aside_is_told_with_its_reason_instead_of_as_missing()
    {
        var documents = Documents(10);
        _ = await _job.RunAsync(new TestSource([.. documents, new Document("late", """{"a":"bad"}""")]), _sink);
        var result = await VerifyAsync(new TestSource([.. documents, new Document("late", """{"a":"mended"}""")]), new VerifyOptions { DeadLetterPath = _job.DeadLetters });
        var problem = Assert.Single(result.Unwritable);
        Assert.Equal((VerifyErrors.SetAside, "late"), (problem.Error, Assert.Single(problem.Worst).Key));
        Assert.Contains("It holds bad.", problem.Worst[0].Reason, StringComparison.Ordinal);
        Assert.Equal((0, 10), (result.Missing.Count, result.Equal));
    }

    [Fact]
    public async Task A_source_that_can_be_read_once_only_is_refused_before_it_is_read()
    {
        var source = new TestSource(Documents(5)) { Shape = p => p with { Resumable = false }, BeforeBatch = (_, _, _) => throw new InvalidOperationException("It was read.") };
        var error = await Assert.ThrowsAsync<PipelineException>(() => VerifyAsync(source));
        Assert.Equal(VerifyErrors.ReadOnce, error.Error);
    }

    [Fact]
    public async Task A_source_that_fails_in_between_is_read_on_from_where_it_failed()
    {
        var documents = Documents(100);
        await _sink.HoldAsync(documents);
        var failed = 0;
        var source = new TestSource(documents) { BeforeBatch = (_, at, _) => at == 50 && failed++ < 3 ? throw TestSource.Down.Error("It is down.") : Task.CompletedTask };
        var result = await VerifyAsync(source);
        Assert.Equal((100, 4, true), (result.Read, failed, result.IsClean));
    }

    [Fact]
    public async Task Where_the_sink_writes_keys_otherwise_what_it_no_longer_takes_is_not_pruned()
    {
        var sink = new ComparableSink { UpperCase = true };
        await sink.HoldAsync([.. Documents(5), new Document("late", """{"a":"good"}"""), new Document("extra", "{}")]);
        var source = new TestSource([.. Documents(5), new Document("late", """{"a":"bad"}""")]);
        var error = await Assert.ThrowsAsync<PipelineException>(() => VerifyAsync(source, new VerifyOptions { MaxDeletes = 10 }, sink));
        Assert.Equal((VerifyErrors.UncertainExtras, 7), (error.Error, sink.Documents.Count));
    }

    [Fact]
    public async Task Where_the_sink_writes_keys_otherwise_repairing_is_refused_and_pruning_is_not()
    {
        var sink = new ComparableSink { UpperCase = true };
        await sink.HoldAsync([.. Documents(5), new Document("extra", "{}")]);
        var source = new TestSource(Documents(6));
        var error = await Assert.ThrowsAsync<PipelineException>(() => VerifyAsync(source, new VerifyOptions { Repair = true, MaxDeletes = 10 }, sink));
        Assert.Equal((VerifyErrors.OtherKeys, 6), (error.Error, sink.Documents.Count));
        Assert.Equal(1, (await VerifyAsync(source, new VerifyOptions { MaxDeletes = 10 }, sink)).Repair!.Deleted);
        Assert.Equal(5, sink.Documents.Count);

        // A number is its own key, though not every key of such a sink is.
        var plain = Documents(9, "1");
        await sink.LoseAsync([.. Documents(5).Select(d => d.Key)]);
        Assert.True((await VerifyAsync(new TestSource(plain), new VerifyOptions { Repair = true }, sink)).IsClean);
    }

    [Fact]
    public async Task A_delete_that_the_sink_refuses_is_not_counted_as_one()
    {
        await _sink.HoldAsync(Documents(7));
        _sink.BeforeWrite = (_, _) => Task.FromResult<IReadOnlyList<RecordFailure>>([new RecordFailure(0, TestSink.Refused, "It stays.")]);
        var result = await VerifyAsync(new TestSource(Documents(2)), new VerifyOptions { MaxDeletes = 5 });
        Assert.Equal((4L, 1L), (result.Repair!.Deleted, result.Repair.ExtraLeft));
    }

    [Fact]
    public async Task What_repairing_sets_aside_is_known_by_the_jobs_sink_as_in_a_run()
    {
        _sink.BeforeWrite = (_, _) => Task.FromResult<IReadOnlyList<RecordFailure>>([new RecordFailure(0, TestSink.Refused, "It stays away.")]);
        await VerifyAsync(new TestSource(Documents(3)), new VerifyOptions { Repair = true });
        var letter = Assert.Single(await DeadLetterFile.ReadAsync(_job.DeadLetters, TestContext.Current.CancellationToken).ToListAsync(TestContext.Current.CancellationToken));
        Assert.Equal(("job", "sink 'to', sink.place 'here'", Documents(1)[0].Key), (letter.Job, letter.Sink, System.Text.Encoding.UTF8.GetString(letter.Key.Span)));
    }

    [Fact]
    public async Task Once_the_lock_is_lost_nothing_is_repaired()
    {
        await using var store = new LosableStore(new FileStateStore(_job.Folder, _job.Time));
        var looks = 0;
        _sink.BeforeReading = () =>
        {
            if (looks++ > 0) store.Lose();
        };
        var setup = _job.Setup(new TestSource(Documents(30)), _sink) with { State = store };
        var verifier = new Verifier(setup, new VerifyOptions { Repair = true });
        var error = await Assert.ThrowsAsync<PipelineException>(() => _job.Time.RunAsync(verifier.VerifyAsync(CancellationToken.None)));
        Assert.Equal((CheckpointErrors.JobLost, 0), (error.Error, _sink.Documents.Count));
    }

    private Task<VerifyResult> VerifyAsync(TestSource source, VerifyOptions? options = null, ComparableSink? sink = null) =>
        _job.Time.RunAsync(new Verifier(_job.Setup(source, sink ?? _sink), options ?? new VerifyOptions()).VerifyAsync(CancellationToken.None));

    private static Document[] Documents(int count, string prefix = "k") =>
        [.. Enumerable.Range(0, count).Select(i => new Document($"{prefix}{i:00000}", $$"""{"n":{{i}}}"""))];
}
