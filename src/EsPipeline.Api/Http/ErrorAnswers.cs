using System.Text.RegularExpressions;
using EsPipeline.Core.Errors;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;

namespace EsPipeline.Api.Http;

/// <summary>Turns everything that is thrown, and every empty error that the framework gives, into a <see cref="Problem"/>.</summary>
internal sealed partial class ErrorAnswers(RequestDelegate next, ILogger log)
{
    /// <summary>Handles one request.</summary>
    public async Task InvokeAsync(HttpContext context)
    {
        try
        {
            await next(context).ConfigureAwait(false);
            if (!context.Response.HasStarted && context.Response.ContentType is null && FromStatus(context) is { } empty) await AnswerAsync(context, empty).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            // Nobody is there to answer any more.
            context.Abort();
        }
        catch (PipelineException e)
        {
            await AnswerAsync(context, e).ConfigureAwait(false);
        }
        catch (BadHttpRequestException e)
        {
            await AnswerAsync(context, FromBadRequest(e)).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The last handler: whatever it is, the caller gets a problem and the log the rest.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Log.Unexpected(log, e, context.Request.Method, PathOf(context));
            if (context.Response.HasStarted) context.Abort();
            else await Problem.WriteAsync(context, ApiErrors.Unexpected.Error("The request could not be answered.")).ConfigureAwait(false);
        }
    }

    private async Task AnswerAsync(HttpContext context, PipelineException error)
    {
        if (Problem.IsCallers(error)) Log.Refused(log, context.Request.Method, PathOf(context), error.Message);
        else Log.Failed(log, context.Request.Method, PathOf(context), error.Message, error.Code);

        // An answer that has begun can't become an error: it is broken off, so that nobody takes it for whole (invariant 4).
        if (context.Response.HasStarted)
        {
            context.Abort();
            return;
        }

        var headers = context.Response.Headers.Where(h => h.Key is "Allow" or "Vary" || h.Key.StartsWith("Access-Control-", StringComparison.Ordinal)).ToArray();
        context.Response.Clear();
        foreach (var header in headers) context.Response.Headers[header.Key] = header.Value;
        await Problem.WriteAsync(context, error).ConfigureAwait(false);
    }

    private static PipelineException? FromStatus(HttpContext context) => context.Response.StatusCode switch
    {
        404 => ApiErrors.NoSuchPath.Error("There is nothing at this path."),
        405 => ApiErrors.WrongMethod.Error($"This path does not take {Printable(context.Request.Method)}; it takes {context.Response.Headers.Allow}."),
        413 => ApiErrors.BodyTooLarge.Error("The body is larger than 1 MiB."),
        415 => ApiErrors.NotJson.Error("The body is not declared as JSON."),
        >= 400 and < 500 => ApiErrors.BadRequest.Error("The request can't be understood."),
        _ => null,
    };

    private static PipelineException FromBadRequest(BadHttpRequestException e) => e.StatusCode switch
    {
        413 => ApiErrors.BodyTooLarge.Error("The body is larger than 1 MiB."),
        408 => ApiErrors.BadRequest.Error("The body did not arrive in time."),
        _ when Parameter().Match(e.Message) is { Success: true } match => ApiErrors.BadRequest.Error($"The parameter '{match.Groups["name"].Value}' is not a whole number."),
        _ => ApiErrors.BadRequest.Error("The request can't be understood."),
    };

    private static string PathOf(HttpContext context) => Printable(context.Request.Path.Value ?? "/");

    // What a caller sent goes into a log line and an answer (invariant 6).
    private static string Printable(string text) => string.Concat(text.Take(200).Select(c => char.IsControl(c) ? '?' : c));

    // The framework's own words, when what is typed for a number is none: "Failed to bind parameter \"Nullable<int> size\" from \"x\"."
    [GeneratedRegex("""^Failed to bind parameter "\S+ (?<name>\w+)" from""", RegexOptions.ExplicitCapture, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Parameter();
}
