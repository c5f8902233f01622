using EsPipeline.Core.Sinks;
using EsPipeline.Core.Verification;
using Xunit;

namespace EsPipeline.Conformance;

/// <summary>What a sink promises whose documents can be compared with what they were made of.</summary>
public abstract partial class SinkConformance
{
    [Fact]
    public virtual async Task A_comparison_finds_nothing_after_a_copy_and_exactly_what_was_changed_behind_its_back()
    {
        var documents = (IReadOnlyList<Document>)[.. Holdable(Corpus.All), .. Corpus.Plain(300)];
        var (changed, removed, added) = (Corpus.PlainKey(17), Corpus.PlainKey(170), "zz-nobody's");
        await using var target = await CreateAsync(Ct);
        using var state = new TemporaryFolder();
        await CopyAsync(target, documents, state);
        var before = await CompareAsync(target, documents, state);
        AssertClean(before, documents.Count);

        // Another price and another time: what differs is in a value, not in the number of fields.
        var renewed = Corpus.Plain(300, seed: 2).First(d => d.Key == changed);
        await TamperAsync(target, documents, renewed, removed, new Document(added, renewed.Json), state);
        var after = await CompareAsync(target, documents, state);
        Assert.Equal([removed], after.Missing.Examples.Select(e => e.Key));
        Assert.Equal([changed], after.Different.Examples.Select(e => e.Key));
        Assert.Equal([added], after.Extra!.Examples.Select(e => e.Key));
        Assert.Equal((1, 1, 1, documents.Count - 2), (after.Missing.Count, after.Different.Count, after.Extra.Count, after.Equal));
        Assert.Contains(after.Different.Examples[0].Differences, d => d.StartsWith("price", StringComparison.Ordinal));
        Assert.False(after.IsClean);

        await using (var sink = target.Open(new SinkKnobs()))
        {
            if (sink is IResumableSink) return;
        }

        var refused = await Assert.ThrowsAsync<Core.Errors.PipelineException>(() => CompareAsync(target, documents, state, new VerifyOptions { Repair = true, MaxDeletes = 0 }));
        Assert.Equal(VerifyErrors.TooManyDeletes, refused.Error);
        Assert.Equal(after.Missing.Count, (await CompareAsync(target, documents, state)).Missing.Count);
        var repaired = await CompareAsync(target, documents, state, new VerifyOptions { Repair = true, MaxDeletes = 1 });
        Assert.Equal((3, 1, 0, 0L), (repaired.Repair!.Account.Written, repaired.Repair.Deleted, repaired.Repair.Left, repaired.Repair.ExtraLeft));
        Assert.True(repaired.IsClean);
        AssertClean(await CompareAsync(target, documents, state), documents.Count);
    }

    private static async Task<VerifyResult> CompareAsync(
        SinkTarget target, IReadOnlyList<Document> documents, TemporaryFolder state, VerifyOptions? options = null)
    {
        await using var source = new ListSource(documents) { Schema = target.Schema };
        await using var sink = target.Open(new SinkKnobs());
        return await EngineRun.CompareAsync(source, sink, state.Path, Ct, options);
    }

    private static void AssertClean(VerifyResult result, int documents)
    {
        Assert.Empty(result.Missing.Examples.Select(e => $"missing: {e.Key}"));
        Assert.Empty(result.Different.Examples.Select(e => $"different: {e.Key}: {string.Join("; ", e.Differences)}"));
        Assert.Empty(result.Extra!.Examples.Select(e => $"extra: {e.Key}"));
        Assert.Empty(result.Unwritable.SelectMany(p => p.Worst).Select(r => $"not taken: {r.Key}: {r.Reason}"));
        Assert.Equal((documents, documents, documents), (result.Read, result.There, result.Equal));
        Assert.True(result.IsClean);
    }

    private static async Task CopyAsync(SinkTarget target, IReadOnlyList<Document> documents, TemporaryFolder state)
    {
        await using var source = new ListSource(documents) { Schema = target.Schema };
        await using var sink = target.Open(new SinkKnobs());
        var result = await EngineRun.CopyAsync(source, sink, Path.Combine(state.Path, Guid.NewGuid().ToString("N")), Ct);
        Assert.Null(result.Error);
        Assert.Equal((documents.Count, 0L), (result.Account.Written, result.Account.DeadLettered));
    }

    // A file is written anew as a whole; elsewhere only these three documents are touched.
    private static async Task TamperAsync(
        SinkTarget target, IReadOnlyList<Document> documents, Document changed, string removed, Document added, TemporaryFolder state)
    {
        var sink = await OpenAsync(target);
        await using (sink)
        {
            if (sink is not IResumableSink)
            {
                await WriteAllAsync(sink, changed, added);
                await DeleteAsync(sink, documents.First(d => d.Key == removed));
                await FinishAsync(sink);
                return;
            }
        }

        await CopyAsync(target, [.. documents.Where(d => d.Key != removed).Select(d => d.Key == changed.Key ? changed : d), added], state);
    }
}
