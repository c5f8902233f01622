using EsPipeline.Api.Http;
using EsPipeline.Api.Indices;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Search;

/// <summary><c>POST /search</c>: a page of the documents that fit.</summary>
internal sealed class SearchEndpoint(SharedSearches searches, ServedIndices indices, ApiOptions options)
{
    /// <summary>Answers one search.</summary>
    public async Task AnswerAsync(HttpContext context)
    {
        var ct = context.RequestAborted;
        using var body = await JsonBody.ReadAsync(context).ConfigureAwait(false);
        var request = SearchRequest.Read(body.RootElement, options.MaxPageSize);
        var index = await indices.FindAsync(request.Index, ct).ConfigureAwait(false);
        var search = SearchQuery.Page(request, index, options.Timeout);

        // One name for all, so that one copy of each shard answers every page, and equals keep their order from page to page.
        var path = $"{index.Path}/_search?allow_partial_search_results=false&preference=espipe";
        await searches.AskAsync(
            path, search, answer => PageAnswer.WriteAsync(context, answer, index.Fields.DocumentRules, request.Selection, MetaOf(request, answer.Total ?? 0)), ct).ConfigureAwait(false);
    }

    private static SearchMeta MetaOf(SearchRequest request, long total)
    {
        var pages = (total + request.PageSize - 1) / request.PageSize;
        return new SearchMeta(
            total, request.PageSize, request.Page, pages, request.Page < pages, request.Page > 1 && pages > 0, request.Selection.Fields.Count > 0 ? request.Selection.Fields : ["*"]);
    }
}

/// <summary>Where a page stands among all.</summary>
/// <param name="TotalRecords">Documents that fit, in all.</param>
/// <param name="PageSize">Documents in a page.</param>
/// <param name="CurrentPage">This page, from 1.</param>
/// <param name="TotalPages">How many pages there are.</param>
/// <param name="HasNext">True where a page follows.</param>
/// <param name="HasPrevious">True where a page goes before.</param>
/// <param name="SelectedFields">The fields that were asked for; <c>*</c> for all.</param>
public sealed record SearchMeta(long TotalRecords, int PageSize, int CurrentPage, long TotalPages, bool HasNext, bool HasPrevious, IReadOnlyList<string> SelectedFields);
