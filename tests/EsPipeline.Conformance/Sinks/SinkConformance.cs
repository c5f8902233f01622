using System.Net;
using EsPipeline.Core.Errors;
using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;
using Xunit;
using Record = EsPipeline.Core.Records.Record;

namespace EsPipeline.Conformance;

/// <summary>
/// What every sink promises. A connector subclasses it once for each real server. A check that a system can't meet is overridden, never
/// left out: the override's <c>[Fact(DisplayName = "…")]</c> says why, and its body checks what holds instead.
/// </summary>
public abstract partial class SinkConformance
{
    private const int MostTries = 6;

    /// <summary>Ends the test when the runner wants it to end.</summary>
    protected static CancellationToken Ct => TestContext.Current.CancellationToken;

    /// <summary>Makes a fresh place to write to.</summary>
    protected abstract Task<SinkTarget> CreateAsync(CancellationToken ct);

    /// <summary>False for a document that the system itself can't hold in any form.</summary>
    protected virtual bool CanHold(Document document) => true;

    /// <summary>What of the corpus the system can hold.</summary>
    protected IReadOnlyList<Document> Holdable(IEnumerable<Document> documents) => [.. documents.Where(CanHold)];

    // 1
    [Fact]
    public virtual async Task What_was_written_reads_back_equal()
    {
        var documents = Holdable(Corpus.All);
        await using var target = await CreateAsync(Ct);
        await using (var sink = await OpenAsync(target))
        {
            await WriteAllAsync(sink, documents);
            await FinishAsync(sink);
        }

        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    // 2
    [Fact]
    public virtual async Task The_same_slice_twice_leaves_the_same_state()
    {
        var documents = Holdable(Corpus.All);
        await using var target = await CreateAsync(Ct);
        await using (var sink = await OpenAsync(target))
        {
            await WriteAllAsync(sink, documents);
            await WriteAllAsync(sink, documents);
            await FinishAsync(sink);
        }

        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    // 3
    [Fact]
    public virtual async Task An_update_then_a_delete_and_a_delete_then_an_insert_end_as_ordered()
    {
        Document[] old = [.. Corpus.Plain(30)], renewed = [.. Corpus.Plain(30, seed: 2)];
        await using var target = await CreateAsync(Ct);
        await using (var sink = await OpenAsync(target, kind: ReadKind.Changes))
        {
            await WriteAllAsync(sink, old);
            await WriteAllAsync(sink, renewed[..10]);
            await DeleteAsync(sink, renewed[..10]);
            await DeleteAsync(sink, old[10..20]);
            await WriteAllAsync(sink, renewed[10..20]);

            // One that is gone already, and one that never was, are no errors.
            await DeleteAsync(sink, [renewed[0], new Document("never-was", "{}")]);
            await FinishAsync(sink);
        }

        ContentAssert.Same(renewed[10..20].Concat(old[20..]).Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    // 4
    [Fact]
    public virtual async Task In_a_mixed_slice_exactly_the_bad_records_fail_each_with_its_reason()
    {
        await using var target = await CreateAsync(Ct);
        Assert.True(target.Refused.Select(r => r.Reason).Distinct().Count() >= 2, "Give documents that are refused for two different reasons.");
        Document[] good = [.. Corpus.Plain(5 * target.Refused.Count)];
        var mixed = new List<Document>();
        var bad = new List<int>();
        foreach (var (i, refused) in target.Refused.Index())
        {
            mixed.AddRange(good[(5 * i)..((5 * i) + 3)]);
            bad.Add(mixed.Count);
            mixed.Add(refused.Document);
            mixed.AddRange(good[((5 * i) + 3)..((5 * i) + 5)]);
        }

        await using (var sink = await OpenAsync(target))
        {
            using var batch = Slices.Of(mixed);
            var result = await sink.WriteAsync(batch.Slice(), Ct);
            Assert.Equal(bad, result.Failures.Select(f => f.Index));
            Assert.All(result.Failures, f => Assert.Equal(FailureKind.Permanent, f.Error.Kind));
            foreach (var (refused, failure) in target.Refused.Zip(result.Failures)) Assert.Contains(refused.Reason, failure.Reason, StringComparison.OrdinalIgnoreCase);
            Assert.Equal(good.Length, result.Written + result.Unchanged);
            await FinishAsync(sink);
        }

        ContentAssert.Same(good.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    // 7
    [Fact]
    public virtual async Task A_record_at_the_limit_is_taken_and_one_byte_over_is_refused_for_good()
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = await OpenAsync(target);
        var limit = sink.Limits.MaxRecordBytes;
        Assert.True(limit <= 128 << 20, "This sink sets no limit: override the check with the reason in its name.");
        var (at, over) = (target.OfBytes("at-limit", limit), target.OfBytes("over-limit", limit + 1));
        using var batch = Slices.Of(at, over);
        Assert.Equal(limit, batch.Records.Span[0].Bytes);
        var taken = await sink.WriteAsync(batch.Slice().Slice(0, 1), Ct);
        Assert.Empty(taken.Failures);
        var refused = await sink.WriteAsync(batch.Slice().Slice(1, 1), Ct);
        Assert.Equal(FailureKind.Permanent, Assert.Single(refused.Failures).Error.Kind);
        await FinishAsync(sink);
        ContentAssert.Same([target.Expected(at)], await target.ReadAllAsync(Ct));
    }

    [Fact]
    public virtual async Task More_than_one_write_may_hold_is_split_by_the_engine_and_arrives_whole()
    {
        await using var target = await CreateAsync(Ct);
        await using var sink = target.Open(new SinkKnobs());
        var large = Math.Min(sink.Limits.MaxRecordBytes / 2, sink.Limits.MaxBytes / 8);
        var larges = Enumerable.Range(0, (int)(sink.Limits.MaxBytes / large) + 4).Select(i => target.OfBytes($"large-{i}", large));
        Document[] documents = [.. larges, .. Corpus.Plain(Math.Min(sink.Limits.MaxRecords, 20_000) + 1)];
        using var state = new TemporaryFolder();
        await using var source = new ListSource(documents, 5000);
        var result = await EngineRun.CopyAsync(source, sink, state.Path, Ct, setup => setup with { BatchSize = (sink.Limits.MaxRecords, null, null) });
        Assert.Null(result.Error);
        Assert.Equal((documents.Length, documents.Length), (result.Account.Read, result.Account.Written));
        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    // 8
    [Fact]
    public virtual async Task Concurrent_writes_of_disjoint_slices_are_safe()
    {
        Document[] documents = [.. Corpus.Plain(1600)];
        await using var target = await CreateAsync(Ct);
        await using (var sink = await OpenAsync(target))
        {
            await Task.WhenAll(documents.Chunk(100).Select(chunk => WriteAllAsync(sink, chunk)));
            await FinishAsync(sink);
        }

        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    // 10
    [Fact]
    public virtual async Task Nothing_of_a_slices_memory_is_kept()
    {
        Document[] documents = [.. Corpus.Plain(200)];
        await using var target = await CreateAsync(Ct);
        await using (var sink = await OpenAsync(target))
        {
            foreach (var chunk in documents.Chunk(50))
            {
                var buffers = chunk.Select(d => (Key: d.KeyBytes, Json: d.JsonBytes)).ToArray();
                Record[] records = [.. buffers.Select((b, i) => new Record(b.Key, b.Json, RecordOperation.Upsert, 0, i))];
                Assert.Empty((await sink.WriteAsync(new RecordSlice(records), Ct)).Failures);
                foreach (var (key, json) in buffers)
                {
                    key.AsSpan().Fill(0xFF);
                    json.AsSpan().Fill(0xFF);
                }

                Array.Clear(records);
            }

            await FinishAsync(sink);
        }

        ContentAssert.Same(documents.Select(target.Expected), await target.ReadAllAsync(Ct));
    }

    /// <summary>Opens a sink and makes it ready for a pass, as the engine does.</summary>
    protected static async Task<IDataSink> OpenAsync(SinkTarget target, SinkKnobs? knobs = null, ReadKind kind = ReadKind.Snapshot)
    {
        var sink = target.Open(knobs ?? new SinkKnobs());
        await Health.IsWellAsync(sink);
        await UntilTakenAsync(() => sink.PrepareAsync(target.Schema, Ct));
        if (sink is IResumableSink resumable) Assert.True(await resumable.RestoreAsync(null, Ct));
        await UntilTakenAsync(() => sink.BeginPassAsync(kind, uniqueKeys: false, Ct));
        return sink;
    }

    // As the engine does: a server may be slower than a check's short time-out.
    private static async Task UntilTakenAsync(Func<Task> call)
    {
        for (var tries = 1; ; tries++)
        {
            try
            {
                await call();
                return;
            }
            catch (PipelineException e) when (e.Kind == FailureKind.Transient && tries < MostTries)
            {
                await Task.Delay(TimeSpan.FromMilliseconds(500), Ct);
            }
        }
    }

    /// <summary>Ends a pass, as the engine does.</summary>
    protected static async Task FinishAsync(IDataSink sink)
    {
        if (sink is IResumableSink resumable) await resumable.FlushAsync(Ct);
        await sink.CompleteAsync(Ct);
    }

    /// <summary>Writes documents, in slices as large as the sink takes, and checks that each was taken.</summary>
    protected static Task WriteAllAsync(IDataSink sink, params IReadOnlyList<Document> documents) => WriteAllAsync(sink, Slices.Of(documents));

    /// <summary>Deletes documents and checks that each delete was taken.</summary>
    protected static Task DeleteAsync(IDataSink sink, params IReadOnlyList<Document> documents) =>
        WriteAllAsync(sink, Slices.Deletes(documents.Select(d => d.Key)));

    private static async Task WriteAllAsync(IDataSink sink, RecordBatch batch)
    {
        using (batch)
        {
            for (var from = 0; from < batch.Count;)
            {
                var (count, bytes) = (0, 0L);
                while (from + count < batch.Count && count < sink.Limits.MaxRecords
                    && (count == 0 || bytes + batch.Records.Span[from + count].Bytes <= sink.Limits.MaxBytes))
                {
                    bytes += batch.Records.Span[from + count++].Bytes;
                }

                var result = await sink.WriteAsync(batch.Slice().Slice(from, count), Ct);
                Assert.Empty(result.Failures.Select(f => $"{System.Text.Encoding.UTF8.GetString(batch.Records.Span[from + f.Index].Key.Span)}: {f.Reason}"));
                Assert.Equal(count, result.Written + result.Unchanged);
                from += count;
            }
        }
    }

    private static IPEndPoint ServerOf(SinkTarget target) =>
        target.Server ?? throw new NotSupportedException("This sink has no server: override the check with the reason in its name.");
}
