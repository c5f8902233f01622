using System.Globalization;
using System.Text.Json;
using EsPipeline.Connectors.Elasticsearch;
using EsPipeline.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>An error as callers see it: <c>application/problem+json</c> (RFC 9457) with a stable code, and nothing of the inside.</summary>
/// <param name="Type">A name for the kind of error, made of the code.</param>
/// <param name="Title">What the code means.</param>
/// <param name="Status">The HTTP status.</param>
/// <param name="Detail">What happened in this request.</param>
/// <param name="Code">The stable code.</param>
/// <param name="Remedy">What to do.</param>
public sealed record Problem(string Type, string Title, int Status, string Detail, string Code, string Remedy)
{
    /// <summary>The media type.</summary>
    public const string MediaType = "application/problem+json";

    private static readonly Dictionary<ErrorCode, int> Statuses = new()
    {
        [ApiErrors.BadRequest] = 400,
        [ApiErrors.BadJson] = 400,
        [ApiErrors.NotJson] = 415,
        [ApiErrors.BodyTooLarge] = 413,
        [ApiErrors.PageTooLarge] = 400,
        [ApiErrors.NoSuchPath] = 404,
        [ApiErrors.WrongMethod] = 405,
        [ApiErrors.KeyNeeded] = 401,
        [ApiErrors.LoopbackOnly] = 403,
        [ApiErrors.TooManyRequests] = 429,
        [ApiErrors.TooManyScrolls] = 429,
        [ApiErrors.Busy] = 503,
        [ApiErrors.TimedOut] = 504,
        [ApiErrors.BadIndexName] = 400,
        [ApiErrors.NoSuchIndex] = 404,
        [ApiErrors.NoSuchField] = 400,
        [ApiErrors.BadValue] = 400,
        [ApiErrors.QueryRefused] = 400,
        [ApiErrors.BeyondWindow] = 400,
        [ApiErrors.BadCursor] = 400,
        [ApiErrors.CursorExpired] = 410,
        [ApiErrors.NoCounts] = 404,
        [ApiErrors.NoSuchJob] = 404,
        [ApiErrors.BackendUnavailable] = 503,
        [ApiErrors.StateUnavailable] = 503,
        [ApiErrors.Unexpected] = 500,
    };

    /// <summary>The problem of an error of this API; of any other one only what concerns the caller.</summary>
    public static Problem Of(PipelineException error)
    {
        var shown = Translate(error);
        return new Problem("urn:espipe:" + shown.Code, shown.Error.Meaning, Statuses[shown.Error], shown.Message, shown.Code, shown.Remedy);
    }

    /// <summary>Answers with an error.</summary>
    public static Task WriteAsync(HttpContext context, PipelineException error)
    {
        var problem = Of(error);
        var response = context.Response;
        SecurityHeaders.Add(context);
        response.StatusCode = problem.Status;
        response.ContentType = MediaType;
        if (error.RetryAfter is { } wait) response.Headers.RetryAfter = Math.Max(1, Math.Ceiling(wait.TotalSeconds)).ToString(CultureInfo.InvariantCulture);
        if (problem.Status == StatusCodes.Status401Unauthorized) response.Headers.WWWAuthenticate = "ApiKey realm=\"espipe\", header=\"X-API-Key\"";

        // Not the request's own token: where the time is up it is cancelled already.
        return response.WriteAsync(JsonSerializer.Serialize(problem, ApiJson.Options), CancellationToken.None);
    }

    /// <summary>True where the error is the caller's, and no matter for the log.</summary>
    public static bool IsCallers(PipelineException error) => Statuses[Translate(error).Error] < 500;

    // Addresses, users and the server's own words stay in the log (invariant 7).
    private static PipelineException Translate(PipelineException error)
    {
        if (Statuses.ContainsKey(error.Error)) return error;
        if (error.Error == ElasticsearchErrors.Refused) return ApiErrors.QueryRefused.Error("The search server does not accept this search.");
        if (error.Error == ElasticsearchErrors.IndexNotFound || error.Error == ElasticsearchErrors.IndexClosed) return ApiErrors.NoSuchIndex.Error("The index is not there any more, or is closed.");
        if (error.Error == ElasticsearchErrors.ViewLost) return ApiErrors.CursorExpired.Error("The view that the cursor reads in is gone.");
        if (error.Error == ElasticsearchErrors.TimedOut) return ApiErrors.TimedOut.Error("The search server did not answer in time.");
        if (error.Error == ElasticsearchErrors.Throttled) return ApiErrors.BackendUnavailable.Error("The search server is too busy.");
        return error.Code.Split('.')[0] is "checkpoint" or "state"
            ? ApiErrors.StateUnavailable.Error("The state of the pipeline can't be read.")
            : ApiErrors.BackendUnavailable.Error("The search server could not answer.");
    }
}
