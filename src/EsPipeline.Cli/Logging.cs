using System.Globalization;
using System.Text.Json;
using EsPipeline.Core.Configuration;
using Microsoft.Extensions.Logging;
using Serilog;
using Serilog.Core;
using Serilog.Debugging;
using Serilog.Events;
using Serilog.Extensions.Logging;
using Serilog.Formatting;

namespace EsPipeline.Cli;

/// <summary>Sets up the log: the screen and a rolling file, as text or JSON.</summary>
internal static class Logging
{
    /// <summary>Makes the logger factory of a run.</summary>
    /// <param name="run">Level, file and format.</param>
    /// <param name="fileIsGiven">True where the file was asked for: one that can't be written is then an error instead of a warning.</param>
    /// <param name="terminal">The screen.</param>
    /// <param name="problem">What is wrong with the file; null where nothing is.</param>
    public static ILoggerFactory Create(RunOptions run, bool fileIsGiven, Terminal terminal, out string? problem)
    {
        problem = null;
        ITextFormatter formatter = new Redacted(run.LogFormat == LogFormat.Json ? new JsonLine() : new TextLine(), terminal);
        var level = run.LogLevel switch
        {
            LogVerbosity.Debug => LogEventLevel.Debug,
            LogVerbosity.Warning => LogEventLevel.Warning,
            LogVerbosity.Error => LogEventLevel.Error,
            _ => LogEventLevel.Information,
        };
        var screenLevel = run.Quiet && level < LogEventLevel.Warning ? LogEventLevel.Warning : level;
        var configuration = new LoggerConfiguration().MinimumLevel.Is(level).WriteTo.Logger(
            screen => screen.Filter.ByExcluding(e => run.LogFormat == LogFormat.Text && e.MessageTemplate.Text == CliLog.EndedTemplate).WriteTo.Sink(new Screen(terminal, formatter)),
            screenLevel);
        if (!string.Equals(run.LogFile, "none", StringComparison.OrdinalIgnoreCase))
        {
            problem = FileProblem(run.LogFile);
            if (problem is null)
            {
                configuration.WriteTo.Sink(new LogFile(formatter, run.LogFile, terminal));
            }
            else if (!fileIsGiven)
            {
                terminal.WriteError($"espipe: no log file is kept: {problem}");
                problem = null;
            }
        }

        return new SerilogLoggerFactory(configuration.CreateLogger(), dispose: true);
    }

    private static string? FileProblem(string path)
    {
        try
        {
            using var file = new FileStream(path, FileMode.Append, FileAccess.Write, FileShare.ReadWrite);
            return null;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            return e.Message;
        }
    }

    // One that can't be written any more (its disk is full, or gone) is told once, and no run ends for it.
    private sealed class LogFile : ILogEventSink, IDisposable
    {
        private readonly string _path;
        private readonly Terminal _terminal;
        private readonly Logger _file;
        private int _told;

        public LogFile(ITextFormatter formatter, string path, Terminal terminal)
        {
            (_path, _terminal) = (path, terminal);
            SelfLog.Enable(_ => Tell());
            _file = new LoggerConfiguration().MinimumLevel.Verbose().WriteTo.File(
                formatter, path, fileSizeLimitBytes: 10 << 20, rollOnFileSizeLimit: true, retainedFileCountLimit: 5, shared: false).CreateLogger();
        }

        public void Emit(LogEvent logEvent) => _file.Write(logEvent);

        public void Dispose()
        {
            try
            {
                _file.Dispose();
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                Tell();
            }

            SelfLog.Disable();
        }

        private void Tell()
        {
            if (Interlocked.Exchange(ref _told, 1) == 0) _terminal.WriteError($"espipe: the log file {_path} can't be written: lines of it are missing. See how much room its disk has.");
        }
    }

    private sealed class Screen(Terminal terminal, ITextFormatter formatter) : ILogEventSink
    {
        public void Emit(LogEvent logEvent)
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            formatter.Format(logEvent, text);
            terminal.WriteError(text.ToString().TrimEnd('\n'));
        }
    }

    private sealed class Redacted(ITextFormatter inner, Terminal terminal) : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            using var text = new StringWriter(CultureInfo.InvariantCulture);
            inner.Format(logEvent, text);
            output.Write(terminal.Redaction.Apply(text.ToString()));
        }
    }

    private sealed class TextLine : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            var level = logEvent.Level switch
            {
                LogEventLevel.Information => "INFO ",
                LogEventLevel.Warning => "WARN ",
                LogEventLevel.Error or LogEventLevel.Fatal => "ERROR",
                _ => "DEBUG",
            };
            output.Write($"{logEvent.Timestamp.UtcDateTime:yyyy-MM-dd'T'HH:mm:ss.fff'Z'} {level} {Terminal.Printable(Message(logEvent)).ReplaceLineEndings(" ")}\n");
            if (logEvent.Exception is not null) output.Write(Terminal.Printable(logEvent.Exception.ToString()) + "\n");
        }
    }

    private sealed class JsonLine : ITextFormatter
    {
        public void Format(LogEvent logEvent, TextWriter output)
        {
            using var buffer = new MemoryStream();
            using (var json = new Utf8JsonWriter(buffer))
            {
                json.WriteStartObject();
                json.WriteString("time", logEvent.Timestamp.UtcDateTime);
                json.WriteString("level", logEvent.Level.ToString().ToLowerInvariant());
                json.WriteString("message", Message(logEvent));
                foreach (var (name, value) in logEvent.Properties.Where(p => p.Value is ScalarValue))
                {
                    if (name == "SourceContext") continue;
                    json.WritePropertyName(JsonNamingPolicy.SnakeCaseLower.ConvertName(name));
                    WriteScalar(json, ((ScalarValue)value).Value);
                }

                if (logEvent.Exception is not null) json.WriteString("exception", logEvent.Exception.ToString());
                json.WriteEndObject();
            }

            output.Write(System.Text.Encoding.UTF8.GetString(buffer.GetBuffer(), 0, (int)buffer.Length) + "\n");
        }

        private static void WriteScalar(Utf8JsonWriter json, object? value)
        {
            switch (value)
            {
                case null: json.WriteNullValue(); break;
                case bool flag: json.WriteBooleanValue(flag); break;
                case int or long or double: json.WriteNumberValue(System.Convert.ToDouble(value, CultureInfo.InvariantCulture)); break;
                default: json.WriteStringValue(System.Convert.ToString(value, CultureInfo.InvariantCulture)); break;
            }
        }
    }

    // Serilog puts texts between quotes; a sentence reads better without.
    private static string Message(LogEvent logEvent) => string.Concat(logEvent.MessageTemplate.Tokens.Select(token =>
    {
        if (token is not Serilog.Parsing.PropertyToken property) return token.ToString();
        if (!logEvent.Properties.TryGetValue(property.PropertyName, out var value)) return token.ToString();
        return value is ScalarValue { Value: { } scalar }
            ? (scalar is IFormattable number ? number.ToString(property.Format, CultureInfo.InvariantCulture) : scalar.ToString())
            : value.ToString();
    }));
}
