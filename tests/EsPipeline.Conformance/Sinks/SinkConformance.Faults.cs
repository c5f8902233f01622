using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;
using Xunit;

namespace EsPipeline.Conformance;

// What a sink says about failures, and what is left of a write that was broken off.
public abstract partial class SinkConformance
{
    private static readonly TimeSpan ShortTimeout = TimeSpan.FromSeconds(4);

    // 5
    [Fact]
    public virtual async Task Throttling_is_transient_and_keeps_the_servers_delay()
    {
        var asked = TimeSpan.FromSeconds(7);
        await using var target = await CreateAsync(Ct);
        await using var proxy = new TcpProxy(ServerOf(target));
        await using var sink = await OpenAsync(target, new SinkKnobs { Through = proxy.EndPoint });
        target.OrderThrottling(proxy, asked);
        var failures = await FailuresOfAsync(sink, [.. Corpus.Plain(3)]);
        Assert.All(failures, f => Assert.Equal((FailureKind.Transient, asked), (f.Kind, f.RetryAfter)));
    }

    [Fact]
    public virtual async Task A_document_that_the_schema_refuses_is_permanent()
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = await OpenAsync(target);
        foreach (var refused in target.Refused)
        {
            using var batch = Slices.Of(refused.Document);
            var failure = Assert.Single((await sink.WriteAsync(batch.Slice(), Ct)).Failures);
            Assert.Equal(FailureKind.Permanent, failure.Error.Kind);
            Assert.Contains(refused.Reason, failure.Reason, StringComparison.OrdinalIgnoreCase);
        }
    }

    [Fact]
    public virtual Task A_wrong_password_is_for_a_person_to_mend() => IsEnvironmentAsync(SinkFault.WrongPassword);

    [Fact]
    public virtual Task A_missing_target_is_for_a_person_to_mend() => IsEnvironmentAsync(SinkFault.MissingTarget);

    [Fact]
    public virtual Task A_full_disk_is_for_a_person_to_mend() => IsEnvironmentAsync(SinkFault.FullDisk);

    // 6
    [Fact]
    public virtual async Task A_write_whose_answer_is_lost_converges_when_it_is_sent_again()
    {
        Document[] first = [.. Corpus.Plain(50)], lost = [.. Corpus.Plain(80, seed: 2).Skip(20)];
        await using var target = await CreateAsync(Ct);
        await using var proxy = new TcpProxy(ServerOf(target));
        await using (var sink = await OpenAsync(target, new SinkKnobs { Through = proxy.EndPoint }))
        {
            await WriteAllAsync(sink, first);
            proxy.CutInPlaceOfNextAnswer(target.Commit ?? "");
            using (var batch = Slices.Of(lost))
            {
                var failure = await Xunit.Record.ExceptionAsync(() => sink.WriteAsync(batch.Slice(), Ct));
                if (failure is not null) Assert.Equal(FailureKind.Transient, Assert.IsType<PipelineException>(failure).Kind);
            }

            Assert.True(proxy.Cuts > 0, "No answer was lost.");
            if (target.Commit is not null) ContentAssert.Same(first[..20].Concat(lost).Select(target.Expected), await target.ReadAllAsync(Ct));
            await WriteAllAsync(sink, lost);
            await FinishAsync(sink);
        }

        ContentAssert.Same(first[..20].Concat(lost).Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    // 9
    [Fact]
    public virtual async Task What_was_written_is_there_though_the_sink_is_never_closed()
    {
        Document[] documents = [.. Corpus.Plain(500)];
        await using var target = await CreateAsync(Ct);
        var sink = await OpenAsync(target);
        await WriteAllAsync(sink, documents);
        if (sink is IResumableSink resumable)
        {
            // Such a sink promises it for what its token stands for. Disposing lets go of the file and writes nothing.
            var token = await resumable.FlushAsync(Ct);
            await sink.DisposeAsync();
            await using var next = (IResumableSink)target.Open(new SinkKnobs());
            await next.PrepareAsync(target.Schema, Ct);
            Assert.True(await next.RestoreAsync(token, Ct));
            await FinishAsync(next);
        }

        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
        await sink.DisposeAsync();
    }

    [Fact]
    public virtual async Task What_was_written_survives_a_crash_of_the_server()
    {
        Document[] documents = [.. Corpus.Plain(500)];
        await using var target = await CreateAsync(Ct);
        await using var sink = await OpenAsync(target);
        await WriteAllAsync(sink, documents);
        await target.CrashServerAsync(Ct);
        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    // 11
    [Fact]
    public virtual async Task Preparing_again_changes_nothing()
    {
        Document[] documents = [.. Corpus.Plain(20)];
        await using var target = await CreateAsync(Ct);
        await using var sink = await OpenAsync(target);
        await WriteAllAsync(sink, documents);
        await FinishAsync(sink);
        var made = await target.DescribeAsync(Ct);
        await sink.PrepareAsync(target.Schema, Ct);
        await using (var second = target.Open(new SinkKnobs())) await second.PrepareAsync(target.Schema, Ct);
        Assert.Equal(made, await target.DescribeAsync(Ct));
        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact]
    public virtual async Task Preparing_over_what_does_not_fit_says_what_differs()
    {
        await using var target = await CreateAsync(Ct);
        var (sink, named) = await target.OpenMisfitAsync(Ct);
        await using (sink)
        {
            var refused = await Assert.ThrowsAsync<PipelineException>(() => sink.PrepareAsync(target.Schema, Ct));
            Assert.Equal(FailureKind.Environment, refused.Kind);
            Assert.Contains(named, refused.Message, StringComparison.Ordinal);
        }
    }

    // 12
    [Fact]
    public virtual async Task Cancelled_during_a_write_it_returns_at_once_and_blocks_nobody()
    {
        Document[] documents = [.. Corpus.Plain(200)];
        await using var target = await CreateAsync(Ct);
        await using var proxy = new TcpProxy(ServerOf(target));
        await using (var sink = await OpenAsync(target, new SinkKnobs { Through = proxy.EndPoint }))
        {
            proxy.Stall();
            using var cancel = CancellationTokenSource.CreateLinkedTokenSource(Ct);
            cancel.CancelAfter(TimeSpan.FromMilliseconds(300));
            using var batch = Slices.Of(documents);
            await Cancellation.EndsInTimeAsync(ct => sink.WriteAsync(batch.Slice(), ct), cancel);
        }

        await using (var next = await OpenAsync(target))
        {
            await WriteAllAsync(next, documents).WaitAsync(TimeSpan.FromSeconds(30), Ct);
            await FinishAsync(next);
        }

        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact]
    public virtual async Task A_server_that_falls_silent_is_given_up_as_transient()
    {
        await using var target = await CreateAsync(Ct);
        await using var proxy = new TcpProxy(ServerOf(target));

        // What takes long to make is there before the short time counts.
        await (await OpenAsync(target)).DisposeAsync();
        await using var sink = await OpenAsync(target, new SinkKnobs { Through = proxy.EndPoint, Timeout = ShortTimeout });
        proxy.Stall();
        var failures = await FailuresOfAsync(sink, [.. Corpus.Plain(3)]).WaitAsync(TimeSpan.FromSeconds(20), Ct);
        Assert.All(failures, f => Assert.Equal(FailureKind.Transient, f.Kind));
    }

    [Fact]
    public virtual async Task A_check_tells_problems_within_five_seconds_instead_of_throwing()
    {
        await using var target = await CreateAsync(Ct);
        await using var proxy = new TcpProxy(ServerOf(target));
        await using var sink = target.Open(new SinkKnobs { Through = proxy.EndPoint });
        await Health.IsWellAsync(sink);
        proxy.Stall();
        var time = AwakeTime.Start();
        Assert.NotNull((await sink.CheckAsync(Ct)).Problem);
        Assert.True(time.Elapsed <= TimeSpan.FromSeconds(10), "The check took longer than five seconds.");
        proxy.Resume();
        await proxy.DownAsync();
        Assert.NotNull((await sink.CheckAsync(Ct)).Problem);
    }

    /// <summary>What a write of these documents failed with, as a whole or record by record; all of them have to fail.</summary>
    protected static async Task<IReadOnlyList<(FailureKind Kind, TimeSpan? RetryAfter)>> FailuresOfAsync(IDataSink sink, IReadOnlyList<Document> documents)
    {
        using var batch = Slices.Of(documents);
        try
        {
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal(documents.Count, result.Failures.Count);
            return [.. result.Failures.Select(f => (f.Error.Kind, f.RetryAfter))];
        }
        catch (PipelineException e)
        {
            return [(e.Kind, e.RetryAfter)];
        }
    }

    private async Task IsEnvironmentAsync(SinkFault fault)
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = await target.OpenAsync(fault, Ct);
        Assert.Equal(FailureKind.Environment, await MeetAsync());

        async Task<FailureKind> MeetAsync()
        {
            try
            {
                if ((await sink.CheckAsync(Ct)).Problem is { } problem) return problem.Kind;
                await sink.PrepareAsync(target.Schema, Ct);
                if (sink is IResumableSink resumable) await resumable.RestoreAsync(null, Ct);
                return (await FailuresOfAsync(sink, [.. Corpus.Plain(3)]))[0].Kind;
            }
            catch (PipelineException e)
            {
                return e.Kind;
            }
        }
    }
}
