using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Unicode;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>The body of a request as JSON, with limits: declared as JSON, at most 1 MiB, at most 16 deep, no name twice in one object.</summary>
internal static class JsonBody
{
    /// <summary>The largest body, in bytes.</summary>
    public const int MostBytes = 1 << 20;

    private const int MostDepth = 16;

    /// <summary>Reads it. Every text in it, names too, can be read without an error.</summary>
    /// <exception cref="Core.Errors.PipelineException"><see cref="ApiErrors.NotJson"/>, <see cref="ApiErrors.BadJson"/>, <see cref="ApiErrors.BadRequest"/>.</exception>
    public static async Task<JsonDocument> ReadAsync(HttpContext context)
    {
        if (!context.Request.HasJsonContentType()) throw ApiErrors.NotJson.Error("The body is not declared as JSON.");
        if (context.Request.Headers.ContentEncoding.Any(e => !string.Equals(e, "identity", StringComparison.OrdinalIgnoreCase)))
        {
            throw ApiErrors.NotJson.Error("The body is declared as compressed, and is taken only as it is.", "Send plain JSON, without Content-Encoding.");
        }

        JsonDocument? document = null;
        try
        {
            document = await JsonDocument.ParseAsync(
                context.Request.Body, new JsonDocumentOptions { MaxDepth = MostDepth, AllowDuplicateProperties = false }, context.RequestAborted).ConfigureAwait(false);
            CheckTexts(JsonMarshal.GetRawUtf8Value(document.RootElement));
            return document;
        }
        catch (OperationCanceledException e)
        {
            // Whoever sends too slowly has not found a fault of this side's; whoever has gone does not hear it.
            throw ApiErrors.BadRequest.Error("The body did not arrive in time.", inner: e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            document?.Dispose();
            var what = e is not JsonException json ? "a text or a name in it is not Unicode"
                : e.Message.Contains("depth", StringComparison.OrdinalIgnoreCase) ? $"it is more than {MostDepth} deep"
                : e.Message.Contains("uplicate", StringComparison.Ordinal) ? "a name is in one object twice"
                : $"there is a mistake in line {json.LineNumber + 1}, byte {json.BytePositionInLine + 1}";
            throw ApiErrors.BadJson.Error($"The body is not JSON that can be used: {what}.", inner: e);
        }
    }

    // The parser looks at the bytes of a text, and at the halves of a pair that it writes by \u, only when the text is asked for.
    private static void CheckTexts(ReadOnlySpan<byte> json)
    {
        if (!Utf8.IsValid(json)) throw new InvalidOperationException("It is not UTF-8.");
        if (json.IndexOf("\\u"u8) < 0) return;
        var reader = new Utf8JsonReader(json);
        while (reader.Read())
        {
            if (reader.TokenType is JsonTokenType.String or JsonTokenType.PropertyName && reader.ValueIsEscaped) reader.GetString();
        }
    }
}
