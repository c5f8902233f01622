using System.Net;
using System.Security.Cryptography;
using System.Text;
using EsPipeline.Core.Errors;
using Microsoft.AspNetCore.Http;

namespace EsPipeline.Api.Http;

/// <summary>
/// Who is served: whoever shows a key; without keys this machine alone. Pages, the reference and <c>/health</c> need no key, since they hold
/// no data.
/// </summary>
internal sealed class AccessGate
{
    /// <summary>The header that carries a key.</summary>
    public const string Header = "X-API-Key";

    private static readonly string[] ProxyHeaders = ["Forwarded", "Via", "X-Real-IP"];

    private readonly byte[][] _keys;

    /// <param name="options">The keys.</param>
    public AccessGate(ApiOptions options) => _keys = [.. options.SplitKeys().Select(k => SHA256.HashData(Encoding.UTF8.GetBytes(k)))];

    /// <summary>True where no keys are configured.</summary>
    public bool IsOpen => _keys.Length == 0;

    /// <summary>Why a caller is not served; null where he is.</summary>
    public PipelineException? Refusal(HttpContext context)
    {
        if (!IsOpen) return IsPublic(context) || KeyOf(context) is not null ? null : ApiErrors.KeyNeeded.Error(context.Request.Headers.ContainsKey(Header) ? "The key is not known." : "The request has no key.");
        if (!IsLoopback(context.Connection.RemoteIpAddress)) return ApiErrors.LoopbackOnly.Error("The request comes from another machine.");

        // A proxy or tunnel on this machine asks for others in its own name; whoever reaches it would be served.
        if (context.Request.Headers.Keys.FirstOrDefault(IsOfProxy) is { } header) return ApiErrors.LoopbackOnly.Error($"The request came through a proxy: it has the header {header}.");

        // A page elsewhere may have its own name point to this machine (DNS rebinding); a browser then sends that name.
        return IsLocalName(context.Request.Host.Host) ? null : ApiErrors.LoopbackOnly.Error("The request is for another name than localhost.");
    }

    /// <summary>Which caller it is, for counting: the number of the key, or else the address.</summary>
    public string CallerOf(HttpContext context) => KeyOf(context) is { } key ? $"key {key}" : $"address {context.Connection.RemoteIpAddress}";

    // All keys are compared, each in constant time, so that the time tells nothing.
    private int? KeyOf(HttpContext context)
    {
        if (context.Request.Headers[Header] is not [{ Length: > 0 } given]) return null;
        var hash = SHA256.HashData(Encoding.UTF8.GetBytes(given));
        int? found = null;
        for (var i = 0; i < _keys.Length; i++)
        {
            if (CryptographicOperations.FixedTimeEquals(hash, _keys[i])) found = i;
        }

        return found;
    }

    private static bool IsPublic(HttpContext context) => context.GetEndpoint() is { } endpoint && endpoint.Metadata.GetMetadata<NeedsNoKey>() is not null;

    private static bool IsLoopback(IPAddress? address) => address is not null && IPAddress.IsLoopback(address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address);

    // A header is there or is not: what it says can be anything.
    private static bool IsOfProxy(string header) =>
        header.StartsWith("X-Forwarded-", StringComparison.OrdinalIgnoreCase) || ProxyHeaders.Contains(header, StringComparer.OrdinalIgnoreCase);

    private static bool IsLocalName(string host) =>
        host.Equals("localhost", StringComparison.OrdinalIgnoreCase) || (IPAddress.TryParse(host.Trim('[', ']'), out var address) && IPAddress.IsLoopback(address));
}

/// <summary>Marks an endpoint that anybody may ask.</summary>
internal sealed class NeedsNoKey;
