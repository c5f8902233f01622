using System.Buffers;
using System.Text.Json;
using EsPipeline.Api.Search;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>Answers with a page of documents: <c>{"data":[…],"meta":{…}}</c>, the documents as the bytes that the search server sent.</summary>
internal static class PageAnswer
{
    /// <summary>Writes it.</summary>
    /// <param name="context">The request.</param>
    /// <param name="answer">The documents.</param>
    /// <param name="rules">Which of their fields exist.</param>
    /// <param name="selection">Which of them were asked for.</param>
    /// <param name="meta">Where the page stands.</param>
    public static async Task WriteAsync<T>(HttpContext context, SearchAnswer answer, FieldRules rules, FieldSelection selection, T meta)
    {
        // An empty object for each would be taken for the document.
        if (answer.LacksDocuments && !selection.IsIdAlone)
        {
            throw ApiErrors.QueryRefused.Error("This index does not keep its documents (_source is turned off in its mapping), so they can't be shown.", "Ask for _id as the only field, and read the documents where they came from.");
        }

        var response = context.Response;
        response.ContentType = "application/json";
        var output = response.BodyWriter;
        output.Write("{\"data\":"u8);
        await answer.WriteDocumentsAsync(rules, selection.WithId, output, context.RequestAborted).ConfigureAwait(false);
        output.Write(",\"meta\":"u8);
        output.Write(JsonSerializer.SerializeToUtf8Bytes(meta, ApiJson.Options));
        output.Write("}"u8);
        await output.FlushAsync(context.RequestAborted).ConfigureAwait(false);
    }
}
