using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>Headers that every answer carries: a browser runs only what this server sent, and shows it in no other page; nobody in between keeps it.</summary>
internal static class SecurityHeaders
{
    // Nothing is loaded from another host, and nothing in a page is taken for a script or a style.
    private const string ContentPolicy =
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

    /// <summary>Adds them.</summary>
    public static void Add(HttpContext context)
    {
        var headers = context.Response.Headers;
        headers.ContentSecurityPolicy = ContentPolicy;
        headers.XContentTypeOptions = "nosniff";
        headers.XFrameOptions = "DENY";

        // What is for one key is nobody else's, and an error is over soon; the pages' own files say otherwise for themselves.
        headers.CacheControl = "no-store";
        headers["Referrer-Policy"] = "no-referrer";
        headers["Cross-Origin-Opener-Policy"] = "same-origin";
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
        if (context.Request.IsHttps) headers.StrictTransportSecurity = "max-age=31536000";
    }
}
