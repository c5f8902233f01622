using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>
/// Answers that are the same for everyone who asks the same: what several ask for at the same moment is asked and written once. An answer
/// may be as of a second before its request, which is no older than what the servers find by default (<c>refresh_interval</c>).
/// </summary>
internal sealed class SharedAnswers(TimeProvider time)
{
    private static readonly TimeSpan Joinable = TimeSpan.FromSeconds(1);

    private readonly SingleFlight<byte[]> _flights = new(Joinable, time);

    /// <summary>Answers with JSON.</summary>
    /// <param name="context">The request; its path and its parameters are all that the answer depends on.</param>
    /// <param name="find">Finds what is asked for.</param>
    public async Task SendAsync<T>(HttpContext context, Func<CancellationToken, Task<T>> find)
    {
        var answer = await _flights.JoinAsync(
            context.Request.Path.Value + context.Request.QueryString.Value,
            async ct => JsonSerializer.SerializeToUtf8Bytes(await find(ct).ConfigureAwait(false), ApiJson.Options),
            context.RequestAborted).ConfigureAwait(false);
        context.Response.ContentType = "application/json; charset=utf-8";
        context.Response.ContentLength = answer.Length;
        await context.Response.BodyWriter.WriteAsync(answer, context.RequestAborted).ConfigureAwait(false);
    }
}
