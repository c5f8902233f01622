using System.Text.Json;
using EsPipeline.Api.Http;
using EsPipeline.Api.Indices;
using EsPipeline.Api.Search;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Api.Scroll;

/// <summary>
/// <c>GET /search/{index}/scroll</c>: every document of an index once, as it was when the first page was asked for, over a point in time
/// with search_after.
/// </summary>
internal sealed class ScrollEndpoint(
    SearchCluster cluster, ServerKind server, ServedIndices indices, AccessGate gate, OpenViews views, CursorSeal seal, ApiOptions options, TimeProvider time, ILogger log)
{
    private const int UsualSize = 100;
    private static readonly TimeSpan LongestClose = TimeSpan.FromSeconds(2);

    // What is left of the longest line of a request when the path and the other parameters are in it.
    private const int LongestCursor = 56 << 10;

    /// <summary>Answers one page.</summary>
    public async Task AnswerAsync(HttpContext context, string name, string? text, int? size, string? fields, string? sort)
    {
        var ct = context.RequestAborted;
        if (size is < 1 || size > options.MaxPageSize) throw ApiErrors.BadRequest.Error($"'size' has to be a whole number from 1 to {options.MaxPageSize}.");
        var index = await indices.FindAsync(name, ct).ConfigureAwait(false);
        var info = await server.FindAsync(ct).ConfigureAwait(false);
        var cursor = string.IsNullOrEmpty(text) ? null : Continue(text, name, size, fields, sort);
        var selection = new FieldSelection(Split(cursor?.Fields ?? fields), []);
        var order = cursor?.Sort ?? sort ?? "";
        var orders = order.Length == 0 ? [] : SortOrder.ParseList(order);
        var count = cursor?.Size ?? size ?? Math.Min(UsualSize, options.MaxPageSize);
        var keepAlive = $"{(long)Math.Ceiling(options.ScrollKeepAlive.TotalSeconds)}s";

        // What is wrong with the order is found out before the server has to keep anything.
        byte[] Body(string view) => SearchQuery.Write(w => WritePage(w, index, info, selection, orders, count, view, keepAlive, cursor));
        Body("");
        var expires = time.GetUtcNow() + options.ScrollKeepAlive;
        var (view, place) = cursor is null ? await OpenAsync(index, info, gate.CallerOf(context), keepAlive, ct).ConfigureAwait(false) : (cursor.View, cursor.Place);
        views.Use(place);
        var isOver = cursor is null;
        try
        {
            using var found = await cluster.AskAsync(HttpMethod.Post, "_search?allow_partial_search_results=false", Body(view), ct).ConfigureAwait(false);
            var answer = SearchAnswer.Read(found.Json);
            view = answer.PointInTime ?? view;
            var total = cursor?.Total ?? answer.Total ?? 0;
            var seen = (cursor?.Seen ?? 0) + answer.Count;

            // An end before the last document would be taken for all of them (invariant 4).
            if (answer.Count == 0 && seen < total) throw ApiErrors.BackendUnavailable.Error($"The search server gave no documents after {seen} of {total}.", "Read the page again, or begin anew without a cursor.");
            var next = seen < total
                ? Seal(new Cursor(name, view, Parse(answer.LastSort), count, cursor?.Fields ?? fields ?? "", order, total, seen, expires, place))
                : null;
            isOver &= next is null;
            var meta = new ScrollMeta(total, count, answer.Count, seen, next is not null, cursor is not null, next, selection.Fields.Count > 0 ? selection.Fields : ["*"]);
            await PageAnswer.WriteAsync(context, answer, index.Fields.DocumentRules, selection, meta).ConfigureAwait(false);
            isOver = next is null;
        }
        catch (PipelineException e) when (e.Error == ElasticsearchErrors.ViewLost)
        {
            views.Close(place);
            throw;
        }
        finally
        {
            // A view for which nobody has a cursor, or whose last page has been sent; else it is kept, since a page may be asked for again.
            if (isOver)
            {
                await CloseAsync(info, view).ConfigureAwait(false);
                views.Close(place);
            }
        }
    }

    private string Seal(Cursor cursor)
    {
        var text = seal.Seal(cursor);
        return text.Length <= LongestCursor ? text : throw ApiErrors.BadRequest.Error("The values that the documents are sorted by are too long for a cursor.", "Sort by fields with shorter values.");
    }

    private Cursor Continue(string text, string index, int? size, string? fields, string? sort)
    {
        var cursor = seal.Open(text);
        if (cursor.Index != index) throw ApiErrors.BadCursor.Error("The cursor is for another index.");
        if ((fields is not null && fields != cursor.Fields) || (sort is not null && sort != cursor.Sort))
        {
            throw ApiErrors.BadCursor.Error("The cursor was given out for other fields or another order, which can't change between pages.");
        }

        if (time.GetUtcNow() > cursor.Expires) throw ApiErrors.CursorExpired.Error($"The cursor was good until {cursor.Expires:yyyy-MM-dd'T'HH:mm:ss'Z'}.");
        return cursor with { Size = Math.Min(size ?? cursor.Size, options.MaxPageSize) };
    }

    private void WritePage(
        Utf8JsonWriter writer, ServedIndex index, ServerInfo info, FieldSelection selection, IReadOnlyList<SortOrder> orders, int count, string view, string keepAlive, Cursor? cursor)
    {
        writer.WriteNumber("size", count);
        writer.WriteBoolean("track_total_hits", cursor is null);
        SearchQuery.WriteTimeout(writer, options.Timeout);
        writer.WriteStartObject("pit");
        writer.WriteString("id", view);
        writer.WriteString("keep_alive", keepAlive);
        writer.WriteEndObject();
        SearchQuery.WriteSort(writer, orders, index, ServerKind.TieBreakerOf(info));
        if (cursor is not null)
        {
            writer.WritePropertyName("search_after");
            cursor.After.WriteTo(writer);
        }

        selection.Write(writer, index.Fields.DocumentRules);
    }

    private async Task<(string View, long Place)> OpenAsync(ServedIndex index, ServerInfo info, string caller, string keepAlive, CancellationToken ct)
    {
        if (!info.HasPointInTime) throw ApiErrors.QueryRefused.Error("The search server is too old for scrolling.", "Use POST /search.");
        var place = views.Open(caller);
        try
        {
            using var answer = await cluster.AskAsync(HttpMethod.Post, $"{index.Path}/{info.OpenPointInTime}?keep_alive={keepAlive}", null, ct).ConfigureAwait(false);
            using var document = JsonDocument.Parse(answer.Json);
            return (document.RootElement.GetProperty(info.PointInTimeField).GetString()!, place);
        }
        catch
        {
            views.Close(place);
            throw;
        }
    }

    // Where that fails, the server forgets it by itself after a while.
    private async Task CloseAsync(ServerInfo info, string view)
    {
        using var patience = new CancellationTokenSource(LongestClose, time);
        try
        {
            var body = SearchQuery.Write(w =>
            {
                if (info.IsOpenSearch) w.WriteStartArray("pit_id");
                else w.WritePropertyName("id");
                w.WriteStringValue(view);
                if (info.IsOpenSearch) w.WriteEndArray();
            });
            using var closed = await cluster.AskAsync(HttpMethod.Delete, info.ClosePointInTime, body, patience.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (e is PipelineException or OperationCanceledException)
        {
            Log.ViewNotClosed(log, options.ScrollKeepAlive, e.Message);
        }
    }

    private static string[] Split(string? fields) =>
        string.IsNullOrEmpty(fields) ? [] : fields.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static JsonElement Parse(ReadOnlyMemory<byte> json)
    {
        using var document = JsonDocument.Parse(json);
        return document.RootElement.Clone();
    }
}

/// <summary>Where a page stands in a scroll.</summary>
/// <param name="TotalRecords">Documents in all.</param>
/// <param name="PageSize">Documents in a page.</param>
/// <param name="Returned">Documents on this page.</param>
/// <param name="Seen">Documents on this page and those before.</param>
/// <param name="HasNext">True where a page follows.</param>
/// <param name="HasPrevious">True where a page went before.</param>
/// <param name="NextCursor">What to give as <c>cursor</c> for the next page; absent on the last.</param>
/// <param name="SelectedFields">The fields that were asked for; <c>*</c> for all.</param>
public sealed record ScrollMeta(
    long TotalRecords, int PageSize, int Returned, long Seen, bool HasNext, bool HasPrevious, string? NextCursor, IReadOnlyList<string> SelectedFields);
