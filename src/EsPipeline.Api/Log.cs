using Microsoft.Extensions.Logging;

namespace EsPipeline.Api;

/// <summary>What <c>espipe serve</c> logs; event ids 4000 to 4099.</summary>
internal static partial class Log
{
    [LoggerMessage(4000, LogLevel.Information, "Serving {Address}: dashboard at /, pipeline at /pipeline, reference at /docs; searching {Cluster}")]
    public static partial void Serving(ILogger logger, Uri address, string cluster);

    [LoggerMessage(4001, LogLevel.Warning, "No keys are configured (ESPIPE_API_KEYS): only requests from this machine are served")]
    public static partial void LoopbackOnly(ILogger logger);

    [LoggerMessage(4002, LogLevel.Warning, "{Method} {Path} failed: {Reason} ({Code})")]
    public static partial void Failed(ILogger logger, string method, string path, string reason, string code);

    [LoggerMessage(4003, LogLevel.Error, "{Method} {Path} failed in a way that should not be possible")]
    public static partial void Unexpected(ILogger logger, Exception exception, string method, string path);

    [LoggerMessage(4004, LogLevel.Debug, "{Method} {Path} was refused: {Reason}")]
    public static partial void Refused(ILogger logger, string method, string path, string reason);

    [LoggerMessage(4006, LogLevel.Debug, "A view for scrolling was not closed; the search server forgets it after {KeepAlive}: {Reason}")]
    public static partial void ViewNotClosed(ILogger logger, TimeSpan keepAlive, string reason);

    [LoggerMessage(4007, LogLevel.Warning, "'{Index}' is not served, since the search server does not let espipe look it up: {Reason} {Remedy}")]
    public static partial void IndexForbidden(ILogger logger, string index, string reason, string remedy);

    [LoggerMessage(4005, LogLevel.Warning, "Keys and answers cross the network in plain text at {Address}, where others can read them; --api-cert turns TLS on")]
    public static partial void PlainHttp(ILogger logger, Uri address);
}
