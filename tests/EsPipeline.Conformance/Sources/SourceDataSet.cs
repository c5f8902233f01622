using System.Net;
using EsPipeline.Core.Sources;

namespace EsPipeline.Conformance;

/// <summary>How a test wants a source to be opened.</summary>
public sealed record SourceKnobs
{
    /// <summary>Records in a page, as nearly as the connector can: small ones make many batches out of little data.</summary>
    public int PageSize { get; init; } = 100;

    /// <summary>The address to connect to instead of the server's own; null for its own.</summary>
    public IPEndPoint? Through { get; init; }

    /// <summary>The time-out of one call; the connector's own where null.</summary>
    public TimeSpan? Timeout { get; init; }
}

/// <summary>
/// Fresh data of one test on a connector's real server, seen by nobody else. What a system can't do stays as it is here: the check that
/// calls it says that it has to be overridden.
/// </summary>
public abstract class SourceDataSet : IAsyncDisposable
{
    /// <summary>Opens a source over the data. Called several times, each as if by a new process: nothing but the data may be shared.</summary>
    public abstract IDataSource Open(SourceKnobs knobs);

    /// <summary>What the plan selects.</summary>
    public virtual Selection Selection => Selection.Everything;

    /// <summary>Where the server listens on this machine without TLS; null where there is no network between.</summary>
    public virtual IPEndPoint? Server => null;

    /// <summary>The document as the source is to yield it; the same for a source that passes documents through.</summary>
    public virtual Document Expected(Document document) => document;

    /// <summary>Inserts documents, or replaces those that have their keys; they are committed on return.</summary>
    public virtual Task PutAsync(IReadOnlyList<Document> documents, CancellationToken ct) => throw CannotDo(nameof(PutAsync));

    /// <summary>Deletes documents that are there; committed on return.</summary>
    public virtual Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken ct) => throw CannotDo(nameof(DeleteAsync));

    /// <summary>
    /// Begins to put documents, with the time or number that the system gives them taken now; they are committed when the answer is called.
    /// </summary>
    public virtual Task<Func<Task>> BeginPutAsync(IReadOnlyList<Document> documents, CancellationToken ct) => throw CannotDo(nameof(BeginPutAsync));

    /// <summary>Adds something that is no record, among the others.</summary>
    /// <returns>How the source is to name its place, such as <c>people.csv line 17</c>.</returns>
    public virtual Task<string> PutMalformedAsync(CancellationToken ct) => throw CannotDo(nameof(PutMalformedAsync));

    /// <summary>Makes the next request meet a server's passing failure. HTTP's 503 unless overridden.</summary>
    public virtual void OrderServerError(TcpProxy proxy) => proxy.AnswerNextWithHttp("503 Service Unavailable", """{"error":"unavailable"}""");

    /// <summary>Removes the data.</summary>
    public virtual ValueTask DisposeAsync()
    {
        GC.SuppressFinalize(this);
        return ValueTask.CompletedTask;
    }

    private NotSupportedException CannotDo(string what) =>
        new($"{GetType().Name} does not override {what}. Do that, or override the check with the reason in its name.");
}
