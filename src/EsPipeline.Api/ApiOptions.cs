using System.Net;
using EsPipeline.Api.Analytics;
using EsPipeline.Core.Configuration;

namespace EsPipeline.Api;

/// <summary>What espipe does where it is started without a command.</summary>
public enum ServiceType
{
    /// <summary>Runs the pipeline.</summary>
    Sync,

    /// <summary>Serves the search API, the analytics API and the dashboard.</summary>
    Api,
}

/// <summary>How <c>espipe serve</c> is reached, by whom, and what it lets them see.</summary>
public sealed record ApiOptions : IValidatedOptions
{
    /// <summary>The address to listen at.</summary>
    [Option("--api-host", "Address to listen at: an IP address, localhost, or * for every address of this machine", Environment = ["ESPIPE_API_HOST"], Value = "HOST")]
    public string Host { get; init; } = "127.0.0.1";

    /// <summary>The port to listen at.</summary>
    [Option("--api-port", "Port to listen at; 0 takes a free one", Environment = ["ESPIPE_API_PORT"], Min = 0, Max = 65_535)]
    public int Port { get; init; } = 8000;

    /// <summary>The keys that callers show.</summary>
    [Option("", "Keys that callers show as X-API-Key, with commas, 16 characters or more each; without any, only this machine is served", Environment = ["ESPIPE_API_KEYS"])]
    public Secret? Keys { get; init; }

    /// <summary>The indices that are served.</summary>
    [Option("--api-indices", "Indices and aliases that are served, as names or patterns; system and hidden ones never are", Environment = ["ESPIPE_API_INDICES"], Value = "A,B*",
        Default = "all")]
    public IReadOnlyList<string> Indices { get; init; } = [];

    /// <summary>The fields that exist for callers.</summary>
    [Option("--api-allow-fields", "Fields, and all below them, that callers may see; * stands for any characters", Environment = ["ESPIPE_API_ALLOW_FIELDS"], Value = "A,B.*",
        Default = "all")]
    public IReadOnlyList<string> AllowFields { get; init; } = [];

    /// <summary>The fields that do not exist for callers.</summary>
    [Option("--api-deny-fields", "Fields, and all below them, that are never returned, searched, sorted by or listed; * stands for any characters",
        Environment = ["ESPIPE_API_DENY_FIELDS"], Value = "A,*.B")]
    public IReadOnlyList<string> DenyFields { get; init; } = [];

    /// <summary>Requests a second.</summary>
    [Option("--api-rate-limit", "Requests a second for each key, or for each address where none is needed; 0 for no limit", Environment = ["ESPIPE_API_RATE_LIMIT"], Min = 0, Max = 1_000_000)]
    public int RateLimit { get; init; } = 100;

    /// <summary>The web pages of other hosts that may call.</summary>
    [Option("--api-cors", "Origins whose pages may call from a browser, such as https://app.example.com", Environment = ["ESPIPE_API_CORS"], Value = "URL,URL", Default = "none")]
    public IReadOnlyList<string> CorsOrigins { get; init; } = [];

    /// <summary>The server's certificate.</summary>
    [Option("--api-cert", "PEM file of the certificate to serve TLS with, and of its authorities", Environment = ["ESPIPE_API_CERT"], Value = "FILE", Default = "plain HTTP")]
    public string CertificateFile { get; init; } = "";

    /// <summary>The certificate's private key.</summary>
    [Option("--api-cert-key", "PEM file of the certificate's private key", Environment = ["ESPIPE_API_CERT_KEY"], Value = "FILE")]
    public string CertificateKeyFile { get; init; } = "";

    /// <summary>The longest that one request may take.</summary>
    [Option("--api-timeout", "Longest time for one request", Environment = ["ESPIPE_API_TIMEOUT"], Max = 86_400)]
    public TimeSpan Timeout { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>Documents in one page at most.</summary>
    [Option("--api-max-page-size", "Documents in one page at most", Environment = ["ESPIPE_API_MAX_PAGE_SIZE"], Min = 1, Max = 10_000)]
    public int MaxPageSize { get; init; } = 1000;

    /// <summary>How long a cursor is good for.</summary>
    [Option("--api-scroll-keep-alive", "How long a scroll's cursor can be used", Environment = ["ESPIPE_API_SCROLL_KEEP_ALIVE"], Max = 86_400)]
    public TimeSpan ScrollKeepAlive { get; init; } = TimeSpan.FromMinutes(5);

    /// <summary>How many scrolls one caller may have open.</summary>
    [Option("--api-max-scrolls", "Scrolls that one key or address may have open at once; a scroll is over with its last page, or when its cursor is too old",
        Environment = ["ESPIPE_API_MAX_SCROLLS"], Min = 1, Max = 250)]
    public int MaxScrolls { get; init; } = 50;

    /// <summary>What cursors are sealed with.</summary>
    [Option("", "Secret that cursors are sealed with, 16 characters or more, so that they outlive a restart and work with several copies", Environment = ["ESPIPE_API_CURSOR_KEY"])]
    public Secret? CursorKey { get; init; }

    /// <summary>The index of counts.</summary>
    [Option("--api-counts-index", "Index with the counts that the analytics API and the dashboard show", Environment = ["ESPIPE_API_COUNTS_INDEX"], Value = "NAME")]
    public string CountsIndex { get; init; } = "hadoop-object-counts-v1";

    /// <summary>The earliest time that is counted unless a request says otherwise.</summary>
    [Option("--api-start-time", "Earliest time that is counted where a request has no 'from'", Environment = ["START_TIME_STR"], Value = "TIME", Default = "everything")]
    public string StartTime { get; init; } = "";

    /// <summary>The latest time that is counted unless a request says otherwise.</summary>
    [Option("--api-end-time", "Latest time that is counted where a request has no 'to'", Environment = ["END_TIME_STR"], Value = "TIME", Default = "everything")]
    public string EndTime { get; init; } = "";

    /// <summary>What espipe does where it is started without a command.</summary>
    [Option("", "What espipe does where it is started without a command: serve, or run the pipeline", Environment = ["SERVICE_TYPE"])]
    public ServiceType Service { get; init; } = ServiceType.Sync;

    /// <inheritdoc/>
    public IEnumerable<string> Mistakes()
    {
        if (!IPAddress.TryParse(Host, out _) && Host is not ("localhost" or "*")) yield return "--api-host: it is not an IP address, localhost or *.";
        if (SplitKeys().Any(k => k.Length < 16)) yield return "ESPIPE_API_KEYS: a key is shorter than 16 characters; make one with 'openssl rand -hex 24'.";
        if (Keys is not null && SplitKeys().Count == 0) yield return "ESPIPE_API_KEYS: it holds no key.";
        if (CursorKey is not null && CursorKey.Reveal().Length < 16) yield return "ESPIPE_API_CURSOR_KEY: it is shorter than 16 characters.";
        if (CertificateFile.Length > 0 != CertificateKeyFile.Length > 0) yield return "--api-cert and --api-cert-key: give both, or none.";
        foreach (var file in new[] { CertificateFile, CertificateKeyFile }.Where(f => f.Length > 0 && !File.Exists(f))) yield return $"--api-cert: there is no file {file}.";
        foreach (var origin in CorsOrigins.Where(o => !IsOrigin(o))) yield return $"--api-cors: '{origin}' is not of the form https://host or https://host:port.";
        if (Timeout < TimeSpan.FromMilliseconds(100) || Timeout > TimeSpan.FromMinutes(10)) yield return "--api-timeout: it has to be between 100ms and 10m.";
        if (ScrollKeepAlive < TimeSpan.FromSeconds(1) || ScrollKeepAlive > TimeSpan.FromDays(1)) yield return "--api-scroll-keep-alive: it has to be between 1s and 1d.";
        if (StartTime.Length > 0 && !TimeRange.TryReadStart(StartTime, TimeZoneInfo.Utc, out _)) yield return $"--api-start-time: '{StartTime}' is not a time such as 2024-01-01 or 2024-01-01T12:00:00Z.";
        if (EndTime.Length > 0 && !TimeRange.TryReadEnd(EndTime, TimeZoneInfo.Utc, out _)) yield return $"--api-end-time: '{EndTime}' is not a time such as 2024-01-01 or 2024-01-01T12:00:00Z.";
    }

    /// <summary>The keys, one by one.</summary>
    internal IReadOnlyList<string> SplitKeys() => Keys is null ? [] : Keys.Reveal().Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries);

    private static bool IsOrigin(string text) =>
        Uri.TryCreate(text, UriKind.Absolute, out var uri) && uri.Scheme is "http" or "https" && uri.GetLeftPart(UriPartial.Authority) == text;
}
