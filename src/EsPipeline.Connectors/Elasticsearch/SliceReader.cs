using System.Runtime.CompilerServices;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Reads a slice of an index whose documents have no sequence numbers, by scrolling: it shows one moment, in no order, and can't be gone on
/// with once the scroll is lost; the slice is then read again.
/// </summary>
/// <param name="client">The cluster.</param>
/// <param name="server">What it is.</param>
/// <param name="index">The index.</param>
/// <param name="form">What keys and documents are.</param>
/// <param name="filter">Which documents.</param>
/// <param name="window">How many documents a page has; kept by the caller for the next read of the same slice.</param>
/// <param name="log">Where to log.</param>
internal sealed class SliceReader(
    ElasticsearchClient client, ServerInfo server, ConcreteIndex index, RecordForm form, SearchFilter filter, SequenceWindow window, ILogger log)
{
    private int _expectedBytes = 64 * 1024;

    /// <summary>
    /// Reads the slice. The pages of one scroll all have as many documents: where they turn out to be too large for memory or for the server, the
    /// slice begins again with fewer in each, and what was read of it comes again.
    /// </summary>
    public async IAsyncEnumerable<HitRecords> ReadAsync(int slice, int slices, [EnumeratorCancellation] CancellationToken ct)
    {
        for (var whole = false; !whole;)
        {
            await foreach (var records in ScrollAsync(slice, slices, window.PageSize, ct).ConfigureAwait(false))
            {
                whole = records is null;
                if (records is not null) yield return records;
            }
        }
    }

    // Ends with a null where there is nothing more; without, where it has to begin again.
    private async IAsyncEnumerable<HitRecords?> ScrollAsync(int slice, int slices, int size, [EnumeratorCancellation] CancellationToken ct)
    {
        string? scroll = null;
        try
        {
            var path = $"{index.Address}/_search?scroll={SearchBody.KeepAlive}&allow_partial_search_results=false{server.Reach()}";
            var answer = await FetchAsync(path, SearchBody.Slice(filter, slice, slices, size, server), size, ct).ConfigureAwait(false);
            while (answer is not null)
            {
                var page = SearchPage.Open(answer, index.Name);
                scroll = page.ViewId ?? scroll;
                if (answer.CutOff)
                {
                    page.Dispose();
                    window.Shrink();
                    yield break;
                }

                _expectedBytes = answer.Length + (answer.Length / 10);
                var records = HitRecords.Read(page, size, null, form, null);
                if (records.Hits == 0)
                {
                    records.ToBatch(default, 0, "").Dispose();
                    yield return null;
                    yield break;
                }

                yield return records;
                answer = await FetchAsync("_search/scroll", ScrollBody(scroll), size, ct).ConfigureAwait(false);
            }
        }
        finally
        {
            if (scroll is not null) await CloseAsync(scroll).ConfigureAwait(false);
        }
    }

    /// <returns>Null where the pages have to be smaller.</returns>
    private async Task<AnswerBuffer?> FetchAsync(string path, byte[] body, int size, CancellationToken ct)
    {
        try
        {
            // Each page moves the scroll on: one that is asked for twice is the page behind it. After a lost answer the slice is read anew.
            return await client.FetchOnceAsync(
                HttpMethod.Post, path, body, _expectedBytes, size == 1 ? Array.MaxLength : SequenceReader.MostBytes, ct).ConfigureAwait(false);
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Throttled || e.Error == ElasticsearchErrors.TimedOut)
        {
            window.Shrink();
            throw;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.Refused && SequenceWindow.LimitIn(e.Message) is { } most)
        {
            window.LimitTo(most);
        }

        _expectedBytes = 64 * 1024;
        return null;
    }

    private static byte[] ScrollBody(string? id) => SearchBody.Write(w =>
    {
        w.WriteStartObject();
        w.WriteString("scroll", SearchBody.KeepAlive);
        w.WriteString("scroll_id", id);
        w.WriteEndObject();
    });

    private async Task CloseAsync(string scroll)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        try
        {
            var body = SearchBody.Write(w =>
            {
                w.WriteStartObject();
                w.WriteString("scroll_id", scroll);
                w.WriteEndObject();
            });
            await client.SendAsync(HttpMethod.Delete, "_search/scroll", body, limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PipelineException or OperationCanceledException)
        {
            Log.ViewNotClosed(log, index.Name, SearchBody.KeepAlive, e.Message);
        }
    }
}
