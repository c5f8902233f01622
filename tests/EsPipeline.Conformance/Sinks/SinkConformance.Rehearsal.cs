using EsPipeline.Core.Errors;
using EsPipeline.Core.Sinks;
using Xunit;

namespace EsPipeline.Conformance;

/// <summary>What a sink promises that can be asked beforehand what it would refuse.</summary>
public abstract partial class SinkConformance
{
    /// <summary>What of the refused documents the sink itself finds; a sink that leaves some to its server leaves those out.</summary>
    protected virtual IReadOnlyList<RefusedDocument> FoundBeforehand(SinkTarget target) => target.Refused;

    [Fact]
    public virtual async Task A_rehearsal_takes_what_a_write_takes_and_writes_nothing()
    {
        var documents = Holdable(Corpus.All);
        await using var target = await CreateAsync(Ct);
        Document[] before = [.. Corpus.Plain(5)];
        await WriteBeforeAsync(target, before);
        await using (var sink = await OpenRehearsalAsync(target))
        {
            using var batch = Slices.Of(documents);
            for (var from = 0; from < batch.Count; from += sink.Limits.MaxRecords)
            {
                var count = Math.Min(sink.Limits.MaxRecords, batch.Count - from);
                var rehearsed = await sink.RehearseAsync(batch.Slice().Slice(from, count), Ct);
                Assert.Empty(rehearsed.Failures.Select(f => f.Reason));
                Assert.True(rehearsed.Requests > 0);
            }
        }

        ContentAssert.Same(before.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    [Fact]
    public virtual async Task A_rehearsal_finds_what_a_write_refuses_and_writes_nothing()
    {
        await using var target = await CreateAsync(Ct);
        Document[] before = [.. Corpus.Plain(5)];
        await WriteBeforeAsync(target, before);
        var found = FoundBeforehand(target);
        Document[] mixed = [Corpus.Plain(1).First(), .. found.Select(r => r.Document), .. Corpus.Plain(3)];
        await using (var sink = await OpenRehearsalAsync(target))
        {
            using var batch = Slices.Of(mixed);
            var failures = (await sink.RehearseAsync(batch.Slice(), Ct)).Failures.OrderBy(f => f.Index).ToArray();
            Assert.Equal(Enumerable.Range(1, found.Count), failures.Select(f => f.Index));
            Assert.All(failures, f => Assert.Equal(FailureKind.Permanent, f.Error.Kind));
            foreach (var (refused, failure) in found.Zip(failures)) Assert.Contains(refused.Reason, failure.Reason, StringComparison.OrdinalIgnoreCase);
        }

        ContentAssert.Same(before.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    /// <summary>Opens a sink as a plan does. Skips the test, and says so, where it can't be asked beforehand.</summary>
    protected static async Task<IRehearsableSink> OpenRehearsalAsync(SinkTarget target)
    {
        var sink = target.Open(new SinkKnobs());
        Assert.SkipUnless(sink is IRehearsableSink, $"{sink.GetType().Name} can't be asked beforehand what it would refuse.");
        await Health.IsWellAsync(sink);
        var rehearsal = (IRehearsableSink)sink;
        await rehearsal.PrepareRehearsalAsync(target.Schema, reachable: true, Ct);
        return rehearsal;
    }

    private static async Task WriteBeforeAsync(SinkTarget target, Document[] documents)
    {
        await using var sink = await OpenAsync(target);
        await WriteAllAsync(sink, documents);
        await FinishAsync(sink);
    }
}
