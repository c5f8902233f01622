using System.Runtime.CompilerServices;
using EsPipeline.Core.Errors;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>
/// Reads a slice of an index whose documents have no sequence numbers, by scrolling: it shows one moment, in no order, and can't be gone on
/// with once the scroll is lost; the slice is then read again.
/// </summary>
internal sealed class SliceReader(ElasticsearchClient client, ConcreteIndex index, RecordForm form, SearchFilter filter, ILogger log)
{
    private const int Documents = 1000;

    private int _expectedBytes = 64 * 1024;

    /// <summary>Reads the slice.</summary>
    public async IAsyncEnumerable<HitRecords> ReadAsync(int slice, int slices, [EnumeratorCancellation] CancellationToken ct)
    {
        string? scroll = null;
        try
        {
            var path = $"{index.Address}/_search?scroll={SearchBody.KeepAlive}&allow_partial_search_results=false";
            var answer = await FetchAsync(path, SearchBody.Slice(filter, slice, slices, Documents), ct).ConfigureAwait(false);
            while (true)
            {
                var page = SearchPage.Open(answer, index.Name);
                scroll = page.ViewId ?? scroll;
                _expectedBytes = answer.Length + (answer.Length / 10);
                var records = HitRecords.Read(page, Documents, null, form, null);
                if (records.Hits == 0)
                {
                    records.ToBatch(default, 0, "").Dispose();
                    yield break;
                }

                yield return records;
                answer = await FetchAsync("_search/scroll", ScrollBody(scroll), ct).ConfigureAwait(false);
            }
        }
        finally
        {
            if (scroll is not null) await CloseAsync(scroll).ConfigureAwait(false);
        }
    }

    private Task<AnswerBuffer> FetchAsync(string path, byte[] body, CancellationToken ct) =>
        client.FetchAsync(HttpMethod.Post, path, body, _expectedBytes, Array.MaxLength, ct);

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
