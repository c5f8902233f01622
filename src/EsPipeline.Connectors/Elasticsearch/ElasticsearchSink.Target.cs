using EsPipeline.Core.Records;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Connectors.Elasticsearch;

/// <content>What is written to: whether it is still there, and what an alias means besides the index that is written to.</content>
public sealed partial class ElasticsearchSink
{
    private readonly CopiedIndices _copied = new();
    private long _dropped;
    private string? _elsewhere;

    /// <inheritdoc/>
    public void Recall(ISinkNote note) => _copied.Recall(note);

    // The servers make a missing index by themselves when something is written to it, with whatever mapping comes out.
    private async Task MakeSureOfIndexAsync(CancellationToken ct)
    {
        if (_target is not { IsSeen: true } target) return;
        Interlocked.Exchange(ref _checkedAt, _time.GetTimestamp());
        var now = await FindAgainAsync(ct).ConfigureAwait(false);
        if (now.Uuid == target.Uuid)
        {
            Interlocked.CompareExchange(ref _target, now, target);
            return;
        }

        if (!target.IsAlias)
        {
            throw ElasticsearchErrors.IndexReplaced.Error($"The index '{_name}' is another one than before: it was deleted and made again while it was written to.");
        }

        if (now.IsSeen) await GoOnInAsync(target, now, ct).ConfigureAwait(false);
    }

    // An alias that has rolled over still means the index before; one that was moved does not, and what a snapshot has copied there is lost to it.
    private async Task GoOnInAsync(TargetIndex before, TargetIndex now, CancellationToken ct)
    {
        if (_kind == ReadKind.Snapshot) await _copied.AddAsync(now, ct).ConfigureAwait(false);

        // Another writer may have seen it first.
        if (Interlocked.CompareExchange(ref _target, now, before) != before) return;
        Log.TargetMoved(_log, _name, now.Concrete, before.Concrete);
        _pipeline = PipelineOf(now);
        if (_relaxed && await TargetIndex.FindAsync(_client, before.Concrete, ct).ConfigureAwait(false) is { } left)
        {
            await _bulkLoad.RestoreAsync(left, ct).ConfigureAwait(false);
        }
    }

    // The servers delete through an alias in its write index only, and say that they found nothing where the document is in another.
    private async Task<WriteResult> DeleteBehindAsync(RecordSlice slice, BulkAnswer answer, WriteResult result, CancellationToken ct)
    {
        if (_target is not { IsAlias: true }) return result;
        var failures = result.Failures.ToList();
        var failed = failures.Select(f => f.Index).ToHashSet();
        int[] deletes = [.. Enumerable.Range(0, slice.Count).Where(i => slice[i].Operation == RecordOperation.Delete && !failed.Contains(i))];
        if (deletes.Length == 0) return result;

        // The alias may have rolled over since it was looked at.
        if (answer.Index is { } written && written != _target.Concrete) await MakeSureOfIndexAsync(ct).ConfigureAwait(false);
        if (_target is not { Behind.Count: > 1 } target) return result;
        var unchanged = answer.Unchanged.ToHashSet();
        foreach (var index in target.Behind.Keys.Where(i => i != target.Concrete))
        {
            var path = $"{IndexExpression.Encode(index)}/_bulk?{BulkAnswer.Filter}{RefreshText}";
            var (there, behind) = await SendToAsync(path, slice.Pick(deletes), ct).ConfigureAwait(false);

            foreach (var failure in await NotGoneAsync(index, slice, deletes, behind.Failures, ct).ConfigureAwait(false))
            {
                if (failed.Add(deletes[failure.Index])) failures.Add(failure with { Index = deletes[failure.Index] });
            }

            var without = there.Unchanged.Concat(behind.Failures.Select(f => f.Index)).ToHashSet();
            unchanged.ExceptWith(Enumerable.Range(0, deletes.Length).Where(i => !without.Contains(i)).Select(i => deletes[i]));
        }

        unchanged.ExceptWith(failed);
        failures.Sort((a, b) => a.Index.CompareTo(b.Index));
        return new WriteResult(slice.Count - unchanged.Count - failed.Count, unchanged.Count, failures);
    }

    // An index that has gone in the meantime, or is closed, holds nothing any more that is found. One that is blocked, as an older one often is, refuses
    // deletes of documents that it does not hold, too.
    private async Task<IReadOnlyList<RecordFailure>> NotGoneAsync(
        string index, RecordSlice slice, int[] deletes, IReadOnlyList<RecordFailure> failures, CancellationToken ct)
    {
        var left = failures.Where(f => f.Error != ElasticsearchErrors.IndexNotFound && f.Error != ElasticsearchErrors.IndexClosed).ToArray();
        if (!left.Any(f => f.Error == ElasticsearchErrors.Blocked)) return left;
        var body = SearchBody.Write(w =>
        {
            w.WriteStartObject();
            w.WriteStartArray("ids");
            foreach (var failure in left) w.WriteStringValue(slice[deletes[failure.Index]].Key.Span);
            w.WriteEndArray();
            w.WriteEndObject();
        });
        var path = $"{IndexExpression.Encode(index)}/_mget?_source=false";
        var held = (await _client.SendAsync(HttpMethod.Post, path, body, ct).ConfigureAwait(false)).GetProperty("docs").EnumerateArray()
            .Select(d => !d.TryGetProperty("found", out var found) || found.GetBoolean()).ToArray();
        return [.. left.Zip(held).Where(f => f.First.Error != ElasticsearchErrors.Blocked || f.Second).Select(f => f.First.Error != ElasticsearchErrors.Blocked
            ? f.First
            : f.First with { Error = ElasticsearchErrors.BlockedBehind, Reason = $"It is in {index}, which '{_name}' means, too, and which is blocked for writing." })];
    }

    // "Not found" is what the servers answer where it is under a routing, which a record does not have: it would count as deleted.
    private static void RefuseDeletes(RecordSlice slice, string routed)
    {
        if (!Enumerable.Range(0, slice.Count).Any(i => slice[i].Operation == RecordOperation.Delete)) return;
        throw ElasticsearchErrors.NotWritable.Error(
            $"A record was deleted, and documents of the index '{routed}' have a routing of their own, under which a delete by key does not find them.",
            "Name an index that was filled without a routing.");
    }

    private void NoteDetours(BulkAnswer answer)
    {
        Interlocked.Add(ref _dropped, answer.Dropped);
        if (answer.Elsewhere is { } index && Interlocked.Exchange(ref _elsewhere, index) is null) Log.PipelineReroutes(_log, _pipeline ?? "", index, _name);
    }

    private void SayDropped()
    {
        if (Interlocked.Exchange(ref _dropped, 0) is > 0 and var count) Log.PipelineDrops(_log, count, _pipeline ?? "of the index", _name);
    }

    private string RefreshText =>
        _options.Refresh switch { RefreshTime.Now => "&refresh=true", RefreshTime.Wait => "&refresh=wait_for", _ => "" };

    // What documents go through, as far as the user may see it.
    private string? PipelineOf(TargetIndex target)
    {
        if (_options.Pipeline.Length > 0) return _options.Pipeline;
        return Own("default_pipeline") ?? Own("final_pipeline");

        string? Own(string setting) => TargetIndex.Setting(target.Settings, setting) is { } name and not "_none" ? name : null;
    }
}
