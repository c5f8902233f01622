using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace EsPipeline.Api.Http;

/// <summary>Lets the web framework log warnings and errors only: its other lines repeat whole addresses, and callers' questions with them.</summary>
internal sealed class FrameworkLog(ILoggerFactory loggers) : ILoggerFactory
{
    // Tells of requests that begin and end; while anyone listens to it, it makes an activity and a scope for each.
    private const string Diagnostics = "Microsoft.AspNetCore.Hosting.Diagnostics";

    /// <inheritdoc/>
    public ILogger CreateLogger(string categoryName) => categoryName == Diagnostics ? NullLogger.Instance : new Quiet(loggers.CreateLogger(categoryName));

    /// <inheritdoc/>
    public void AddProvider(ILoggerProvider provider) => loggers.AddProvider(provider);

    // The factory belongs to whoever made it.
    public void Dispose()
    {
    }

    private sealed class Quiet(ILogger inner) : ILogger
    {
        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning && inner.IsEnabled(logLevel);

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel)) inner.Log(logLevel, eventId, state, exception, formatter);
        }
    }
}
