using System.Text.Json;
using EsPipeline.Api.Search;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>
/// Answers that are the same for everyone who asks the same: what several ask for at once is asked and written once, after the last of them
/// has asked.
/// </summary>
internal sealed class SharedAnswers(TimeProvider time)
{
    private readonly SingleFlight<byte[]> _flights = new(SharedSearches.Patience, time);

    /// <summary>Answers with JSON.</summary>
    /// <param name="context">The request; its path and its parameters are all that the answer depends on.</param>
    /// <param name="find">Finds what is asked for.</param>
    public Task SendAsync<T>(HttpContext context, Func<CancellationToken, Task<T>> find) => _flights.JoinAsync(
        context.Request.Path.Value + context.Request.QueryString.Value,
        async ct => JsonSerializer.SerializeToUtf8Bytes(await find(ct).ConfigureAwait(false), ApiJson.Options),
        async answer =>
        {
            context.Response.ContentType = "application/json; charset=utf-8";
            context.Response.ContentLength = answer.Length;
            await context.Response.BodyWriter.WriteAsync(answer, context.RequestAborted).ConfigureAwait(false);
        },
        context.RequestAborted);
}
