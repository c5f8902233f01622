using System.Net;
using EsPipeline.Core.Sinks;
using EsPipeline.Core.Sources;

namespace EsPipeline.Conformance;

/// <summary>How a test wants a sink to be opened.</summary>
public sealed record SinkKnobs
{
    /// <summary>The address to connect to instead of the server's own; null for its own.</summary>
    public IPEndPoint? Through { get; init; }

    /// <summary>The time-out of one call; the connector's own where null.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>What only a person can mend.</summary>
public enum SinkFault
{
    /// <summary>The password, key or token is wrong.</summary>
    WrongPassword,

    /// <summary>What is written to (a table, a folder, a database) is not there and is not made by preparing.</summary>
    MissingTarget,

    /// <summary>There is no room left.</summary>
    FullDisk,
}

/// <summary>A document that the system refuses for good.</summary>
/// <param name="Document">The document.</param>
/// <param name="Reason">A part of the reason by which a person recognises it.</param>
public sealed record RefusedDocument(Document Document, string Reason);

/// <summary>
/// A fresh place of one test on a connector's real server, seen by nobody else. What a system can't do stays as it is here: the check that
/// calls it says that it has to be overridden.
/// </summary>
public abstract class SinkTarget : IAsyncDisposable
{
    /// <summary>Opens a sink that writes here. Called several times, each as if by a new process: nothing but what was written may be shared.</summary>
    public abstract IDataSink Open(SinkKnobs knobs);

    /// <summary>Everything that is there now, by its original key, read without the sink.</summary>
    public abstract Task<IReadOnlyDictionary<string, string>> ReadAllAsync(CancellationToken ct);

    /// <summary>What the sink is prepared for.</summary>
    public virtual SourceSchema Schema => SourceSchema.Unknown;

    /// <summary>Where the server listens on this machine without TLS; null where there is no network between.</summary>
    public virtual IPEndPoint? Server => null;

    /// <summary>What the request that commits holds, where that is another one than the request with the documents; null where it is the same.</summary>
    public virtual string? Commit => null;

    /// <summary>The document as it reads back; the same for a system that keeps documents as they are.</summary>
    public virtual Document Expected(Document document) => document;

    /// <summary>Documents that the system refuses for good once the sink is prepared, for at least two different reasons.</summary>
    public virtual IReadOnlyList<RefusedDocument> Refused => throw CannotDo(nameof(Refused));

    /// <summary>A document that counts as so many bytes by the system's own measure, which is the one of the sink's limit.</summary>
    public virtual Document OfBytes(string key, long bytes) => Corpus.OfBytes(key, bytes);

    /// <summary>Makes the next write be told to come back later. HTTP's 429 with Retry-After unless overridden.</summary>
    public virtual void OrderThrottling(TcpProxy proxy, TimeSpan retryAfter) =>
        proxy.AnswerNextWithHttp("429 Too Many Requests", """{"error":"too many requests"}""", $"Retry-After: {retryAfter.TotalSeconds:0}");

    /// <summary>Opens a sink that meets a fault when it is checked, prepared or written to.</summary>
    public virtual Task<IDataSink> OpenAsync(SinkFault fault, CancellationToken ct) => throw CannotDo($"{nameof(OpenAsync)}({fault})");

    /// <summary>What the place is made like (its mapping, its columns), as text that differs where that differs.</summary>
    public virtual Task<string> DescribeAsync(CancellationToken ct) => throw CannotDo(nameof(DescribeAsync));

    /// <summary>Makes another place that does not fit, and opens a sink on it.</summary>
    /// <returns>The sink, and a word by which its error is to name what differs.</returns>
    public virtual Task<(IDataSink Sink, string Named)> OpenMisfitAsync(CancellationToken ct) => throw CannotDo(nameof(OpenMisfitAsync));

    /// <summary>Kills the server without warning and starts it again on the same data.</summary>
    public virtual Task CrashServerAsync(CancellationToken ct) => throw CannotDo(nameof(CrashServerAsync));

    /// <summary>Removes what was written.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private NotSupportedException CannotDo(string what) =>
        new($"{GetType().Name} does not override {what}. Do that, or override the check with the reason in its name.");
}
