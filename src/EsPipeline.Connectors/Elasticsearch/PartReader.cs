using System.Runtime.CompilerServices;
using System.Text;
using EsPipeline.Core.Records;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>Reads partitions, each in the way that its position says.</summary>
/// <param name="client">The cluster.</param>
/// <param name="options">What keys and documents are.</param>
/// <param name="expression">The indices that were asked for.</param>
/// <param name="overlap">How far each read by time reaches back.</param>
/// <param name="log">Where to log.</param>
internal sealed class PartReader(ElasticsearchClient client, ElasticsearchSourceOptions options, string expression, TimeSpan overlap, ILogger log)
{
    private readonly OverlapMemory _memory = new();
    private volatile bool _hasMoved;
    private volatile bool _hasVanished;

    /// <summary>
    /// True where an index that was planned to be read is no longer behind the alias through which it is. Its parts are then not done, and
    /// what the alias means now has to be planned anew. Set back to false when that is.
    /// </summary>
    public bool HasMoved
    {
        get => _hasMoved;
        set => _hasMoved = value;
    }

    /// <summary>
    /// True where an index that was planned to be read was deleted. Its documents may be in another one by then (shrunk, cloned, mounted from a snapshot),
    /// so that what there is now has to be planned anew. Set back to false when that is.
    /// </summary>
    public bool HasVanished
    {
        get => _hasVanished;
        set => _hasVanished = value;
    }

    /// <summary>Reads on.</summary>
    public IAsyncEnumerable<RecordBatch> ReadAsync(ShardPart part, ElasticsearchPosition after, CancellationToken ct) => after switch
    {
        RangePosition { After: null } => AsyncEnumerable.Empty<RecordBatch>(),
        RangePosition range => ReadRangeAsync(part, range, ct),
        FollowPosition follow => ReadChangesAsync(part, follow, ct),
        TimePosition time => ReadTimesAsync(part, time, ct),
        SlicePosition { Ended: true } => AsyncEnumerable.Empty<RecordBatch>(),
        SlicePosition slice => ReadSliceAsync(part, slice, ct),
        _ => throw new InvalidOperationException("A kind of position that nothing reads."),
    };

    // A part of a snapshot. The last part of a shard is open: it has all that its view has. When there is more than one view it ends where
    // the snapshot began, since what a later view shows beyond that may have been read under an earlier number already.
    private async IAsyncEnumerable<RecordBatch> ReadRangeAsync(ShardPart part, RangePosition position, [EnumeratorCancellation] CancellationToken ct)
    {
        var view = part.View!;
        var reader = ReaderOf(part, FilterOf(part), () =>
            view.IsOneMoment ? position.To
            : part.IsFinal ? position.To ?? position.Checkpoint
            : long.MinValue, view, position.To ?? position.Checkpoint);
        await foreach (var page in reader.ReadAsync(position.After!.Value, ct).ConfigureAwait(false))
        {
            position = position with { After = page.Reached ?? page.Records.Last };
            yield return page.Records.ToBatch(position.ToPosition(), page.Span, part.PlaceUnit);
        }

        if (await MovedAsync(part, reader, ct).ConfigureAwait(false)) yield break;

        // Without the servers' checkpoints a lost view means that all of the shard is read anew, so this part is not done.
        if (!part.IsFinal && !view.IsOneMoment) yield break;
        await view.LeaveAsync().ConfigureAwait(false);
        yield return RecordBatch.Empty((position with { After = null }).ToPosition());
    }

    private async IAsyncEnumerable<RecordBatch> ReadChangesAsync(ShardPart part, FollowPosition position, [EnumeratorCancellation] CancellationToken ct)
    {
        var checkpoint = part.Shard!.Checkpoint;
        var reader = ReaderOf(part, FilterOf(part), () => checkpoint, null, checkpoint);
        await foreach (var page in reader.ReadAsync(position.After, ct).ConfigureAwait(false))
        {
            position = position with { After = page.Reached!.Value };
            yield return page.Records.ToBatch(position.ToPosition(), page.Span, part.PlaceUnit);
        }

        if (reader.HasMoved) NoteMoved(part);
    }

    // By time, but in the order of sequence numbers: then it does not matter how many documents have the same time.
    private async IAsyncEnumerable<RecordBatch> ReadTimesAsync(ShardPart part, TimePosition position, [EnumeratorCancellation] CancellationToken ct)
    {
        var shard = $"{part.Index.Uuid}:{part.Shard!.Name}:{part.Shard.History}";
        var next = position.Next ?? Later(position.UpTo, part.LatestTime);
        var reader = ReaderOf(part, Since(FilterOf(part), part, position.UpTo), () => null, null, -1, number => _memory.IsKnown(shard, number));
        await foreach (var page in reader.ReadAsync(position.After, ct).ConfigureAwait(false))
        {
            position = position with { Next = next, After = page.Reached ?? page.Records.Last };
            yield return page.Records.ToBatch(position.ToPosition(), 0, part.PlaceUnit);
        }

        if (reader.HasMoved)
        {
            NoteMoved(part);
            yield break;
        }

        _memory.EndPass(shard);
        yield return RecordBatch.Empty((position with { UpTo = next, Next = null, After = -1 }).ToPosition());
    }

    private async IAsyncEnumerable<RecordBatch> ReadSliceAsync(ShardPart part, SlicePosition position, [EnumeratorCancellation] CancellationToken ct)
    {
        var next = position.Next ?? Later(position.UpTo, part.LatestTime);
        var filter = Since(FilterOf(part), part, position.UpTo);
        var reader = new SliceReader(client, part.Server, part.Index, FormOf(part.Index), filter, part.Window, log);
        await foreach (var records in reader.ReadAsync(position.Slice, position.Slices, ct).ConfigureAwait(false))
        {
            yield return records.ToBatch(position.ToPosition(), 0, part.PlaceUnit);
        }

        if (await MovedAsync(part, null, ct).ConfigureAwait(false)) yield break;
        yield return RecordBatch.Empty((position with { Next = next, Ended = true }).ToPosition());
    }

    // An alias may be moved while it is read. What it meant before is then of no use to anybody, even where all of it has been read.
    private async Task<bool> MovedAsync(ShardPart part, SequenceReader? reader, CancellationToken ct)
    {
        if (reader is not { HasMoved: true } && await IndexCatalog.ReachesAsync(client, part.Index, ct).ConfigureAwait(false)) return false;
        NoteMoved(part);
        return true;
    }

    private void NoteMoved(ShardPart part)
    {
        if (!_hasMoved) Log.AliasMoved(log, part.Index.Name, expression);
        _hasMoved = true;
    }

    private static long? Later(long? a, long? b) => a is null || b > a ? b : a;

    private SequenceReader ReaderOf(
        ShardPart part, SearchFilter filter, Func<long?> upTo, PointInTime? view, long dense, Func<long, bool>? isKnown = null) =>
        new(client, part.Server, part.Shard!, FormOf(part.Index), filter, part.Window)
        {
            View = view,
            Dense = dense,
            UpTo = upTo,
            IsKnown = isKnown,
            OnVanished = part.Index.Name == expression ? null : () => _hasVanished = true,
        };

    private static SearchFilter FilterOf(ShardPart part) => new SearchFilter()
        .In(part.Index)
        .Between(part.Selection.TimestampField, part.Selection.Since, part.Selection.Until)
        .Query(part.Query);

    private SearchFilter Since(SearchFilter filter, ShardPart part, long? upTo) => upTo is { } milliseconds
        ? filter.Between(part.Selection.TimestampField, DateTimeOffset.FromUnixTimeMilliseconds(milliseconds) - overlap, null)
        : filter;

    private RecordForm FormOf(ConcreteIndex index) =>
        new(index.Name, options.Envelope, options.Key == KeyForm.Id ? [] : Encoding.UTF8.GetBytes(index.Name + "/"), options.Key == KeyForm.IndexRoutingId);
}
