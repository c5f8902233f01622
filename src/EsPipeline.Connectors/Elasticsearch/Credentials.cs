using System.Net.Http.Headers;
using System.Text;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>What a request is signed in with.</summary>
internal static class Credentials
{
    /// <summary>The Authorization header for one address; null where nothing is given. An address's own user goes before <c>--es-user</c>, unless this was given in a stronger place.</summary>
    public static AuthenticationHeaderValue? HeaderFor(ClusterAddress address, ElasticsearchOptions options)
    {
        if (options.ApiKey is { } key && !GoesBefore("--es-api-key")) return new AuthenticationHeaderValue("ApiKey", EncodeKey(key));
        var (user, password) = address.User is null || (options.User.Length > 0 && options.OriginOf("--es-user") > options.OriginOf("--es-url")) ? (options.User, options.Password) : (address.User, address.Password);
        return password is null || user.Length == 0
            ? null
            : new AuthenticationHeaderValue("Basic", Convert.ToBase64String(Encoding.UTF8.GetBytes($"{user}:{password.Reveal()}")));

        bool GoesBefore(string option) => address.User is not null && options.OriginOf("--es-url") > options.OriginOf(option);
    }

    /// <summary>An API key as the header wants it, base64 of <c>id:key</c>; null where it is neither that nor <c>id:key</c>.</summary>
    public static string? EncodeKey(Secret key)
    {
        var text = key.Reveal().Trim();
        if (text.Contains(':', StringComparison.Ordinal)) return Convert.ToBase64String(Encoding.UTF8.GetBytes(text));
        var decoded = new byte[text.Length];
        return text.Length > 0 && Convert.TryFromBase64String(text, decoded, out var length) && decoded.AsSpan(0, length).Contains((byte)':') ? text : null;
    }
}
