using System.Runtime.CompilerServices;
using EsPipeline.Core.Errors;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>What one page of operations held.</summary>
/// <param name="Records">Its records.</param>
/// <param name="Reached">Every operation up to this sequence number has been read; null at the end of a read without a bound.</param>
/// <param name="Span">How many sequence numbers it covered.</param>
internal readonly record struct SequencePage(HitRecords Records, long? Reached, long Span);

/// <summary>
/// Reads a shard's operations in the order of their sequence numbers, window by window. A document is found under the number of its newest
/// operation only, so each is read once, and what changes while reading moves ahead of it. The next window is asked for before this one is
/// parsed, so that at most two pages are in memory.
/// </summary>
/// <param name="client">The cluster.</param>
/// <param name="server">What it is.</param>
/// <param name="shard">The shard.</param>
/// <param name="form">What keys and documents are.</param>
/// <param name="filter">Which documents.</param>
/// <param name="window">How wide windows are; kept by the caller for the next read of the same part.</param>
internal sealed class SequenceReader(
    ElasticsearchClient client, ServerInfo server, ShardFacts shard, RecordForm form, SearchFilter filter, SequenceWindow window)
{
    // Much more than is aimed at; a page that is longer is asked for again with fewer documents in it.
    internal const long MostBytes = 32 << 20;

    // A lost view is opened anew at once; a server that loses one after the other is left to the engine's patience.
    private const int QuickReopens = 3;

    private int _reopened;
    private bool _vanished;

    /// <summary>True when the read has ended because the index is no longer where it was: nothing can be said of what was not read.</summary>
    public bool HasMoved { get; private set; }

    /// <summary>The view to read in; null to read what the index has at the time of each page.</summary>
    public PointInTime? View { get; init; }

    /// <summary>Up to this sequence number windows are bounded, so that the server has little to sort.</summary>
    public long Dense { get; init; } = -1;

    /// <summary>The last sequence number to read, asked for before each window; null for all that there is.</summary>
    public required Func<long?> UpTo { get; init; }

    /// <summary>Says whether an operation is to be left out.</summary>
    public Func<long, bool>? IsKnown { get; init; }

    /// <summary>Told that the index is gone, which then only ends the read; null where that is an error.</summary>
    public Action? OnVanished { get; init; }

    /// <summary>Reads on from behind a sequence number.</summary>
    public async IAsyncEnumerable<SequencePage> ReadAsync(long after, [EnumeratorCancellation] CancellationToken ct)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(ct);
        Request? ahead = null;
        try
        {
            while (!_vanished && (UpTo() is not { } last || after < last))
            {
                // A page that has come already knows nothing of the cancelling.
                ct.ThrowIfCancellationRequested();
                var request = ahead?.After == after ? ahead : Ask(after, ending.Token);
                ahead = null;
                if (await ReceiveAsync(request).ConfigureAwait(false) is not { } answer) continue;

                ahead = AskAhead(request, answer, ending.Token);
                var bytes = answer.Page.Answer.Length;
                var shards = answer.Page.Shards;
                var records = HitRecords.Read(answer.Page, answer.Size, after, form, IsKnown);

                // A hit proves that the index was searched; that there is none proves it only where the alias still means the index.
                if (records.Hits == 0 && !await IsReachedAsync(shards, ct).ConfigureAwait(false))
                {
                    records.ToBatch(default, 0, "").Dispose();
                    HasMoved = true;
                    yield break;
                }

                var reached = records.Hits >= answer.Size ? records.Last : answer.UpTo;

                // Where the next page was asked for from the last hit though this one was not full, a stretch without hits is read twice.
                if (ahead is not null && (reached is null || ahead.After < reached)) reached = ahead.After;
                var span = (reached ?? records.Last) - after;
                window.Learn(Math.Max(1, span), records.Hits, bytes);
                yield return new SequencePage(records, reached, span);
                if (reached is null) yield break;
                after = reached.Value;
            }
        }
        finally
        {
            await ending.CancelAsync().ConfigureAwait(false);
            if (ahead is not null) await DropAsync(ahead).ConfigureAwait(false);
        }
    }

    private Request Ask(long after, CancellationToken ct) => new(after, FetchAsync(after, ct));

    // Asks for the next page where it is known from where: behind an exact window, or behind the last hit of one that is worth it.
    private Request? AskAhead(Request request, Answer answer, CancellationToken ct)
    {
        var exact = answer.UpTo is { } end && end - request.After <= answer.Size;
        var next = exact ? answer.UpTo : answer.Page.Answer.Length > window.ExpectedBytes / 2 ? answer.Page.PeekLastSort() : null;
        return next is { } after && after > request.After && (UpTo() is not { } last || after < last) ? Ask(after, ct) : null;
    }

    private async Task<Answer?> FetchAsync(long after, CancellationToken ct)
    {
        // The bound depends on which view it is, so it is asked for once that is known.
        var id = View is null ? null : await View.IdAsync(ct).ConfigureAwait(false);
        var last = UpTo();
        if (after >= last) return null;
        var upTo = after < Dense ? Math.Min(Math.Min(after + window.Width, Dense), last ?? long.MaxValue) : last;
        var size = window.PageSize;
        var path = id is null
            ? $"{shard.Index.Address}/_search?allow_partial_search_results=false{server.Reach(shard.Shard)}"
            : "_search?allow_partial_search_results=false";
        try
        {
            var most = size == 1 ? Array.MaxLength : MostBytes;
            var answer = await client.FetchAsync(
                HttpMethod.Post, path, SearchBody.Window(filter, after, upTo, size, id, server), window.ExpectedBytes, most, ct).ConfigureAwait(false);
            if (answer.CutOff)
            {
                answer.Dispose();
                window.Shrink();
                return null;
            }

            var page = SearchPage.Open(answer, shard.Name);
            View?.Renew(page.ViewId);
            if (page.Shards == 1 || shard.Index.IsShared) return new Answer(page, upTo, size);
            page.Dispose();
            throw ElasticsearchErrors.PartialAnswer.Error($"{page.Shards} shards answered a search in {shard.Name} alone.");
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.ViewLost)
        {
            View?.Lose(id);
            throw;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Unavailable && e.Message.Contains("is not available", StringComparison.Ordinal))
        {
            // "node [x] is not available": the view has gone with its node, which until 9.3 is no "not found".
            View?.Fail(id);
            throw;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Forbidden && id is not null && shard.Index.IsShared)
        {
            await View!.RefuseAsync().ConfigureAwait(false);
            return null;
        }
    }

    private async Task<bool> IsReachedAsync(int shards, CancellationToken ct)
    {
        if (!await IndexCatalog.ReachesAsync(client, shard.Index, ct).ConfigureAwait(false)) return false;
        return shards > 0 ? true : throw ElasticsearchErrors.PartialAnswer.Error($"No shard answered a search in {shard.Name}.");
    }

    /// <returns>Null where the page has to be asked for again, in another way.</returns>
    private async Task<Answer?> ReceiveAsync(Request request)
    {
        try
        {
            var answer = await request.Answer.ConfigureAwait(false);
            _reopened = 0;
            return answer;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.ViewLost && _reopened++ < QuickReopens)
        {
            return null;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.IndexNotFound && OnVanished is not null)
        {
            _vanished = true;
            HasMoved = shard.Index.IsShared;
            OnVanished();
            return null;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Throttled || e.Error == ElasticsearchErrors.TimedOut)
        {
            window.Shrink();
            throw;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Refused && SequenceWindow.LimitIn(e.Message) is { } most)
        {
            window.LimitTo(most);
            return null;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Refused && shard.Index.IsShared)
        {
            // OpenSearch opens no view of a shard that nothing behind the alias has.
            if (await IndexCatalog.ReachesAsync(client, shard.Index, default).ConfigureAwait(false)) throw;
            _vanished = HasMoved = true;
            return null;
        }
    }

    private static async Task DropAsync(Request request)
    {
        try
        {
            if (await request.Answer.ConfigureAwait(false) is { } answer) answer.Page.Dispose();
        }
        catch (Exception e) when (e is PipelineException or OperationCanceledException)
        {
            // Nobody wants this page any more, so it does not matter why it did not come.
        }
    }

    /// <summary>A page that has been asked for, from behind a sequence number.</summary>
    private sealed record Request(long After, Task<Answer?> Answer);

    /// <summary>A page, the window it is of, and how many documents it may hold.</summary>
    private sealed record Answer(SearchPage Page, long? UpTo, int Size);
}
