using EsPipeline.Core.Configuration;

namespace EsPipeline.Core.Errors;

/// <summary>The one exception that a person sees: a stable code, what happened to what, and what to do. It never holds a secret.</summary>
public sealed class PipelineException : Exception
{
    /// <param name="error">The kind of error.</param>
    /// <param name="message">One sentence: what happened, to what. A full stop that it lacks is set, and one after another mark is taken away: it often ends in words of a server.</param>
    /// <param name="remedy">One sentence: what to do; the code's own where null.</param>
    /// <param name="innerException">What led to it; for the log at debug level only.</param>
    public PipelineException(ErrorCode error, string message, string? remedy = null, Exception? innerException = null)
        : base(Closed(message), innerException)
    {
        Error = error;
        Remedy = remedy ?? error.Remedy;
    }

    /// <summary>The kind of error.</summary>
    public ErrorCode Error { get; }

    /// <summary>The stable dotted code, such as <c>elasticsearch.auth</c>.</summary>
    public string Code => Error.Code;

    /// <summary>Whether trying again can help.</summary>
    public FailureKind Kind => Error.Kind;

    /// <summary>What to do about it.</summary>
    public string Remedy { get; }

    /// <summary>How long the system asked to wait; null where it did not.</summary>
    public TimeSpan? RetryAfter { get; init; }

    /// <summary>The names that options have at the end that it comes from, where these are not the plain ones; null otherwise.</summary>
    public PrefixedNames? Names { get; init; }

    private static string Closed(string message) => message.TrimEnd() switch
    {
        [.., '?' or '!', '.'] doubled => doubled[..^1],
        [.., not '.', '.', '.'] doubled => doubled[..^1],
        [.., '.' or '?' or '!'] closed => closed,
        var open => open + ".",
    };
}
