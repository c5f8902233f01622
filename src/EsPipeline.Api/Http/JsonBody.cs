using System.Text.Json;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>The body of a request as JSON, with limits: declared as JSON, at most 1 MiB, at most 16 deep, no name twice in one object.</summary>
internal static class JsonBody
{
    /// <summary>The largest body, in bytes.</summary>
    public const int MostBytes = 1 << 20;

    private const int MostDepth = 16;

    /// <summary>Reads it.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="ApiErrors.NotJson"/>, <see cref="ApiErrors.BadJson"/>.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType()) throw ApiErrors.NotJson.Error("The body is not declared as JSON.");
        try
        {
            return await JsonDocument.ParseAsync(
                context.Request.Body, new JsonDocumentOptions { MaxDepth = MostDepth, AllowDuplicateProperties = false }, context.RequestAborted).ConfigureAwait(false);
        }
        catch (JsonException e)
        {
            var what = e.Message.Contains("depth", StringComparison.OrdinalIgnoreCase) ? $"it is more than {MostDepth} deep"
                : e.Message.Contains("uplicate", StringComparison.Ordinal) ? "a name is in one object twice"
                : $"there is a mistake in line {e.LineNumber + 1}, byte {e.BytePositionInLine + 1}";
            throw ApiErrors.BadJson.Error($"The body is not JSON that can be used: {what}.", inner: e);
        }
    }
}
