using Microsoft.Extensions.Logging;

namespace EsPipeline.Core.Tests;

/// <summary>Keeps what is logged.</summary>
internal sealed class ListLogger : ILogger
{
    private readonly List<(int Event, LogLevel Level, string Text)> _lines = [];

    /// <summary>What was logged, in order.</summary>
    public IReadOnlyList<(int Event, LogLevel Level, string Text)> Lines
    {
        get
        {
            lock (_lines) return [.. _lines];
        }
    }

    /// <summary>How often an event was logged.</summary>
    public int Count(int id) => Lines.Count(l => l.Event == id);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
    {
        lock (_lines) _lines.Add((eventId.Id, logLevel, formatter(state, exception)));
    }
}
