using EsPipeline.Core.Engine;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Planning;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using EsPipeline.Core.Telemetry;
using EsPipeline.Core.Tests.Engine;

namespace EsPipeline.Core.Tests.Planning;

public sealed class RunPlannerTests : IDisposable
{
    private readonly TestJob _job = new();

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task A_plan_accounts_for_every_record_and_writes_nothing()
    {
        var source = new TestSource(Documents(0, 95), Documents(95, 30));
        var sink = new RehearsingSink();
        var plan = await PlanAsync(source, sink);

        Assert.Equal((125, 125, 0, 0), (plan.Read, plan.ToWrite, plan.Filtered, plan.Failing));
        Assert.Equal(source.Data.Sum(p => p.Sum(d => d.KeyBytes.Length + d.JsonBytes.Length)), plan.BytesToWrite);
        Assert.Equal(plan.BytesRead, plan.BytesToWrite);
        Assert.Equal(125, plan.BilledWrites);
        Assert.Equal(sink.Rehearsed, plan.Requests);
        Assert.Null(plan.Duplicates);
        Assert.Equal(["check", "prepare rehearsal"], sink.Calls);
        Assert.All(source.Plans, p => Assert.True(p.LooksOnly));
        Assert.Empty(source.Acknowledged);
        Assert.False(Directory.Exists(_job.Folder));
    }

    [Fact]
    public async Task What_the_sink_refuses_and_what_is_too_large_is_told_with_its_place_and_the_rest_is_planned()
    {
        var documents = Documents(0, 40);
        documents[7] = documents[7] with { Json = """{"a":"bad"}""" };
        documents[21] = documents[21] with { Json = $$"""{"a":"{{new string('x', 600)}}"}""" };
        var sink = new RehearsingSink { Limits = new SinkLimits { MaxRecords = 100, StartRecords = 20, MaxRecordBytes = 500 } };
        var plan = await PlanAsync(new TestSource(documents), sink);

        Assert.Equal((40, 38, 2), (plan.Read, plan.ToWrite, plan.Failing));
        var refused = Assert.Single(plan.Problems, p => p.Error == TestSink.Refused);
        Assert.Equal(("k7", "item 7", "It holds bad."), (refused.Worst[0].Key, refused.Worst[0].Place, refused.Worst[0].Reason));
        var large = Assert.Single(plan.Problems, p => p.Error == EngineErrors.RecordTooLarge);
        Assert.Equal(("k21", "item 21"), (large.Worst[0].Key, large.Worst[0].Place));
        Assert.Equal(documents.Where((_, i) => i is not (7 or 21)).Sum(d => d.KeyBytes.Length + d.JsonBytes.Length), plan.BytesToWrite);
    }

    [Fact]
    public async Task Of_many_failures_of_one_kind_all_are_counted_and_the_ten_largest_are_shown_in_order()
    {
        var documents = Documents(0, 60).Select((d, i) => d with { Json = $$"""{"a":"bad{{new string('x', (i * 37) % 60)}}"}""" }).ToArray();
        var plan = await PlanAsync(new TestSource(documents), new RehearsingSink());
        var problem = Assert.Single(plan.Problems);
        Assert.Equal(60, problem.Count);
        var largest = documents.Select((d, i) => (d, i)).OrderByDescending(d => d.d.KeyBytes.Length + d.d.Json.Length).ThenBy(d => d.i).Take(10);
        Assert.Equal(largest.OrderBy(d => d.i).Select(d => d.d.Key), problem.Worst.Select(w => w.Key));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Keys_that_come_again_are_told_with_both_places_and_fail_nothing(bool changedByTransform)
    {
        Document[] documents = [.. Documents(0, 30).Select(d => d with { Json = $$"""{"id":"{{d.Key}}"}""" })];
        documents[25] = documents[3];
        var source = new TestSource(documents) { Shape = p => p with { UniqueKeys = changedByTransform } };
        var transform = changedByTransform ? new RecordTransform(new TransformRules([], [], [], []), "id", new Shard(0, 1)) : null;
        var plan = await PlanAsync(source, new RehearsingSink(), s => s with { Transform = transform });

        Assert.Equal(0, plan.Failing);
        Assert.Equal(30, plan.ToWrite);
        Assert.Equal([new DuplicateKey("k3", "item 3", "item 25")], plan.Duplicates!.First);
        Assert.Equal((1, true, false), (plan.Duplicates.Count, plan.Duplicates.Complete, plan.Duplicates.KeepsFirst));
    }

    [Fact]
    public async Task More_keys_than_are_remembered_are_admitted()
    {
        var source = new TestSource(Documents(0, 2000)) { Shape = p => p with { UniqueKeys = false } };
        var plan = await Planner(source, new RehearsingSink(), mostKeys: 1500);
        Assert.Equal((0, false), (plan.Duplicates!.Count, plan.Duplicates.Complete));
    }

    [Fact]
    public async Task A_source_that_fails_in_between_is_read_on_from_where_it_was()
    {
        var failed = 0;
        var source = new TestSource(Documents(0, 100))
        {
            BeforeBatch = (_, at, _) => at is 30 or 70 && failed++ is 0 or 2 ? throw TestSource.Down.Error("Down.") : Task.CompletedTask,
        };
        var plan = await PlanAsync(source, new RehearsingSink());
        Assert.Equal((100, 100), (plan.Read, plan.ToWrite));
        Assert.True(failed >= 2);
    }

    [Fact]
    public async Task A_limit_holds_for_a_plan_too()
    {
        var plan = await PlanAsync(new TestSource(Documents(0, 50), Documents(50, 50)), new RehearsingSink(), s => s with { Selection = new Selection(Limit: 33) });
        Assert.Equal((33, 33), (plan.Read, plan.ToWrite));
    }

    [Fact]
    public async Task A_sink_that_is_not_reached_is_checked_without_it()
    {
        var sink = new RehearsingSink { Problem = TestSource.Down.Error("Down.") };
        var plan = await PlanAsync(new TestSource(Documents(0, 5)), sink);
        Assert.Equal("test.source_down", plan.SinkProblem?.Code);
        Assert.Equal(false, sink.Reachable);
        Assert.Equal(5, plan.ToWrite);
    }

    [Fact]
    public async Task What_does_not_fit_is_told_and_the_records_are_still_counted()
    {
        var sink = new RehearsingSink { Misfit = TestSink.Full.Error("The table has another key.") };
        var plan = await PlanAsync(new TestSource(Documents(0, 5)), sink);
        Assert.Equal("The table has another key.", plan.SinkProblem?.Message);
        Assert.Equal((5, 0), (plan.ToWrite, sink.Rehearsed));
    }

    [Fact]
    public async Task A_source_that_can_not_be_read_ends_the_plan_with_its_error()
    {
        var source = new TestSource(Documents(0, 5)) { Problem = TestSink.Full.Error("Wrong password.") };
        var error = await Assert.ThrowsAsync<PipelineException>(() => PlanAsync(source, new RehearsingSink()));
        Assert.Equal("Wrong password.", error.Message);
    }

    [Fact]
    public async Task The_estimate_says_what_it_is_taken_from_and_follows_the_slowest()
    {
        var source = new TestSource(Documents(0, 500));
        var measured = await PlanAsync(source, new RehearsingSink());
        Assert.Contains("measured now", measured.Estimate.Basis, StringComparison.Ordinal);

        var limited = await PlanAsync(source, new RehearsingSink(), s => s with { RateLimit = 10 });
        Assert.Equal(TimeSpan.FromSeconds(50), limited.Estimate.Time);
        Assert.Contains("--rate-limit 10", limited.Estimate.Basis, StringComparison.Ordinal);

        var ramp = new RateRamp(1, 1.5, TimeSpan.FromMinutes(5), 100);
        var ramped = await PlanAsync(source, new RehearsingSink { Limits = new SinkLimits { StartRecords = 20, Ramp = ramp } });
        Assert.Equal(TimeSpan.FromSeconds(300 + (200 / 1.5)).TotalSeconds, ramped.Estimate.Time.TotalSeconds, 3);
    }

    private static Document[] Documents(int first, int count) =>
        [.. Enumerable.Range(first, count).Select(i => new Document($"k{i}", $$"""{"n":{{i}}}"""))];

    private Task<RunPlan> PlanAsync(IDataSource source, IDataSink sink, Func<PipelineSetup, PipelineSetup>? change = null)
    {
        var setup = _job.Setup(source, sink);
        return _job.Time.RunAsync(new RunPlanner(change?.Invoke(setup) ?? setup).PlanAsync(TestContext.Current.CancellationToken));
    }

    private Task<RunPlan> Planner(IDataSource source, IDataSink sink, long mostKeys) =>
        new RunPlanner(_job.Setup(source, sink), mostKeys).PlanAsync(TestContext.Current.CancellationToken);

    // Refuses documents that hold "bad", and fails the test where it is asked to write.
    private sealed class RehearsingSink : IRehearsableSink
    {
        private readonly TestSink _sink = new() { BeforeWrite = (_, _) => throw new InvalidOperationException("A plan must not write.") };

        public SinkLimits Limits { get; init; } = new() { MaxRecords = 100, StartRecords = 20 };

        public PipelineException? Problem { get; init; }

        public PipelineException? Misfit { get; init; }

        public bool? Reachable { get; private set; }

        public int Rehearsed { get; private set; }

        public List<string> Calls => _sink.Calls;

        public Task<ConnectorHealth> CheckAsync(CancellationToken ct)
        {
            _sink.Problem = Problem;
            return _sink.CheckAsync(ct);
        }

        public Task PrepareAsync(SourceSchema schema, CancellationToken ct) => throw new InvalidOperationException("A plan must not make anything.");

        public Task<WriteResult> WriteAsync(RecordSlice slice, CancellationToken ct) => _sink.WriteAsync(slice, ct);

        public Task<IReadOnlyList<string>> PrepareRehearsalAsync(SourceSchema schema, bool reachable, CancellationToken ct)
        {
            Calls.Add("prepare rehearsal");
            Reachable = reachable;
            return Misfit is null ? Task.FromResult<IReadOnlyList<string>>([]) : throw Misfit;
        }

        public async ValueTask<RehearsedWrite> RehearseAsync(RecordSlice slice, CancellationToken ct)
        {
            lock (Calls) Rehearsed++;
            var failures = await TestSink.Refuse(slice, "bad", TestSink.Refused);
            return new RehearsedWrite(1, failures) { BilledWrites = slice.Count - failures.Count };
        }

        public ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
