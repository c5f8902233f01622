using System.Security.Cryptography;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Pages;

/// <summary>The pages and what belongs to them, from within the assembly: no file is needed, and nothing comes from another host.</summary>
internal static class Assets
{
    private const string Prefix = "web/";

    private static readonly Dictionary<string, string> Types = new()
    {
        [".html"] = "text/html; charset=utf-8",
        [".css"] = "text/css; charset=utf-8",
        [".js"] = "text/javascript; charset=utf-8",
        [".svg"] = "image/svg+xml",
    };

    private static readonly Dictionary<string, Asset> Loaded = typeof(Assets).Assembly.GetManifestResourceNames()
        .Where(n => n.StartsWith(Prefix, StringComparison.Ordinal))
        .ToDictionary(n => n[Prefix.Length..], Load);

    /// <summary>The names of all.</summary>
    public static IEnumerable<string> Names => Loaded.Keys;

    /// <summary>Answers with one; a browser that has it already keeps it.</summary>
    public static async Task SendAsync(HttpContext context, string name)
    {
        var asset = Loaded[name];
        var headers = context.Response.Headers;
        headers.ETag = asset.Tag;
        headers.CacheControl = "no-cache";
        if (context.Request.Headers.IfNoneMatch == asset.Tag)
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        context.Response.ContentType = asset.Type;
        context.Response.ContentLength = asset.Bytes.Length;
        await context.Response.BodyWriter.WriteAsync(asset.Bytes, context.RequestAborted).ConfigureAwait(false);
    }

    private static Asset Load(string resource)
    {
        using var stream = typeof(Assets).Assembly.GetManifestResourceStream(resource)!;
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        return new Asset(bytes, Types[Path.GetExtension(resource)], $"\"{Convert.ToHexStringLower(SHA256.HashData(bytes)[..12])}\"");
    }

    private sealed record Asset(byte[] Bytes, string Type, string Tag);
}
