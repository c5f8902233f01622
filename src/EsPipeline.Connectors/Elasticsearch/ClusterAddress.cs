using EsPipeline.Core.Configuration;

namespace EsPipeline.Connectors.Elasticsearch;

/// <summary>One address of a cluster, taken apart. Its text never holds a password.</summary>
/// <param name="Root">Scheme, host and port, with a slash at the end.</param>
/// <param name="User">The user in the address; null for none.</param>
/// <param name="Password">The user's password.</param>
/// <param name="Index">The index in the address; null for none.</param>
internal sealed record ClusterAddress(Uri Root, string? User, Secret? Password, string? Index)
{
    // What may follow an index in an address that somebody copied from elsewhere.
    private static readonly string[] Endpoints = ["_search", "_doc", "_bulk", "_mapping", "_count"];

    /// <summary>True for https.</summary>
    public bool IsTls => Root.Scheme == Uri.UriSchemeHttps;

    /// <summary>True where the server is on this machine.</summary>
    public bool IsLocal => Root.IsLoopback;

    /// <summary>The address as a person may see it.</summary>
    public override string ToString() => Root.GetLeftPart(UriPartial.Authority);

    /// <summary>The addresses that the options name, the default one where they name none; a sentence for each that can't be read.</summary>
    public static IReadOnlyList<ClusterAddress> Parse(ElasticsearchOptions options, List<string> mistakes)
    {
        if (options.Url.Length == 0 && options.Host.Length > 0)
        {
            if (options.UseSsl && options.Host.StartsWith("http://", StringComparison.OrdinalIgnoreCase))
            {
                mistakes.Add("ELASTICSEARCH_HOST: it says http://, and ELASTICSEARCH_USE_SSL asks for TLS; write https:// or leave the scheme out.");
            }

            var scheme = options.Host.Contains("://", StringComparison.Ordinal) ? "" : options.UseSsl ? "https://" : "http://";
            var colon = options.Host.LastIndexOf(':');
            var hasPort = colon > options.Host.LastIndexOf(']') && colon > options.Host.IndexOf("://", StringComparison.Ordinal) + 2;
            return Parse([$"{scheme}{options.Host.TrimEnd('/')}{(hasPort ? "" : $":{options.Port}")}"], "ELASTICSEARCH_HOST", mistakes);
        }

        return Parse(Split(options.Url.Length == 0 ? "http://localhost:9200" : options.Url), "--es-url", mistakes);
    }

    /// <summary>The one index that addresses and <c>--es-index</c> name, the usual one where they name none; null where that is a mistake.</summary>
    public static string? IndexOf(ElasticsearchOptions options, IReadOnlyList<ClusterAddress> addresses, List<string> mistakes)
    {
        var (url, index) = (options.OriginOf("--es-url"), options.Index.Length == 0 ? null : options.Index);
        if (index is not null && options.OriginOf("--es-index") > url) return index;
        if (addresses.Any(a => a.Index is not null) && url > options.OriginOf("--es-index")) index = null;
        string[] names = [.. addresses.Select(a => a.Index).Append(index).OfType<string>().Distinct()];
        if (names.Length == 1) return names[0];
        if (names.Length == 0 && options.UsualIndex is { } usual) return usual;
        mistakes.Add(names.Length == 0
            ? "--es-index: give the index to use; an alias, a pattern or several with commas will do."
            : $"--es-index and --es-url: they name different indices ({string.Join(" and ", names)}).");
        return null;
    }

    // A comma also stands between the indices of one address: what has no scheme of its own belongs to the path before it.
    private static IEnumerable<string> Split(string urls)
    {
        var current = "";
        foreach (var part in urls.Split(','))
        {
            var belongs = current.Length > 0 && !part.Contains("://", StringComparison.Ordinal) && PathOf(current).Length > 0;
            if (!belongs && current.Length > 0) yield return current;
            current = belongs ? $"{current},{part}" : part.Trim();
        }

        if (current.Length > 0) yield return current;
    }

    private static string PathOf(string url)
    {
        var scheme = url.IndexOf("://", StringComparison.Ordinal);
        var slash = url.IndexOf('/', scheme < 0 ? 0 : scheme + 3);
        return slash < 0 ? "" : url[(slash + 1)..];
    }

    private static List<ClusterAddress> Parse(IEnumerable<string> urls, string option, List<string> mistakes)
    {
        var addresses = new List<ClusterAddress>();
        foreach (var url in urls)
        {
            // Invariant 7: an address that can't be read may hold a password, so it is not repeated.
            var text = url.Contains("://", StringComparison.Ordinal) ? url : "http://" + url;
            if (url.Any(char.IsControl) || !Uri.TryCreate(text, UriKind.Absolute, out var uri) || uri.Host.Length == 0
                || (uri.Scheme != Uri.UriSchemeHttp && uri.Scheme != Uri.UriSchemeHttps))
            {
                mistakes.Add($"{option}: address {addresses.Count + 1} is not of the form http://host:9200; in a password, @ : / ? # and % are written as %40 %3A %2F %3F %23 %25.");
                continue;
            }

            var root = new UriBuilder(uri.Scheme, uri.Host, uri.Port).Uri;
            var (user, password) = uri.UserInfo.Split(':', 2) is [var u, var p] ? (Uri.UnescapeDataString(u), new Secret(Uri.UnescapeDataString(p))) : (null, null);
            if (uri.UserInfo.Length > 0 && user is null) mistakes.Add($"{option}: an address holds a user without a password.");
            addresses.Add(new ClusterAddress(root, user, password, IndexIn(PathOf(text), root, option, mistakes)));
        }

        return addresses;
    }

    private static string? IndexIn(string path, Uri root, string option, List<string> mistakes)
    {
        string[] parts = [.. path.Split('?', '#')[0].Split('/', StringSplitOptions.RemoveEmptyEntries)];
        if (parts.Length > 0 && Endpoints.Contains(parts[^1])) parts = parts[..^1];
        if (parts.Length <= 1) return parts.Length == 0 ? null : Uri.UnescapeDataString(parts[0]);
        mistakes.Add($"{option}: the path of {root.GetLeftPart(UriPartial.Authority)} can be empty, /index or /index/_search only.");
        return null;
    }
}
